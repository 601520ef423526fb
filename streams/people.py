"""The people of an installation: one name each, what the services call them, and by what they are
told. Values only.

The name is what messages, the timeline and `explain` say, wherever somebody acts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from correlators.known_people import hash_of
from correlators.personal import MAIL, SLACK, By, Personal, Wish


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What services call one person; empty where that is not said."""

    slack: str = ""
    """Id of the user, `U...` or `W...`."""
    sentry: str = ""
    """User name, mail address or number, as Sentry assigns an issue."""
    pagerduty: str = ""
    """Id of the user, such as `PXPGF42`."""
    email: str = ""
    """Mail address; Sentry's too, where `sentry` is not said."""
    assigned: By | None = None
    """By what they are told of what they are assigned to; None: in Slack where they are known
    there, else by mail."""
    mentioned: By | None = None
    """By what, of comments that mention them."""

    def __repr__(self) -> str:
        return "Person(***)"

    @property
    def services(self) -> list[str]:
        """Return where they are known, without what they are called there."""
        return [part for part in SERVICES if getattr(self, part)]

    @property
    def for_sentry(self) -> str:
        """Return whom Sentry assigns an issue to; empty where that is not known."""
        name = self.sentry or self.email
        return f"user:{name}" if name.isascii() and name.isdigit() else name


SERVICES: Final = ("slack", "sentry", "pagerduty", "email")
"""Where somebody may be known."""

People = Mapping[str, Person]
"""By name."""


def by_slack(people: People) -> dict[str, str]:
    """Return the names by user id in Slack."""
    return {one.slack: name for name, one in people.items() if one.slack}


def by_pagerduty(people: People) -> dict[str, str]:
    """Return the names by user id in PagerDuty."""
    return {one.pagerduty: name for name, one in people.items() if one.pagerduty}


def in_sentry(people: People) -> dict[str, str]:
    """Return whom Sentry assigns an issue to, by name here."""
    return {name: one.for_sentry for name, one in people.items() if one.for_sentry}


def by_sentry(people: People) -> dict[str, str]:
    """Return the names by the hash of all that Sentry may call somebody; their own name last."""
    found: dict[str, str] = {}
    for name, one in people.items():
        found |= {hash_of(called): name for called in (one.sentry, one.email) if called}
    return {**{hash_of(name): name for name in people}, **found}


def told_personally(people: People, sinks: Collection[str]) -> Personal:
    """Return by what people are told themselves, without what the services call them.

    Args:
        people: all there are.
        sinks: those of `person_slack` and `person_mail` that there are.
    """
    wishes = {name: _wish(one, sinks) for name, one in people.items()}
    return Personal(people={name: one for name, one in wishes.items() if one.sinks})


def _wish(one: Person, sinks: Collection[str]) -> Wish:
    known = ((SLACK, one.slack), (MAIL, one.email))
    reached = tuple(sink for sink, called in known if called and sink in sinks)
    usual = By.SLACK if SLACK in reached else By.EMAIL if MAIL in reached else By.NONE
    return Wish(
        assigned=usual if one.assigned is None else one.assigned,
        mentioned=usual if one.mentioned is None else one.mentioned,
        sinks=reached,
    )
