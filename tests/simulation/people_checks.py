"""What must hold of what people decided at the end of every run: nothing lost, nothing twice.

Read off what is committed alone, so that a rule that is broken everywhere is seen too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec

from correlators.acts import Act, ActDone, ActOutcome, Comment, FalseAlarm, Resolve, act_id
from correlators.answering import BELIES
from correlators.decisions import Decision, Kind
from correlators.incidents import Closed
from correlators.page_acts import is_page
from correlators.personal_acts import TellMe
from correlators.settled import SETTLES_MOST_TICKS
from correlators.ticks import Progress
from correlators.types import Digest, DigestKind, PageAction, tick_of
from tests.simulation.logs import Log
from tests.simulation.reference import messages


def written(logs: Sequence[Log], progress: dict[int, Progress]) -> tuple[list[Act], set[str]]:
    """Return the acts that stand on the input log where CORRELATE has come by, and the ids of
    those further on.

    Args:
        logs: the partitions of the input log.
        progress: of each, as it is stored.
    """
    taken: list[Act] = []
    waiting: set[str] = set()
    for log in logs:
        for offset, message in messages(log):
            if isinstance(message, Act):
                if offset < progress[log.tp.partition].read_up_to:
                    taken.append(message)
                else:
                    waiting.add(act_id(message))
    return taken, waiting


def check(
    logs: Sequence[Log],
    progress: dict[int, Progress],
    kept: Sequence[ActDone],
    decisions: Sequence[Decision],
    digests: Sequence[Digest],
) -> list[str]:
    """Return what is wrong, one line each.

    Args:
        logs: the partitions of CORRELATE's input log.
        progress: how far it has come in each.
        kept: what is stored of acts.
        decisions: all of them, in the order of each partition.
        digests: all of them.
    """
    taken, waiting = written(logs, progress)
    return [
        *_accounted_for(taken, waiting, kept),
        *corrected_once(taken, kept, digests),
        *carried_out_once(taken, decisions, digests, len(logs)),
        *pages_once(digests),
        *settled(taken, decisions),
    ]


def _accounted_for(taken: Sequence[Act], waiting: set[str], kept: Sequence[ActDone]) -> list[str]:
    """Of every act that CORRELATE has come by it is kept what became of it; of no other."""
    done = {one.id for one in kept}
    wrong = [f"an act that nobody took: {one}" for one in done - {*map(act_id, taken)}]
    for act in taken:
        # One about a page stands in every partition, and is kept where the page is known.
        if act_id(act) not in done and not is_page(act.subject):
            wrong.append(f"lost: {act_id(act)} {act}")
    early = done & waiting - {*map(act_id, taken)}
    return [*wrong, *(f"before its time: {one}" for one in early)]


def carried_out_once(
    taken: Sequence[Act],
    decisions: Sequence[Decision],
    digests: Sequence[Digest],
    partitions: int = 1,
) -> list[str]:
    """However often it was written, an act is told once to each, and explained once; how somebody
    wants to be told, once in each partition."""
    said = Counter(one.other for one in decisions if one.kind is Kind.ACTED)
    everywhere = {act_id(one) for one in taken if isinstance(one, TellMe)}
    wrong = [
        f"explained {count} times: {one}"
        for one, count in said.items()
        if count > (partitions if one in everywhere else 1)
    ]
    told = Counter((one.act_text, one.destination) for one in digests if one.act == "comment")
    wrong += [f"told {count} times: {one}" for one, count in told.items() if count > 1]
    texts = {one.text for one in taken if isinstance(one, Comment)}
    return [*wrong, *(f"told, and said by nobody: {one}" for one, _ in told if one not in texts)]


def corrected_once(
    taken: Sequence[Act], kept: Sequence[ActDone], digests: Sequence[Digest]
) -> list[str]:
    """Whoever pressed is told once where nothing is as it was said, and only then."""
    told = Counter(one.id for one in digests if one.kind is DigestKind.CORRECTION)
    wrong = [f"corrected {count} times: {one}" for one, count in told.items() if count > 1]
    pressed = {act_id(one) for one in taken if not isinstance(one.pressed, msgspec.UnsetType)}
    for one in kept:
        correction = "cor-" + one.id.partition("-")[2]
        if one.id in pressed and one.outcome in BELIES and not told[correction]:
            wrong.append(f"not corrected: {one.id} {one.kind} {one.outcome.value}")
        if told[correction] and (one.id not in pressed or one.outcome is ActOutcome.DONE):
            wrong.append(f"corrected without need: {one.id} {one.kind} {one.outcome.value}")
    return wrong


def pages_once(digests: Sequence[Digest]) -> list[str]:
    """A page is opened once and ends once at each place, and not before it began."""
    opened: Counter[tuple[str, str]] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    wrong = []
    for one in sorted(digests, key=lambda one: one.at_ms):
        key = one.page_key, one.destination
        opened[key] += one.page is PageAction.TRIGGER
        ended[key] += one.page is PageAction.RESOLVE
    for key, count in opened.items():
        if count > 1 or ended[key] > count:
            wrong.append(f"page {key}: opened {count} times, ended {ended[key]} times")
    return wrong


def settled(taken: Sequence[Act], decisions: Sequence[Decision]) -> list[str]:
    """What a person ended is not opened again by what happened before they said so."""
    acts = {act_id(one): one for one in taken}
    ends: dict[int, list[Act]] = defaultdict(list)
    for one in decisions:
        act = acts.get(one.other)
        done = one.kind is Kind.ACTED and one.why == ActOutcome.DONE
        if done and isinstance(act, Resolve | FalseAlarm):
            ends[one.tick].append(act)
    by_hand: dict[str, int] = {}
    wrong = []
    for one in sorted(decisions, key=lambda one: (one.tick, one.kind is Kind.CLOSED)):
        if one.kind is Kind.CLOSED:
            by_hand.pop(one.subject, None)
            if one.why == Closed.HAND:
                by_hand[one.subject] = one.tick
        elif one.kind is Kind.REOPENED and one.subject in by_hand:
            tick = by_hand.pop(one.subject)
            said = [tick_of(act.at_ms) for act in ends[tick]]
            until = min((s for s in said if 0 < s - tick <= SETTLES_MOST_TICKS), default=-1)
            if len(said) == 1 and one.tick < until:
                wrong.append(f"{one.subject}: ended by hand, open again in {one.tick} < {until}")
    return wrong
