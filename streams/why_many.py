"""`stormfold why-many`: what the messages of a time were about, which rule sent them, and what
would have made them fewer. Pure: `why_read` reads."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec

from correlators.decisions import Decision, Kind
from streams.config_places import Places
from streams.why_read import Seen

SHOWN_MOST: Final = 8
MUCH: Final = 0.3
"""A share of all messages from which on something is worth a word."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The messages of a time, counted in several ways."""

    messages: int
    pages: int
    destinations: dict[str, int]
    rules: dict[str, int]
    kinds: dict[str, int]
    errors: dict[str, int]
    """By service and title."""
    not_told: dict[str, int]
    """What was held back, by reason."""
    advice: tuple[str, ...]


def why_many(seen: Seen, places: Places, *, destination: str = "") -> Answer:
    """Return what the messages since then were about.

    Args:
        seen: what stands on the topics.
        places: where rules stand in the settings.
        destination: only this one; empty takes all.
    """
    where: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    held: Counter[str] = Counter()
    services: dict[str, str] = {}
    rule_of: dict[str, str] = {}
    pages = 0
    for one in seen.said:
        if not isinstance(one, Decision):
            continue
        if one.key is not None:
            services[one.subject] = one.key[1]
        if one.kind is Kind.RULED:
            rule_of[one.subject] = one.name
        if one.kind is Kind.HELD:  # what another tells is held back by nothing
            held[one.why] += 1
        to = [place for place in one.to if not destination or place == destination]
        if one.kind is Kind.PAGED:
            pages += len(to)
        if one.kind is not Kind.TOLD or not to:
            continue
        where.update(to)
        rules[one.name or rule_of.get(one.subject, "") or "no rule"] += len(to)
        kinds[one.why] += len(to)
        errors[f"{services.get(one.subject, 'storm')}: {one.title}"] += len(to)
    messages = where.total()
    return Answer(
        messages=messages,
        pages=pages,
        destinations=dict(where.most_common(SHOWN_MOST)),
        rules=dict(rules.most_common(SHOWN_MOST)),
        kinds=dict(kinds.most_common()),
        errors=dict(errors.most_common(SHOWN_MOST)),
        not_told=dict(held.most_common(SHOWN_MOST)),
        advice=tuple(_advice(messages, rules, kinds, errors, places)),
    )


def _advice(
    messages: int,
    rules: Counter[str],
    kinds: Counter[str],
    errors: Counter[str],
    places: Places,
) -> list[str]:
    if not messages:
        return ["nothing was told in this time"]
    found = []
    (title, count), *_ = errors.most_common(1)
    if count > MUCH * messages and count > 2:
        found.append(
            f"{count} of {messages} are about one error ({title}): a rule with `drop` or "
            "`every: 1h` for it, or a silence"
        )
    updates = kinds["updated"]
    if updates > MUCH * messages:
        found.append(f"{updates} are updates in threads: a longer `incidents.update_every`")
    (rule, count), *_ = rules.most_common(1)
    if count > MUCH * messages and len(rules) > 1:
        place = places.of(rule)
        where = f" ({place})" if place else ""
        found.append(
            f'{count} come from the rule "{rule}"{where}: a threshold such as `events: 10 in 5m`, '
            "`urgency: digest`, or a cap such as `every: 30m`"
        )
    opened = kinds["opened"]
    if opened > MUCH * messages and opened > 20:
        found.append(f"{opened} are first messages: `spike_protection: {{per_hour: ...}}`")
    found.append(
        "try it first: `stormfold backtest --config NEW.yaml --since 24h` says what would be left"
    )
    return found


def lines(answer: Answer) -> list[str]:
    """Return the answer in lines for people."""
    found = [f"{answer.messages} messages and {answer.pages} pages"]
    for name, counts in (
        ("to", answer.destinations),
        ("by rule", answer.rules),
        ("kinds", answer.kinds),
        ("about", answer.errors),
        ("held back beside them", answer.not_told),
    ):
        if counts:
            found.append(f"{name}:")
            found += [f"  {count:>6}  {word}" for word, count in counts.items()]
    found.append("What would make them fewer:")
    found += [f"  {one}" for one in answer.advice]
    return found


def plain(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(answer)
    return found
