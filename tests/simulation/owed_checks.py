"""What must hold at the end of every run of reports and of what people are told themselves.

Read off what is committed alone, so that a rule that is broken everywhere is seen too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from correlators.acts import Act, ActDone, ActOutcome, Assign, Comment, act_id
from correlators.deltas import tick_end_ms
from correlators.personal import MAIL, SLACK, Deed
from correlators.scheduled import TOLD, Scheduled
from correlators.types import Digest, DigestKind
from tests.simulation.owed import REPORTS, SETTLED


def check(
    digests: Sequence[Digest],
    taken: Sequence[Act],
    kept: Sequence[ActDone],
    *,
    applied_tick: int,
) -> list[str]:
    """Return what is wrong, one line each.

    Args:
        digests: all that are committed.
        taken: the acts that CORRELATE has come by.
        kept: what is stored of acts.
        applied_tick: so far every partition has come.
    """
    done = {one.id for one in kept if one.outcome is ActOutcome.DONE}
    acts = {id: one for one in taken if (id := act_id(one)) in done}
    return [
        *(line for one in REPORTS for line in _reported(one, digests, applied_tick)),
        *_to_one(digests),
        *_told_settled(digests, list(acts.values())),
    ]


def _reported(of: Scheduled, digests: Sequence[Digest], applied_tick: int) -> list[str]:
    """The reports of an environment follow one another, each up to a moment of its own, and what
    was told of an error stands in one of them."""
    found: dict[tuple[str, str], list[Digest]] = defaultdict(list)
    for one in digests:
        if one.kind is DigestKind.REPORT and one.rule == of.name:
            found[one.environment, one.destination].append(one)
    wrong = []
    for (environment, place), reports in found.items():
        if place not in of.to or not of.tells(environment, ()):
            wrong.append(f"a report to nobody: {of.name} of {environment} at {place}")
        over_ms = 0
        for one in sorted(reports, key=lambda one: one.last_ms):
            if one.first_ms < over_ms:
                wrong.append(f"a report of what was reported: {_named(one)}")
            if of.at.next_ms(one.last_ms - 1) != one.last_ms or one.at_ms != one.last_ms:
                wrong.append(f"a report at no moment of its own: {_named(one)}")
            over_ms = one.last_ms
    until_ms = tick_end_ms(applied_tick)
    for told in digests:
        opened = told.kind is DigestKind.OPENED and of.tells(told.environment, ())
        if not opened or of.urgency != TOLD or of.at.next_ms(told.at_ms - 1) > until_ms:
            continue
        for place in of.to:
            of_it = [
                one
                for one in found[told.environment, place]
                if one.first_ms < told.at_ms <= one.last_ms
            ]
            if len(of_it) != 1:
                wrong.append(f"in {len(of_it)} reports: {of.name} of {told.id} at {told.at_ms}")
    return wrong


def _to_one(digests: Sequence[Digest]) -> list[str]:
    """Nobody is told the same twice. Who is assigned to one issue in several environments, or again
    within the hour, is decided to be told under one id, which an outbox tells once."""
    said = Counter(
        (one.id, one.destination, one.environment, one.at_ms)
        for one in digests
        if one.personal is not None
    )
    return [f"told {count} times personally: {one}" for one, count in said.items() if count > 1]


def _told_settled(digests: Sequence[Digest], done: Sequence[Act]) -> list[str]:
    """Whoever wants to be told is told of each comment that mentions them, and that something was
    assigned to them; of nothing else."""
    told = [one for one in digests if one.destination.endswith(f":{SETTLED}")]
    wrong = [f"told of nothing of theirs: {_named(one)}" for one in told if one.personal is None]
    mentions = [one for one in told if one.personal and one.personal.deed is Deed.MENTIONED]
    assigned = [one for one in told if one.personal and one.personal.deed is Deed.ASSIGNED]
    said = {one.text for one in done if isinstance(one, Comment) and f"@{SETTLED}" in one.text}
    for text in said ^ {one.act_text for one in mentions}:
        wrong.append(f"mentioned, and not told so, or told and not mentioned: {text}")
    if {one.destination for one in mentions} - {f"{SLACK}:{SETTLED}"}:
        wrong.append("told by what they did not choose")
    given = [one for one in done if isinstance(one, Assign) and one.assignee == SETTLED]
    for place in (f"{SLACK}:{SETTLED}", f"{MAIL}:{SETTLED}"):
        at = [one for one in assigned if one.destination == place]
        if bool(at) != bool(given) or len(at) > len(given):
            wrong.append(f"assigned {len(given)} times, told {len(at)} times at {place}")
    return wrong


def _named(one: Digest) -> str:
    return f"{one.id} r{one.revision} {one.rule} -> {one.destination} at {one.at_ms}"
