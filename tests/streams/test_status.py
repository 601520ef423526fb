"""What `stormfold status` says of given reports and of what stands on Kafka, and how it looks."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len

from correlators.ticks import Progress
from streams import cli_status, codec
from streams.agents import foreign
from streams.codec import CodecError, Told
from streams.processes import StageName
from streams.reports import (
    CorrelateReport,
    DeliverReport,
    FingerprintReport,
    PartitionReport,
    PartitionState,
    Report,
    StageReport,
)
from streams.settings import Clock
from streams.status import PartitionStatus, State, Status, make_status
from streams.status_letters import DeadLetters
from streams.status_parts import Part, Standing

ROOT = Path(__file__).resolve().parents[2]
NOW_MS = 1_790_000_000_000
TICK = NOW_MS // 1000 - 2
EVENTS, DELTAS, DELIVERIES = "sentry.events", "incident.deltas", "deliveries"
WORKER = "worker-7f9c5d8b64-x2x1z-1"

FINGERPRINT = FingerprintReport(stream_ms=NOW_MS - 900, watermark_ms=NOW_MS - 900)
DELIVER = DeliverReport(waiting=3, calls=1)
CORRELATE = CorrelateReport(
    applied_tick=TICK,
    watermark_ms=NOW_MS - 900,
    slowest=(EVENTS, 1),
    held=4,
    excluded=(),
    excluded_count=0,
    late=5,
    repeated=6,
)


def told(
    topic: str,
    partition: int,
    of_stage: StageReport | None,
    state: PartitionState = PartitionState.RUNNING,
    *,
    offset: int = 100,
    lag: int = 0,
) -> PartitionReport:
    return PartitionReport(
        topic=topic, partition=partition, state=state, offset=offset, lag=lag, of_stage=of_stage
    )


def report(stage: StageName, *partitions: PartitionReport, worker: str = WORKER) -> Report:
    return Report(stage=stage.value, worker=worker, at_ms=NOW_MS - 300, partitions=partitions)


def all_well() -> list[Report]:
    return [
        report(StageName.FINGERPRINT, *(told(EVENTS, one, FINGERPRINT) for one in range(2))),
        report(StageName.CORRELATE, *(told(DELTAS, one, CORRELATE) for one in range(2))),
        report(StageName.DELIVER, *(told(DELIVERIES, one, DELIVER) for one in range(2))),
    ]


def standings(**changed: Standing) -> dict[Part, Standing]:
    """Two partitions of every stage that are read to their end; `deliver_1` changes one."""
    topics = {
        StageName.FINGERPRINT: EVENTS,
        StageName.CORRELATE: DELTAS,
        StageName.DELIVER: DELIVERIES,
    }
    usual = Standing(begin=0, end=100, committed=100)
    return {
        Part(stage, topic, number): changed.get(f"{stage.value}_{number}", usual)
        for stage, topic in topics.items()
        for number in range(2)
    }


def status_of(
    reports: list[Report], stand: dict[Part, Standing] | None = None, clock: Clock = Clock.WALL
) -> Status:
    return make_status("stormfold", clock, NOW_MS, reports, stand or standings())


def one_of(status: Status, stage: StageName, partition: int) -> PartitionStatus:
    (found,) = (s for s in status.partitions if s.stage is stage and s.partition == partition)
    return found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(status: Status, *, json: bool = False, terminal: bool = False) -> str:
    out = Terminal() if terminal else io.StringIO()
    cli_status.show(status, out, json=json)
    return out.getvalue()


# -- what is said


def test_when_every_partition_has_an_owner_that_goes_on_all_is_well() -> None:
    status = status_of(all_well())
    assert status.ok
    assert status.troubles == ()
    assert {one.owner for one in status.partitions} == {WORKER}
    assert {one.state for one in status.partitions} == {State.RUNNING}
    assert [one.stage for one in status.partitions] == [s for s in StageName for _ in range(2)]
    fingerprint = one_of(status, StageName.FINGERPRINT, 0)
    assert (fingerprint.lag_records, fingerprint.lag_seconds) == (0, 0.9)
    assert fingerprint.watermark_ms == NOW_MS - 900
    correlate = one_of(status, StageName.CORRELATE, 1)
    assert (correlate.applied_tick, correlate.applied_ms) == (TICK, (TICK + 1) * 1000)
    assert correlate.lag_seconds == 1.0
    assert correlate.watermark_of == f"{EVENTS}-1"
    assert (correlate.held_deltas, correlate.late_deltas, correlate.repeated_deltas) == (4, 5, 6)
    deliver = one_of(status, StageName.DELIVER, 0)
    assert (deliver.waiting, deliver.calls, deliver.lag_seconds) == (3, 1, 0.0)
    assert deliver.held_deltas is None


def test_a_partition_that_nobody_tells_of_has_no_owner_and_is_told_from_kafka() -> None:
    progress = Progress(
        installation="x",
        partitions=2,
        sources=((EVENTS, 0), (EVENTS, 1), (EVENTS, 2)),
        watermarks=((EVENTS, 0, 5_000), (EVENTS, 1, 4_000), (EVENTS, 2, 1_000)),
        applied_tick=3,
        excluded=((EVENTS, 2),),
        late=9,
    )
    stand = standings(
        fingerprint_0=Standing(begin=0, end=70, committed=50, metadata=str(NOW_MS - 60_000)),
        fingerprint_1=Standing(begin=20, end=70),
        correlate_0=Standing(begin=0, end=30, committed=10, progress=progress),
        deliver_0=Standing(begin=0, end=9, committed=6, unread=1, unread_ms=NOW_MS - 7_000),
        deliver_1=Standing(begin=0, end=9, committed=8, unread=0),
    )
    status = status_of([], stand)
    assert not status.ok
    assert {(one.state, one.owner) for one in status.partitions} == {(State.NOBODY, None)}
    read = one_of(status, StageName.FINGERPRINT, 0)
    assert (read.lag_records, read.lag_seconds, read.offset) == (20, 60.0, 50)
    never_read = one_of(status, StageName.FINGERPRINT, 1)
    assert (never_read.lag_records, never_read.lag_seconds, never_read.offset) == (50, None, None)
    correlate = one_of(status, StageName.CORRELATE, 0)
    assert (correlate.applied_tick, correlate.watermark_ms) == (3, 4_000)
    assert correlate.watermark_of == f"{EVENTS}-1"
    assert correlate.excluded == (f"{EVENTS}-2",)
    assert (correlate.late_deltas, correlate.held_deltas) == (9, None)
    waiting = one_of(status, StageName.DELIVER, 0)
    assert (waiting.lag_records, waiting.lag_seconds) == (1, 7.0)
    # Offset 8 is the mark of a transaction: nothing is unread.
    done = one_of(status, StageName.DELIVER, 1)
    assert (done.lag_records, done.lag_seconds) == (0, 0.0)
    assert "fingerprint sentry.events 0, 1: no owner" in status.troubles
    assert any("goes on without sentry.events-2" in line for line in status.troubles)


def test_the_time_of_a_foreign_partition_without_an_owner_is_that_of_its_commit() -> None:
    stored = foreign.metadata(NOW_MS - 60_000, NOW_MS - 900_000)
    stand = standings(fingerprint_0=Standing(begin=0, end=70, committed=50, metadata=stored))
    read = one_of(status_of([], stand), StageName.FINGERPRINT, 0)
    assert (read.lag_records, read.lag_seconds) == (20, 60.0)


def test_who_told_last_is_the_owner_and_the_former_one_is_forgotten() -> None:
    former = report(StageName.CORRELATE, told(DELTAS, 0, CORRELATE), worker="former")
    new = report(
        StageName.CORRELATE,
        told(DELTAS, 0, None, PartitionState.RESTORING, offset=-1, lag=-1),
        worker="new",
    )
    found = one_of(status_of([former, new]), StageName.CORRELATE, 0)
    assert (found.owner, found.state) == ("new", State.RESTORING)
    assert found.offset == 100  # as committed: the new owner has none yet
    assert found.applied_tick is None


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        (PartitionState.PARKED, "correlate incident.deltas 1: parked by"),
        (PartitionState.RESTORING, "correlate incident.deltas 1: being restored"),
        (PartitionState.PAUSED, ""),
    ],
)
def test_parked_and_restoring_are_troubles_and_back_pressure_is_none(
    state: PartitionState, trouble: str
) -> None:
    reports = all_well()
    of_stage = CORRELATE if state is PartitionState.PAUSED else None
    reports[1] = report(
        StageName.CORRELATE, told(DELTAS, 0, CORRELATE), told(DELTAS, 1, of_stage, state)
    )
    status = status_of(reports)
    assert one_of(status, StageName.CORRELATE, 1).state == state.value
    assert status.ok == (not trouble)
    assert all(line.startswith(trouble) for line in status.troubles)


def test_an_excluded_source_is_a_trouble_that_names_it() -> None:
    reports = all_well()
    excluding = msgspec.structs.replace(CORRELATE, excluded=((EVENTS, 7),), excluded_count=3)
    reports[1] = report(StageName.CORRELATE, *(told(DELTAS, one, excluding) for one in range(2)))
    status = status_of(reports)
    assert status.troubles == (
        "correlate incident.deltas 0, 1: goes on without sentry.events-7, 2 more, "
        "where time stands still",
    )


def test_the_lag_of_a_paused_partition_is_counted_on_kafka() -> None:
    reports = all_well()
    reports[0] = report(
        StageName.FINGERPRINT,
        told(EVENTS, 0, FINGERPRINT, PartitionState.PAUSED, offset=40, lag=3),
        told(EVENTS, 1, FINGERPRINT, offset=40, lag=3),
    )
    status = status_of(reports)
    assert one_of(status, StageName.FINGERPRINT, 0).lag_records == 60
    assert one_of(status, StageName.FINGERPRINT, 1).lag_records == 3


def test_under_clock_data_behind_means_behind_the_newest_time() -> None:
    reports = all_well()
    slow = FingerprintReport(stream_ms=50_000, watermark_ms=50_000)
    fast = FingerprintReport(stream_ms=80_000, watermark_ms=70_000)
    correlate = msgspec.structs.replace(CORRELATE, applied_tick=48, watermark_ms=50_000)
    reports[0] = report(StageName.FINGERPRINT, told(EVENTS, 0, slow), told(EVENTS, 1, fast))
    reports[1] = report(StageName.CORRELATE, *(told(DELTAS, one, correlate) for one in range(2)))
    reports[2] = report(
        StageName.DELIVER,
        told(DELIVERIES, 0, DELIVER, lag=1),
        told(DELIVERIES, 1, DELIVER),
    )
    unread = Standing(begin=0, end=101, committed=100, unread=1, unread_ms=44_000)
    status = status_of(reports, standings(deliver_0=unread), Clock.DATA)
    behind = [one.lag_seconds for one in status.partitions]
    assert behind == [30.0, 0.0, 31.0, 31.0, 36.0, 0.0]


# -- how it looks


def in_trouble() -> Status:
    excluded = tuple((EVENTS, one) for one in range(3, 23))
    excluding = msgspec.structs.replace(
        CORRELATE, excluded=excluded, excluded_count=40, held=199_999, repeated=12_345
    )
    return status_of(
        [
            report(
                StageName.FINGERPRINT,
                told(EVENTS, 0, FINGERPRINT, PartitionState.PAUSED, lag=0),
            ),
            report(
                StageName.CORRELATE,
                told(DELTAS, 0, excluding, lag=1_234_567),
                told(DELTAS, 1, None, PartitionState.PARKED, offset=-1, lag=-1),
            ),
            report(
                StageName.DELIVER,
                told(DELIVERIES, 0, None, PartitionState.RESTORING, offset=-1, lag=-1),
                told(DELIVERIES, 1, DELIVER),
            ),
        ],
        standings(
            fingerprint_0=Standing(begin=0, end=9_876_543, committed=0),
            fingerprint_1=Standing(begin=0, end=1, metadata=str(NOW_MS - 300_000_000)),
        ),
    )


def test_the_json_has_the_same_keys_always_and_the_page_explains_each() -> None:
    page = (ROOT / "docs" / "status.md").read_text(encoding="utf-8")
    for status in (status_of(all_well()), in_trouble()):
        read = json.loads(shown(status, json=True))
        assert list(read) == [field.name for field in msgspec.structs.fields(Status)]
        for one in read["partitions"]:
            assert list(one) == [field.name for field in msgspec.structs.fields(PartitionStatus)]
    for key in [*msgspec.structs.fields(Status), *msgspec.structs.fields(PartitionStatus)]:
        assert f"`{key.name}`" in page, key.name
    for state in State:
        assert f"`{state.value}`" in page


def test_dead_letters_that_wait_for_somebody_are_said_and_are_no_trouble() -> None:
    dead = DeadLetters(waiting=1_234, last_ms=NOW_MS - 60_000, complete=False)
    status = msgspec.structs.replace(status_of(all_well()), dead_letters=dead)
    assert status.ok
    at = clock_of(NOW_MS - 60_000)
    said = "Dead letters that wait for somebody: at least 1,234"
    assert f"{said}, the last of {at}: `stormfold dead-letters list` shows them." in shown(status)
    none = msgspec.structs.replace(dead, waiting=0, last_ms=None)
    assert "Dead" not in shown(msgspec.structs.replace(status, dead_letters=none))


def test_a_pipe_gets_plain_columns_without_colours() -> None:
    text = shown(in_trouble())
    assert "\x1b" not in text
    assert "━" not in text
    lines = text.splitlines()
    assert lines[0] == f"FINGERPRINT reads {EVENTS}"
    assert lines[1].split() == ["partition", "state", "owner", "lag", "behind", "watermark"]
    assert lines[2].split()[:5] == ["0", "paused", WORKER, "9.9", "M"]
    assert lines[3].split() == ["1", "nobody", "nobody", "1", "3", "d", "-"]
    assert "! correlate incident.deltas 1: parked by " + WORKER in text


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_tables_that_fit(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(in_trouble(), terminal=True))
    assert all(cell_len(line) <= width for line in text.splitlines() if "!" not in line)
    for state in ("paused", "nobody", "parked", "restoring", "running"):
        assert state in text
    for count in ("9.9 M", "1.2 M", "199 k", "12,345", "+37"):
        assert count in text


# -- the messages


def test_a_report_comes_back_as_it_was_told_and_another_version_is_named() -> None:
    for one in all_well():
        assert codec.told(codec.encode(one)) == one
    applied = Told(
        partition=1, applied_tick=2, open_incidents=0, open_storms=0, suppressed=0, late=0
    )
    assert codec.told(codec.encode(applied)) == applied
    without_tag = {name: getattr(applied, name) for name in applied.__struct_fields__}
    for raw in (msgspec.msgpack.encode(without_tag), msgspec.msgpack.encode({"type": "new"})):
        with pytest.raises(CodecError, match="progress message"):
            codec.told(raw)


def test_the_configuration_that_all_decide_by_is_named_once() -> None:
    at_ms = NOW_MS - 60_000
    reports = [
        msgspec.structs.replace(one, configuration="75bf3b55014e", configured_ms=at_ms + n)
        for n, one in enumerate(all_well())
    ]
    status = status_of(reports)
    (running,) = status.configurations
    assert running.since_ms == at_ms + 2
    assert running.processes == tuple(f"{WORKER} {stage}" for stage in sorted(StageName))
    assert f"\nConfiguration 75bf3b55014e since {clock_of(at_ms)}.\n" in shown(status)


def test_the_processes_of_a_stage_are_said_with_what_each_of_them_has() -> None:
    names = [f"host-1.{number}" for number in (1, 2, 10)]
    reports = [
        report(StageName.FINGERPRINT, worker=names[2]),
        report(StageName.FINGERPRINT, told(EVENTS, 0, FINGERPRINT), worker=names[1]),
        report(StageName.FINGERPRINT, told(EVENTS, 1, FINGERPRINT), worker=names[0]),
        *all_well()[1:],
    ]
    status = status_of(reports)
    assert status.ok
    assert [(one.stage, one.worker, one.partitions) for one in status.workers] == [
        (StageName.FINGERPRINT, names[0], 1),
        (StageName.FINGERPRINT, names[1], 1),
        (StageName.FINGERPRINT, names[2], 0),
        (StageName.CORRELATE, WORKER, 2),
        (StageName.DELIVER, WORKER, 2),
    ]
    lines = [line for line in shown(status).splitlines() if "processes" in line]
    assert lines == [
        "FINGERPRINT runs in 3 processes: host-1.1 has 1, host-1.2 has 1, host-1.10 has none "
        "of its partitions."
    ]


def test_while_a_changed_file_is_on_its_way_each_is_named_with_who_decides_by_it() -> None:
    reports = [
        msgspec.structs.replace(one, configuration=name, configured_ms=NOW_MS - age_ms)
        for one, name, age_ms in zip(
            all_well(), ("new", "old", "new"), (9_000, 90_000, 5_000), strict=True
        )
    ]
    status = status_of(reports)
    assert status.ok  # a rolling restart is no trouble
    assert [one.configuration for one in status.configurations] == ["new", "old"]
    lines = shown(status).splitlines()
    at = f"since {clock_of(NOW_MS - 90_000)}"
    assert f"Configuration old {at} of {WORKER} correlate." in lines
    assert any(
        line.endswith(f" of {WORKER} deliver, {WORKER} fingerprint.") and " new " in line
        for line in lines
    )


def test_processes_of_a_release_that_names_no_configuration_are_not_told_as_one() -> None:
    assert status_of(all_well()).configurations == ()


def clock_of(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S")
