"""What a simulated run is told besides incidents: scheduled reports, and what is for one person."""

from __future__ import annotations

from typing import Final

from correlators.personal import MAIL, SLACK, By, Personal, Wish
from correlators.recurring import Recurring
from correlators.rulings import Urgency
from correlators.scheduled import Scheduled
from correlators.schedules import DAY_MINUTES, Zone

_ALWAYS: Final = -(1 << 62)


def each_minute(second: int) -> Recurring:
    """Return a moment in each minute: at this second of UTC's, which a zone of its own makes its
    full minute."""
    zone = Zone(f"full minute at {second} s", ((_ALWAYS, -second),))
    return Recurring(zone=zone, minutes=tuple(range(DAY_MINUTES)))


# A run lasts some seconds or a minute of stream time: it must see some moments, and more than one
# of the same report, whenever it begins.
REPORTS: Final = (
    Scheduled(name="early", at=each_minute(24), to=("slack:reports",), environment=("*",)),
    Scheduled(name="soon", at=each_minute(29), to=("slack:reports", "email:leads")),
    Scheduled(name="middle", at=each_minute(44), to=("email:leads",), environment=("*",)),
    Scheduled(
        name="loud",
        at=each_minute(54),
        to=("slack:reports",),
        environment=("prod*", "staging"),
        urgency=(Urgency.ALERT, Urgency.PAGE),
    ),
    Scheduled(name="late", at=each_minute(9), to=("slack:reports",), environment=("*",)),
)

SETTLED: Final = "cy"
"""Decides nothing, and never says how to be told."""

PERSONAL: Final = Personal(
    people={
        "ada": Wish(assigned=By.SLACK, mentioned=By.BOTH, sinks=(SLACK, MAIL)),
        "ben": Wish(assigned=By.BOTH, mentioned=By.NONE, sinks=(MAIL,)),
        SETTLED: Wish(assigned=By.BOTH, mentioned=By.SLACK, sinks=(SLACK, MAIL)),
    }
)
