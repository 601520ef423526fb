"""Conditions of `--fail-if`: `pages > 10`, `messages.slack:incidents > old`, `vanishes > 0`.

A name, a comparison, and a number or `old`, which is the same figure of the configuration that is
compared with, maybe with `+ N`. A condition that cannot be read is refused before anything runs.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final

import msgspec

from streams.backtest_compare import Change, Compared, Totals

_FORM: Final = re.compile(
    r"\s*([a-z][a-z_0-9]*)(?:\.(\S+))?\s*(<=|>=|==|!=|<|>)\s*(?:(old)\s*(?:\+\s*)?)?(\d+(?:\.\d+)?)?\s*"
)
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_FIGURES: Final[dict[str, Callable[[Totals, str], float]]] = {
    "pages": lambda side, name: _of(side, name, pages=True) if name else side.pages,
    "messages": lambda side, name: _of(side, name, pages=False) if name else side.messages,
    "told": lambda side, _: side.told,
    "incidents": lambda side, _: side.incidents,
    "storms": lambda side, _: side.storms,
    "pages_in_an_hour": lambda side, _: max(side.pages_by_hour.values(), default=0),
    "messages_in_an_hour": lambda side, _: max(side.messages_by_hour.values(), default=0),
    "first_digest_median_s": lambda side, _: side.waits.median_ms / 1000,
    "first_digest_p90_s": lambda side, _: side.waits.p90_ms / 1000,
    "first_digest_longest_s": lambda side, _: side.waits.longest_ms / 1000,
}
_CHANGES: Final = {one.value: one for one in Change if one is not Change.SAME}
_NAMED: Final = frozenset({"pages", "messages"})


class BadCondition(ValueError):
    """It cannot be read; the text says what may stand there."""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that makes a backtest fail."""

    text: str
    figure: str
    name: str
    compare: str
    old: bool
    number: float


def condition_of(text: str) -> Condition:
    """Return the condition. Raises: BadCondition."""
    found = _FORM.fullmatch(text)
    if found is None or not (found[4] or found[5]):
        raise BadCondition(
            f"{text!r}: expected something like 'pages > 10' or 'messages > old + 5'"
        )
    figure, name = found[1], found[2] or ""
    if figure not in _FIGURES and figure not in _CHANGES:
        known = ", ".join((*_FIGURES, *_CHANGES))
        raise BadCondition(f"{text!r}: {figure} is no figure; there are: {known}")
    if name and figure not in _NAMED:
        raise BadCondition(f"{text!r}: only pages and messages have a destination after a dot")
    if found[4] and figure in _CHANGES:
        raise BadCondition(f"{text!r}: {figure} compares both already; old has none")
    return Condition(
        text=text.strip(),
        figure=figure,
        name=name,
        compare=found[3],
        old=bool(found[4]),
        number=float(found[5] or 0),
    )


def holds(condition: Condition, compared: Compared) -> tuple[bool, str]:
    """Return whether it holds, and the figures that decide, in words."""
    if condition.figure in _CHANGES:
        found = float(compared.count(_CHANGES[condition.figure]))
        wanted = condition.number
    else:
        figure = _FIGURES[condition.figure]
        found = figure(compared.new, condition.name)
        before = figure(compared.old, condition.name) if condition.old else 0.0
        wanted = before + condition.number
    said = f"{condition.text}: it is {found:g}"
    if condition.old:
        said += f", and {wanted:g} is allowed for"
    return _COMPARE[condition.compare](found, wanted), said


def _of(side: Totals, destination: str, *, pages: bool) -> float:
    counts = side.destinations.get(destination, {})
    page = counts.get("page", 0)
    return page if pages else sum(counts.values()) - page
