"""What must hold at the end of every run, each by its name."""

from __future__ import annotations

from collections import Counter

from correlators import sets
from correlators.acts import ActDone
from correlators.decisions import Decision
from correlators.deltas import event_hash
from correlators.entries import PROGRESS_KEY, heard_key
from correlators.fingerprinter import Fingerprinter
from correlators.incidents import Incident
from correlators.ticks import Progress
from correlators.types import DigestKind, IncidentKey, tick_of
from streams import codec
from streams.processes import EXIT_REFUSED
from streams.settings import Clock
from tests.simulation import owed_checks, people_checks
from tests.simulation.reference import Expected, decided, expected, stream_times
from tests.simulation.scenario import FINGERPRINTING
from tests.simulation.stages import TOPICS
from tests.simulation.world import World


def check(world: World) -> list[str]:
    """Return what is wrong, one line each."""
    return [
        *world.problems,
        *(f"refused: {child.name}" for child in world.children if EXIT_REFUSED in child.deaths),
        *_parked(world),
        *_progress(world),
        *_epochs(world),
        *_quarantine(world),
        *_people(world),
        *_owed(world),
        *_same(world),
    ]


def _people(world: World) -> list[str]:
    """Nothing that people decided is lost, and nothing happens twice."""
    if not world.scenario.people:
        return []
    entries = [codec.entry(raw) for raw in committed_state(world).values()]
    said = map(codec.said, _committed(world, TOPICS.decisions))
    return people_checks.check(
        world.cluster.of_topic(TOPICS.deltas),
        committed_progress(world),
        [one for one in entries if isinstance(one, ActDone)],
        [one for one in said if isinstance(one, Decision)],
        [codec.digest(raw) for raw in committed_digests(world)],
    )


def _owed(world: World) -> list[str]:
    """Every report is told, once, and whoever is assigned or mentioned is told so."""
    entries = [codec.entry(raw) for raw in committed_state(world).values()]
    applied = [one.applied_tick for one in committed_progress(world).values()]
    return owed_checks.check(
        [codec.digest(raw) for raw in committed_digests(world)],
        people_checks.written(world.cluster.of_topic(TOPICS.deltas), committed_progress(world))[0],
        [one for one in entries if isinstance(one, ActDone)],
        applied_tick=min(applied, default=-1),
    )


def committed_progress(world: World) -> dict[int, Progress]:
    """Return how far each partition has come, as it is stored."""
    found: dict[int, Progress] = {}
    for log in world.cluster.of_topic(TOPICS.incidents):
        for entry in log.committed():
            assert entry.message is not None
            if entry.message.key == PROGRESS_KEY.encode():
                progress = codec.entry(entry.message.value or b"")
                assert isinstance(progress, Progress)
                found[log.tp.partition] = progress
    return found


def _parked(world: World) -> list[str]:
    return [
        f"parked: {child.name} {sorted(child.parking.parked)}"
        for child in world.children
        if child.parking.parked
    ]


def _progress(world: World) -> list[str]:
    """The applied tick never goes back in what is committed."""
    wrong = []
    for log in world.cluster.of_topic(TOPICS.incidents):
        applied = read_up_to = -1
        for entry in log.committed():
            message = entry.message
            if message is None or message.key != PROGRESS_KEY.encode():
                continue
            progress = codec.entry(message.value or b"")
            assert isinstance(progress, Progress)
            if progress.applied_tick < applied or progress.read_up_to < read_up_to:
                wrong.append(f"progress went back at {log.tp} {entry.offset}")
            applied, read_up_to = progress.applied_tick, progress.read_up_to
    return wrong


def _epochs(world: World) -> list[str]:
    """Only the newest owner of a state partition writes it."""
    wrong = []
    for log in world.cluster.of_topic(TOPICS.incidents):
        epochs = [entry.producer[1] for entry in log.committed()]
        if epochs != sorted(epochs):
            wrong.append(f"a former owner wrote to {log.tp}")
    return wrong


def _quarantine(world: World) -> list[str]:
    """Every unreadable record is in the quarantine, with its bytes and its origin."""
    aside: dict[tuple[bytes, bytes], bytes | None] = {}
    for log in world.cluster.of_topic(TOPICS.quarantine):
        for entry in log.committed():
            assert entry.message is not None
            headers = dict(entry.message.headers)
            if headers.get("topic") == TOPICS.events.encode():
                aside[headers["partition"], headers["offset"]] = entry.message.value
    wrong = []
    for log in world.cluster.of_topic(TOPICS.events):
        for read in stream_times(log, world.scenario.clock):
            place = str(read.partition).encode(), str(read.offset).encode()
            junk = read.body.startswith(b'{"') and b":" not in read.body
            if junk and not read.mark and aside.get(place) != read.body:
                wrong.append(f"not in the quarantine: {read.partition} {read.offset}")
            if not junk and place in aside:
                wrong.append(f"in the quarantine, but readable: {read.partition} {read.offset}")
    return wrong


def committed_digests(world: World) -> list[bytes]:
    return _committed(world, TOPICS.deliveries)


def _committed(world: World, topic: str) -> list[bytes]:
    return [
        entry.message.value or b""
        for log in world.cluster.of_topic(topic)
        for entry in log.committed()
        if entry.message is not None
    ]


