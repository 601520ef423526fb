"""What the local services were really told, per destination, beside what was to be told."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from benchmarks.deliveries.storm import PAGER
from correlators.types import Digest, PageAction
from sinks.attempted import Attempted
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Peer
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_store import Message

Named = tuple[str, str, int]
"""Destination, id and revision."""

ROLLUP: Final = "rollup-"
REPEAT: Final = "possible repeat"
_COUNTED: Final = re.compile(r"([\d,]+) incidents? in one message")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One destination."""

    destination: str
    digests: int
    messages: int
    retries: int
    """Calls that were not the first of their step, and look-ups."""
    lost: int
    """Digests whose newest revision nobody was told of, alone or among others."""
    twice: int
    """Messages that told what was told, without saying so; pages opened again."""
    repeats: int
    """Messages that say they may be a repeat."""
    inside_penalty: int
    oldest_s: float
    """The longest time from Kafka to the message that tells a digest by itself."""
    page_s: float
    """The longest time from Kafka to an alert that wakes somebody."""


def rows(
    put: Sequence[Digest],
    attempts: Iterable[Attempted],
    dead: set[Named],
    slack: SlackPeer,
    pagerduty: PagerDutyPeer,
    channels: Mapping[str, str],
) -> list[Row]:
    """Return a row per destination, the pager last.

    Args:
        put: every digest, with `at_ms` when it was put on Kafka.
        attempts: the journal of calls.
        dead: what was given up.
        slack: what it holds counts.
        pagerduty: what it holds counts.
        channels: id by name.
    """
    mine: dict[str, list[Digest]] = defaultdict(list)
    for digest in put:
        mine[digest.destination].append(digest)
    retries = _retries(attempts)
    found = [
        _channel(f"slack:{name}", mine[f"slack:{name}"], slack, id, dead, retries)
        for name, id in channels.items()
    ]
    return [*found, _pager(mine[PAGER], pagerduty, dead, retries)]


def _retries(attempts: Iterable[Attempted]) -> Counter[str]:
    """Return, per destination, the calls beyond the first of every step of every revision."""
    counted: Counter[str] = Counter()
    seen: set[tuple[str, str, int, str]] = set()
    for one in attempts:
        step = one.destination, one.subject, one.revision, one.step.value
        counted[one.destination] += one.find or step in seen
        seen.add(step)
    return counted


def _payload(message: Message) -> dict[str, object]:
    found = (message.metadata or {}).get("event_payload")
    return found if isinstance(found, dict) else {}


def _channel(
    destination: str,
    digests: Sequence[Digest],
    slack: SlackPeer,
    channel: str,
    dead: set[Named],
    retries: Counter[str],
) -> Row:
    messages = slack.messages(channel)
    told: dict[tuple[str, int], list[Message]] = defaultdict(list)
    firsts: Counter[str] = Counter()
    counted = repeats = twice = 0
    for one in messages:
        said = _payload(one)
        id, revision = str(said.get("id")), int(str(said.get("revision", 0)))
        shown = one.text + str(one.blocks)
        again = REPEAT in shown
        repeats += again
        twice += bool(told[id, revision]) and not again
        if said.get("step") == "post":
            twice += bool(firsts[id]) and not again and not told[id, revision]
            firsts[id] += 1
        told[id, revision].append(one)
        if id.startswith(ROLLUP) and (match := _COUNTED.search(shown)):
            counted += int(match[1].replace(",", ""))
    newest = {one.id: one for one in sorted(digests, key=lambda one: one.revision)}
    missing = [
        one
        for one in newest.values()
        if not told.get((one.id, one.revision)) and (destination, one.id, one.revision) not in dead
    ]
    waits = [
        messages[0].at - one.at_ms / 1000
        for one in digests
        if (messages := told.get((one.id, one.revision), []))
    ]
    return Row(
        destination=destination,
        digests=len(digests),
        messages=len(slack.messages(channel)),
        retries=retries[destination],
        lost=max(0, len(missing) - counted),
        twice=twice,
        repeats=repeats,
        inside_penalty=sum(one.args.get("channel") == channel for one in slack.violations),
        oldest_s=max(waits, default=0.0),
        page_s=0.0,
    )


def _pager(
    digests: Sequence[Digest], pagerduty: PagerDutyPeer, dead: set[Named], retries: Counter[str]
) -> Row:
    alerts = {one.dedup_key: one for one in pagerduty.alerts}
    opened = Counter(one.dedup_key for one in pagerduty.alerts)
    lost, waits = 0, [0.0]
    over = {one.id for one in digests if one.page is PageAction.RESOLVE}
    for one in digests:
        if (PAGER, one.id, one.revision) in dead:
            continue
        alert = alerts.get(f"stormfold-{one.id}")
        if one.page is PageAction.TRIGGER:
            lost += alert is None and one.id not in over
            if alert is not None:
                waits.append(alert.opened_at - one.at_ms / 1000)
        else:
            lost += alert is not None and alert.resolved_at is None
    return Row(
        destination=PAGER,
        digests=len(digests),
        messages=len(pagerduty.taken),
        retries=retries[PAGER],
        lost=lost,
        twice=sum(count - 1 for count in opened.values()),
        repeats=0,
        inside_penalty=len(pagerduty.violations),
        oldest_s=max(waits),
        page_s=max(waits),
    )


def inside(peer: Peer, upset: Sequence[float]) -> list[str]:
    """Return a line for each call inside a penalty: how long after the refusal, and after an owner
    was killed or put to sleep, who may have taken the refusal with him."""
    lines = []
    for one in peer.violations:
        refused = [
            other.at
            for other in peer.calls
            if other.at < one.at and other.outcome != "ok" and other.method == one.method
        ]
        since = f"{one.at - refused[-1]:.3f} s after a refusal" if refused else "no refusal before"
        before = [at for at in upset if at < one.at]
        owner = f", {one.at - before[-1]:.1f} s after an owner was stopped" if before else ""
        lines.append(f"inside a penalty: {one.method} {since}{owner}")
    return lines


HEAD: Final = (
    "destination", "digests", "messages", "retries", "lost", "twice", "possible repeats",
    "inside a penalty", "oldest wait", "longest wait of a page",
)  # fmt: skip


def table(found: Sequence[Row]) -> str:
    """Return the rows as text, their sum last."""
    total = Row(
        destination="all",
        **{
            name: sum(getattr(one, name) for one in found)
            for name in (
                "digests", "messages", "retries", "lost", "twice", "repeats", "inside_penalty",
            )
        },
        oldest_s=max(one.oldest_s for one in found),
        page_s=max(one.page_s for one in found),
    )  # fmt: skip
    lines = [HEAD, *(_cells(one) for one in [*found, total])]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (
        row.digests, row.messages, row.retries, row.lost, row.twice, row.repeats,
        row.inside_penalty,
    )  # fmt: skip
    page = f"{row.page_s:.1f} s" if row.page_s else "-"
    return (row.destination, *(f"{one:,}" for one in numbers), f"{row.oldest_s:.0f} s", page)
