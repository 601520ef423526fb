"""What somebody should do after a scheduled report, in words, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from correlators.report_text import many, short
from correlators.reported import ACTIONS_MOST
from correlators.scheduled import Tally
from correlators.storms import Storm

if TYPE_CHECKING:
    from correlators.report_errors import Counted

FALSE_ALARMS: Final = 3
"""From so many on it is worth a rule."""
_NAMED: Final = 3


def actions(
    found: Sequence[Counted], storms: Sequence[Storm], people: Tally, *, owned: bool
) -> tuple[str, ...]:
    """Return what somebody should do, at most `ACTIONS_MOST`.

    Args:
        found: the errors of the report, those with the most events first.
        storms: those that began in its time.
        people: what people said in it.
        owned: the configuration says who owns what.
    """
    paged = [one.line for one in found if one.paged and not one.had]
    nobody = [one.line for one in found if one.line.open and not one.had and not one.paged]
    unheard = [_storm(one) for one in storms if one.told.paged and one.had_tick < 0]
    said = [
        _about("paged, and acknowledged by nobody: ", [*unheard, *map(short, paged)]),
        _about("open, and nobody has it: ", map(short, nobody)),
        _about("came back after it was resolved: ", (short(one.line) for one in found if one.back)),
        _about("comes and goes: ", (short(one.line) for one in found if one.flaps)),
        _about(
            "no team owns ", (o.line.service for o in found if owned and not o.line.owner), ", "
        ),
    ]
    if people.false_alarms >= FALSE_ALARMS:
        said.append(f"{people.false_alarms:,} false alarms: have a rule drop them, or ask for more")
    return tuple(one for one in said if one)[:ACTIONS_MOST]


def _storm(storm: Storm) -> str:
    more = len(storm.services) - 1
    return f"a storm in {storm.services[0]}" + (
        f" and {many(more, 'more service')}" if more else ""
    )


def _about(words: str, found: Iterable[str], between: str = "; ") -> str:
    """Return the words with the first of these, each once; nothing without any."""
    names = list(dict.fromkeys(found))
    if not names:
        return ""
    more = len(names) - _NAMED
    return words + between.join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
