"""How `stormfold check` shows rules and what holds back: one line each, in the file's words."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

from correlators.conditions import AtLeast, When
from correlators.holds import Holding, Period
from correlators.recurring import WEEK
from correlators.rulings import Rule, Urgency
from correlators.scheduled import TOLD, Scheduled
from correlators.schedules import Span, Weekly
from sinks.form_names import DEFAULT, DIGEST, Templates
from streams.settings_types import GroupingFiles
from streams.yaml_reader import duration

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def rule_line(rule: Rule) -> str:
    """Return a rule in one line: its name, when it holds, what it does."""
    if rule.urgency is Urgency.DROP:
        does = f"dropped: {rule.reason}"
    else:
        does = f"{rule.urgency} to {', '.join(rule.to) or 'nobody'}"
    if rule.page:
        does += f", pages {', '.join(rule.page)}"
    if rule.page_else:
        does += f", else {', '.join(rule.page_else)}"
    if rule.fallback:
        does += f", fallback {rule.fallback}"
    if rule.every_ms:
        does += f", at most every {duration(rule.every_ms)}"
    if rule.goes_on:
        does += ", and goes on"
    return f"{rule.name}: {when_text(rule.when)} -> {does}"


def hold_lines(holding: Holding) -> list[str]:
    """Return what may hold a telling back, one line each."""
    lines = [_period_line(one) for one in holding.periods]
    for one in holding.inhibitions:
        where = "of any service" if one.any_service else "of the same service"
        pages = ", pages too" if one.pages else ""
        mutes = f"mutes {where} {when_text(one.when)}{pages}"
        lines.append(f"inhibit {one.name}: {when_text(one.source)} {mutes}")
    if holding.most_per_hour:
        lines.append(f"spike protection: {holding.most_per_hour} an hour and environment, no pages")
    return lines


def report_line(one: Scheduled) -> str:
    """Return a scheduled report in one line: when it comes, of what, to whom."""
    minutes = one.at.minutes
    every = f"every {24 // len(minutes)} h, one" if len(minutes) > 1 else "once"
    days = "" if one.at.days == WEEK else " on " + ", ".join(_DAYS[day] for day in one.at.days)
    at = f"{minutes[0] // 60:02}:{minutes[0] % 60:02} {one.at.zone.name}"
    team = f", owned by {one.team}" if one.team else ""
    what = "" if set(one.urgency) == set(TOLD) else f", urgency {' or '.join(one.urgency)}"
    of = ", ".join(one.environment)
    return f"{one.name}: {every} at {at}{days}, of {of}{team}{what} -> {', '.join(one.to)}"


def grouping_shown(grouping: GroupingFiles) -> dict[str, Any]:
    """Return who says what is the same."""
    chosen = grouping.chosen
    return {
        "by": chosen.by.value,
        "services": {service: by.value for service, by in sorted(chosen.services.items())},
        "fingerprint_rules": _rules(grouping.fingerprint_rules, len(chosen.fingerprint_rules)),
        "stack_rules": _rules(grouping.stack_rules, len(chosen.stack_rules)),
    }


def _rules(file: str, number: int) -> str | None:
    return f"{file} ({number} {'rule' if number == 1 else 'rules'})" if file else None


def templates_shown(templates: Templates) -> dict[str, Any]:
    """Return each template with its file and the rules that take it; none where none is used."""
    used = {
        name: [rule for rule, one in templates.by_rule.items() if one == name]
        for name in (*templates.by_rule.values(), *templates.forms)
    }
    return {
        name: {
            "from": templates.forms[name].file if name in templates.forms else "Stormfold's own",
            "for": rules
            or {DEFAULT: "all others", DIGEST: "roll-ups and the report of shadow mode"}.get(
                name, []
            ),
        }
        for name, rules in used.items()
    }


def when_text(when: When) -> str:
    """Return a condition in words; `always` where nothing is asked for."""
    return " and ".join(f"{one} {_shown(getattr(when, one))}" for one in when.given) or "always"


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return " or ".join(map(_shown, value))
        case AtLeast():
            return f"{value.count} in {duration(value.within_ms)}"
        case Enum():
            return str(value.value)
        case _:
            return str(value)


def _period_line(period: Period) -> str:
    kind = "maintenance" if period.maintenance else "quiet hours"
    times = ", ".join(map(_times_text, period.times))
    pages = "pages too" if period.pages else "no pages"
    return f"{kind} {period.name}: {times}: {when_text(period.when)}, {pages}"


def _times_text(times: Weekly | Span) -> str:
    if isinstance(times, Span):
        return f"{_moment(times.from_ms)} to {_moment(times.to_ms)}"
    days = "every day" if len(times.days) == 7 else ", ".join(_DAYS[day] for day in times.days)
    return f"{days} {_clock(times.from_minute)} to {_clock(times.to_minute)} {times.zone.name}"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