def committed_state(world: World) -> dict[str, bytes]:
    """Return the newest value of every key of all state partitions, without `@progress`."""
    state: dict[str, bytes] = {}
    for log in world.cluster.of_topic(TOPICS.incidents):
        of_log: dict[str, bytes | None] = {}
        for entry in log.committed():
            assert entry.message is not None
            of_log[(entry.message.key or b"").decode()] = entry.message.value
        of_log.pop(PROGRESS_KEY, None)
        state.update((key, value) for key, value in of_log.items() if value is not None)
    return state


def _same(world: World) -> list[str]:
    """Digests, decisions and state are those of the log, each digest and decision once."""
    if world.stalls and world.scenario.clock is Clock.DATA:
        return ["a stall was declared under clock data"]
    if world.stalls or world.grown:
        return _decided_once(world)
    wanted = expected(world.cluster.of_topic(TOPICS.events), world.scenario.clock)
    wrong = []
    if world.scenario.people or world.scenario.clock is Clock.WALL:
        # People end what the events do not; and time goes on, so that further reports are due.
        wrong += _first_half(world, wanted)
        wanted = _decided(world, people=True)
    wrong += _differ("digest", Counter(wanted.digests), Counter(committed_digests(world)))
    decisions = _committed(world, TOPICS.decisions)
    wrong += _differ("decision", Counter(wanted.decisions), Counter(decisions))
    state = committed_state(world)
    for one in (state, wanted.state):
        # What intake hears counts when its minute is over: the world may run on for longer.
        one.pop(heard_key("", ""), None)
    if state != wanted.state:
        keys = sorted(
            key for key in {*state, *wanted.state} if state.get(key) != wanted.state.get(key)
        )
        wrong.append(f"state differs in {len(keys)} entries: {keys[:5]}")
    return wrong


def _decided(world: World, *, people: bool, upto: int = 0) -> Expected:
    logs = world.cluster.of_topic(TOPICS.deltas)
    applied = {
        place: max(one.applied_tick, upto) for place, one in committed_progress(world).items()
    }
    sources = world.cluster.of_topic(TOPICS.events)
    return decided(logs, sources, upto=applied, people=people)


def _first_half(world: World, wanted: Expected) -> list[str]:
    """Without people the input log of CORRELATE says what the events say, whoever wrote it."""
    # A tick in which nothing happened is not written: what people had ended before, say.
    said = map(codec.said, wanted.decisions)
    last = max((one.tick for one in said if isinstance(one, Decision)), default=0)
    found = _decided(world, people=False, upto=last)
    final = world.final_tick()
    digests, decisions = _within(found, final)
    wrong = _differ("digest", Counter(wanted.digests), digests)
    wrong += _differ("decision", Counter(wanted.decisions), decisions)
    return [f"without people: {one}" for one in wrong]


def _within(found: Expected, final: int) -> tuple[Counter[bytes], Counter[bytes]]:
    """Return its digests and decisions without those of reports that were due after this tick."""
    late = set()
    digests: Counter[bytes] = Counter()
    for raw in found.digests:
        one = codec.digest(raw)
        if one.kind is DigestKind.REPORT and tick_of(one.at_ms - 1) > final:
            late.add(one.id)
        else:
            digests[raw] += 1
    said = ((raw, codec.said(raw)) for raw in found.decisions)
    kept = [raw for raw, one in said if not (isinstance(one, Decision) and one.subject in late)]
    return digests, Counter(kept)


def _differ(what: str, wanted: Counter[bytes], found: Counter[bytes]) -> list[str]:
    lacking, over = wanted - found, found - wanted
    wrong = []
    for word, differing in (("lacks", lacking), ("has too many", over)):
        if differing:
            shown = map(_shown_decision if what == "decision" else _shown, list(differing)[:3])
            wrong.append(f"{word} {differing.total()} {what}s: {'; '.join(shown)}")
    return wrong


def _shown(raw: bytes) -> str:
    one = codec.digest(raw)
    return f"{one.id} r{one.revision} {one.kind.value} -> {one.destination} at {one.at_ms}"


def _shown_decision(raw: bytes) -> str:
    one = codec.said(raw)
    assert isinstance(one, Decision)
    return f"{one.subject} {one.kind.value} in tick {one.tick}"


def _decided_once(world: World) -> list[str]:
    """With a stall, or a source that came later: nothing is decided twice, nothing is lost."""
    told = Counter(
        (digest.id, digest.revision, digest.destination)
        for digest in map(codec.digest, committed_digests(world))
    )
    twice = [f"decided twice: {digest}" for digest, count in told.items() if count > 1]
    return [*twice, *_lost(world)]


def _lost(world: World) -> list[str]:
    """Every readable event is counted in an incident of its key."""
    counted: dict[IncidentKey, bytes] = {}
    for raw in committed_state(world).values():
        entry = codec.entry(raw)
        if isinstance(entry, Incident):
            counted[entry.key] = sets.union(counted.get(entry.key, sets.EMPTY), entry.events)
    wrong = []
    fingerprinter = Fingerprinter(FINGERPRINTING)
    for log in world.cluster.of_topic(TOPICS.events):
        for read in stream_times(log, world.scenario.clock):
            found = fingerprinter.read(read.resource, read.body)
            if read.mark or found.event is None or found.key is None:
                continue
            members = counted.get(found.key, sets.EMPTY)
            if sets.union(members, sets.of([event_hash(found.event)])) != members:
                wrong.append(f"lost: {read.partition} {read.offset}")
    return wrong
