"""Which young incidents are compared: what is left out decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from correlators.candidates import Candidate
from correlators.company import (
    WITNESSES_LEAST,
    WITNESSES_MOST,
    Company,
    Divided,
    witnesses_each,
)
from correlators.incidents import Incident, Windows, opened
from correlators.partition import Partition
from correlators.telling import Config
from correlators.young import Place, Young
from tests.correlators.score import (
    CONFIG,
    START,
    Push,
    batches,
    deltas_of,
    event,
    first_progress,
    run,
)

SERVICES = ("checkout", "payment", "ledger", "mail", "search")
DELTA = deltas_of(event(0, "checkout", "TimeoutError"))[0]


def incident(number: int, onset: int, traces: tuple[int, ...], storm: str = "") -> Incident:
    key = msgspec.structs.replace(DELTA.key, fingerprint=f"{number:032x}")
    one = opened(
        msgspec.structs.replace(DELTA, key=key), tick=START, windows=Windows(), rate_ticks=300
    )
    return msgspec.structs.replace(
        one,
        id=f"inc-{number:03}",
        onset_tick=START + onset,
        traces=tuple((trace, START) for trace in traces),
        storm_id=storm,
        signature=(f"type E{number}", f"in app.e{number}"),
    )


def place_of(incidents: dict[str, Incident], since: int) -> Place | None:
    young = Young()
    for one in incidents.values():
        young.change(None, one)
    return young.since("production", START + since)


def seen(place: Place | None) -> object:
    """Return all that can be asked of it."""
    if place is None:
        return None
    ids = set(place.ids)
    return (
        ids,
        place.company,
        place.storms,
        place.services,
        place.releases,
        {one: place.marks(one) for one in ids},
        [place.latest(ids, most) for most in range(len(ids) + 1)],
        {trace: place.holding(trace) for trace in range(1, 5)},
    )


STEPS = st.lists(
    st.tuples(
        st.integers(0, 4),  # which incident
        st.integers(0, 5),  # its onset
        st.lists(st.integers(1, 4), max_size=2, unique=True).map(lambda one: tuple(sorted(one))),
        st.sampled_from(["", "storm-1"]),
        st.sampled_from(["put", "put", "put", "past", "drop", "look"]),
    ),
    max_size=25,
)


@given(STEPS, st.integers(0, 4))
def test_however_it_came_about_it_is_what_the_entries_say(
    steps: list[tuple[int, int, tuple[int, ...], str, str]], since: int
) -> None:
    young = Young()
    entries: dict[str, Incident] = {}
    for number, onset, traces, storm, what in steps:
        one = incident(number, onset, traces, storm)
        before = entries.get(one.id)
        if what == "drop":
            young.change(before, None)
            entries.pop(one.id, None)
        elif what == "look":
            young.since("production", START)
        else:
            one = msgspec.structs.replace(one, past=what == "past")
            young.change(before, one)
            entries[one.id] = one
    assert seen(young.since("production", START + since)) == seen(place_of(entries, since))


@given(STEPS)
def test_in_company_is_who_shares_a_mark_or_carries_no_trace(
    steps: list[tuple[int, int, tuple[int, ...], str, str]],
) -> None:
    entries = {f"inc-{one[0]:03}": incident(*one[:4]) for one in steps}
    place = place_of(entries, 0)
    marks = {key: {trace for trace, _ in one.traces} for key, one in entries.items()}
    shares = {
        key
        for key, mine in marks.items()
        if not mine or any(mine & other for name, other in marks.items() if name != key)
    }
    assert (place.company if place is not None else set()) == shares


def test_an_incident_that_has_nothing_in_common_changes_nothing_for_the_others() -> None:
    outage = [
        event(1000 + at, service, error, trace=f"t{at}", event_id=f"{at:032x}{service[0]}")
        for at, (service, error) in enumerate(
            [("checkout", "A"), ("payment", "B"), ("ledger", "C")] * 3
        )
    ]
    linked = [
        event(1005, service, "Lost", trace="shared", event_id=f"{1:031x}{service[0]}")
        for service in ("checkout", "payment")
    ]
    alone = [
        event(1004 + at, "mail", f"Alone{at}", trace=f"alone{at}", event_id=f"{at:031x}e")
        for at in range(5)
    ]
    told = {
        (one.id, one.revision): one for one in run(*outage, *linked, until=1100).to() if one.storm
    }
    with_others = {
        (one.id, one.revision): one
        for one in run(*outage, *linked, *alone, until=1100).to()
        if one.storm
    }
    assert told
    assert with_others == told


def test_the_witnesses_of_many_storms_have_a_bound() -> None:
    assert witnesses_each(1) == WITNESSES_MOST
    assert witnesses_each(10_000) == WITNESSES_LEAST
    assert all(witnesses_each(n) * n <= WITNESSES_MOST for n in range(1, 64))


def test_the_latest_are_taken_first() -> None:
    place = place_of({str(one): incident(one, one, (one + 1,)) for one in range(5)}, 0)
    assert place is not None
    assert place.latest(set(place.ids), 2) == {"inc-003", "inc-004"}
    assert place.latest({"inc-001", "inc-002"}, 5) == {"inc-001", "inc-002"}


class Everybody(Company):
    """Compares all that is young: what is left out must not be missed."""

    def compared(
        self,
        environment: str,
        place: Place,
        divided: Divided,
        anchors: Sequence[Candidate],
        tick: int,
    ) -> list[str]:
        return sorted(divided.loose | divided.members)


def decided(pushes: list[Push], config: Config, *, everybody: bool) -> list[object]:
    partition = Partition(config, first_progress())
    if everybody:
        correlator = partition._correlator
        correlator._gatherer._company = Everybody(config, correlator.state)
    found: list[object] = []
    for offset, batch in enumerate(batches(pushes, until=2_000, config=config)):
        partition.receive(offset, batch)
        while partition.ready():
            found += partition.step(most_ticks=1).digests
    return [*found, *partition.state_entries]


EVENTS = st.lists(
    st.tuples(
        st.integers(400, 560),
        st.sampled_from(SERVICES),
        st.sampled_from("ABCDEF"),
        st.sampled_from(["1.0", "1.0", "1.1"]),
        st.sampled_from(["", "shared", "also", "own", "own", "own"]),
        st.sampled_from(["", "", "", "Refused", "Gone"]),  # what it was raised from
    ),
    min_size=2,
    max_size=40,
)


def raised_from(cause: str, push: Push) -> Push:
    """Return the event as if its error had been raised from another one; an error of the same
    name is that one itself."""
    if not cause or push.signature is None:
        return push
    shown = (f"type {cause}", f"in db.{cause}")
    alone = cause == push.signature.title
    parts = shown if alone else (*shown, f"type {push.signature.title}", "in app.handle")
    named = xxhash.xxh3_128_hexdigest("\0".join(parts).encode())
    signature = msgspec.structs.replace(push.signature, parts=parts, fingerprint=named)
    return replace(push, signature=signature)


@given(EVENTS, st.sampled_from([{}, {"checkout": ("payment",)}]))
def test_who_is_left_out_is_not_missed(
    drawn: list[tuple[int, str, str, str, str, str]], depends: dict[str, tuple[str, ...]]
) -> None:
    config = msgspec.structs.replace(CONFIG, depends=depends)
    pushes = [event(0, service, "Old", event_id=f"{0:031x}{service[0]}") for service in SERVICES]
    pushes += [
        raised_from(
            cause,
            event(
                at,
                service,
                cause if cause and error in "AB" else error,
                release=release,
                trace=f"{trace}{number}" if trace == "own" else trace,
                event_id=f"{number:032x}",
            ),
        )
        for number, (at, service, error, release, trace, cause) in enumerate(drawn, start=1)
    ]
    assert decided(pushes, config, everybody=False) == decided(pushes, config, everybody=True)
