"""Sinks that nobody can ask what became of a call: mail, Teams, webhooks, and what is one person's.

What they tell comes at least once: a call of unknown outcome is made again, and says so.
"""

from __future__ import annotations

from typing import Final

from sinks.base import Limit, Plan, Scope, Step

TRIES: Final = 12
_MAIL: Final = Limit(name="mail", scope=Scope.DESTINATION, every_ms=900, burst=5, in_flight=2)
_MAILS: Final = Limit(name="mails", scope=Scope.METHOD, every_ms=250, burst=10, in_flight=8)
_URGENT: Final = Limit(name="urgent", scope=Scope.DESTINATION, every_ms=200, burst=5, in_flight=4)
_CARD: Final = Limit(name="post", scope=Scope.DESTINATION, every_ms=1_000, burst=3)
_ALERT: Final = Limit(name="post", scope=Scope.DESTINATION, every_ms=500, burst=5, in_flight=4)

PLANS: Final = {
    "email": Plan(
        steps={Step.POST: (_MAIL, _MAILS), Step.REPLY: (_MAIL, _MAILS)},
        urgent=(_URGENT,),
        retry_cap_ms=20_000,
        tries=TRIES,
    ),
    "teams": Plan(steps={Step.POST: (_CARD,)}, ask_ms=1, retry_cap_ms=20_000, tries=TRIES),
    "webhook": Plan(
        steps={Step.POST: (_ALERT,)}, ask_ms=1, rollup=False, retry_cap_ms=20_000, tries=TRIES
    ),
    "person_slack": Plan(steps={Step.POST: (_CARD,)}, retry_cap_ms=20_000, tries=TRIES),
    "person_mail": Plan(
        steps={Step.POST: (_MAIL, _MAILS)}, urgent=(_URGENT,), retry_cap_ms=20_000, tries=TRIES
    ),
}
"""By sink. Their rates are those of the real sinks or above: a run lasts a minute."""

LETTERS: Final = ("email:a", "email:b", "teams:a", "webhook:a", "webhook:b")
PEOPLE: Final = (
    "person_slack:ada",
    "person_slack:cy",
    "person_mail:ada",
    "person_mail:ben",
    "person_mail:cy",
)
SHARED: Final = frozenset({"slack", "email", "person_slack", "person_mail"})
"""Sinks with one account for all their destinations."""


def sink_of(destination: str) -> str:
    """Return the name of its sink."""
    return destination.partition(":")[0]


def account_of(destination: str) -> str:
    """Return what its limits are shared over."""
    sink = sink_of(destination)
    return sink if sink in SHARED else destination
