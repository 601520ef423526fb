"""What a rule is, and how it is written for Prometheus. Values only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import yaml

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_PIECE: Final = re.compile(r"(\d+)([smhd])")


class Severity(StrEnum):
    """Who is called: the word is the label that Alertmanager routes by."""

    PAGE = "page"
    """Somebody is woken: events or digests do not come through, or will not soon."""
    TICKET = "ticket"
    """To be looked at by day: nothing is lost while it waits."""
    NONE = "none"
    """Nobody: it fires always, and tells that alerts fire."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the minutes of the rules are.

    Args:
        factor: what every duration is multiplied with; 1 is what is shipped. A trial with 1/60
            turns minutes into seconds: the same rules with shorter windows and less patience.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        """Check that nothing becomes longer."""
        assert 0.0 < self.factor <= 1.0

    def seconds(self, duration: str, *, least_s: int = 1) -> int:
        """Return a duration such as `10m` in seconds, never under `least_s` when it is scaled."""
        full = sum(int(count) * _SECONDS[unit] for count, unit in _PIECE.findall(duration))
        return full if self.factor == 1.0 else max(min(least_s, full), round(full * self.factor))

    def window(self, duration: str, *, least_s: int = 5) -> str:
        """Return a duration as PromQL says it: at least five scrapes of a trial, one a second."""
        return said(self.seconds(duration, least_s=least_s))


def said(seconds: int) -> str:
    """Return seconds in the largest unit that says them whole."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert and what whoever is called reads first.

    Args:
        name: also of its page in `docs/runbooks/`.
        expr: PromQL; what it returns is on fire.
        summary: one line; may show labels.
        hold: how long it must be so before somebody is called; empty: at once.
        keep: how long it goes on firing after it was last so; empty: not at all.
    """

    name: str
    severity: Severity
    expr: str
    summary: str
    hold: str = ""
    keep: str = ""

    def written(self, pace: Pace, runbooks: str) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        rule: dict[str, Any] = {"alert": self.name, "expr": self.expr}
        if self.hold:
            rule["for"] = pace.window(self.hold, least_s=1)
        if self.keep:
            rule["keep_firing_for"] = pace.window(self.keep, least_s=1)
        rule["labels"] = {"severity": self.severity.value}
        page = f"{runbooks.rstrip('/')}/{self.name}.md"
        rule["annotations"] = {"summary": self.summary, "runbook_url": page}
        return rule


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus works out beforehand, named `level:metric:operation`."""

    name: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()

    def written(self) -> dict[str, Any]:
        """Return the rule as Prometheus reads it."""
        rule: dict[str, Any] = {"record": self.name, "expr": self.expr}
        if self.labels:
            rule["labels"] = dict(self.labels)
        return rule


def document(head: Sequence[str], groups: Iterable[tuple[str, list[dict[str, Any]]]]) -> str:
    """Return a file of rules, with remarks in front."""
    body = {"groups": [{"name": name, "rules": rules} for name, rules in groups]}
    remarks = "".join(f"# {line}\n" for line in head)
    return remarks + yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=10_000)


class _Dumper(yaml.SafeDumper):
    """Writes an expression of several lines as it was written."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
