"""The pipeline in one process: time runs on to the end, and records alone decide what is told."""

from __future__ import annotations

import json

from correlators.acts import ActDone, AddSilence
from correlators.conditions import When
from correlators.partition import Step
from correlators.telling import Config
from correlators.types import Digest, DigestKind, Doubt
from streams.local import Pipeline, final_mark_ms
from tests.laws.logs import CONFIG, FINGERPRINTING, START_MS


def _body(event_id: str, kind: str = "KeyError") -> bytes:
    event = {"event_id": event_id, "project": "cart", "exception": {"values": [{"type": kind}]}}
    return json.dumps(event).encode()


def _digests(*records: tuple[int, bytes]) -> tuple[list[Digest], Pipeline]:
    found: list[Digest] = []

    def take(step: Step) -> None:
        found.extend(one for one in step.digests if one.destination == "slack:incidents")

    pipeline = Pipeline(CONFIG, FINGERPRINTING, take)
    for after_ms, body in records:
        pipeline.add("event", body, START_MS + after_ms)
    pipeline.finish()
    return found, pipeline


def test_after_the_last_record_time_runs_on_until_nothing_is_open() -> None:
    digests, pipeline = _digests((0, _body("a")), (700, _body("b")))
    assert [digest.kind for digest in digests] == [DigestKind.OPENED, DigestKind.RESOLVED]
    assert digests[-1].events == 2
    assert pipeline.partition.open_counts == (0, 0)
    assert digests[-1].at_ms <= final_mark_ms(START_MS + 700, CONFIG)


def test_without_a_record_nothing_is_decided() -> None:
    digests, pipeline = _digests()
    assert digests == []
    assert pipeline.partition.ticks.applied == -1


def test_a_record_that_is_no_event_is_counted_and_opens_nothing() -> None:
    digests, pipeline = _digests((0, b"{"), (5, b"{}"))
    assert digests == []
    assert pipeline.kinds.total() == 2


def test_after_an_hour_of_regular_traffic_the_end_of_a_recording_confirms_nothing() -> None:
    found: list[Digest] = []
    pipeline = Pipeline(Config(), FINGERPRINTING, lambda step: found.extend(step.digests))
    for minute in range(90):
        kinds = ["SlowQuery", "CacheMiss", *(["Boom"] if minute >= 70 else [])]
        for kind in kinds:
            pipeline.add("event", _body(f"{kind}{minute}", kind), START_MS + minute * 60_000)
    pipeline.finish()
    ends = [one.unconfirmed for one in found if one.resolved and one.title == "Boom"]
    assert ends == [Doubt.INTAKE_SILENT]
    assert pipeline.partition.open_counts == (0, 0)


def test_an_act_takes_effect_in_the_tick_of_the_last_record_also_after_restores() -> None:
    act = AddSilence(
        actor="ada",
        source="cli",
        at_ms=START_MS,
        to_ms=START_MS + 3_600_000,
        environment="production",
        when=When(service=("cart",)),
    )
    runs = []
    for restore in (False, True):
        found: list[Digest] = []
        ticks: list[int] = []

        def take(step: Step, found: list[Digest] = found, ticks: list[int] = ticks) -> None:
            found += step.digests
            ticks += [one.tick for one in step.entries.values() if isinstance(one, ActDone)]

        pipeline = Pipeline(CONFIG, FINGERPRINTING, take, restore_every_tick=restore)
        pipeline.add("event", _body("a"), START_MS)
        pipeline.add("event", _body("b", "ValueError"), START_MS + 9_000)
        pipeline.act(act)
        pipeline.act(act)
        pipeline.add("event", _body("c", "OSError"), START_MS + 9_500)
        pipeline.finish()
        runs.append((found, ticks))
    assert runs[0] == runs[1]
    digests, ticks = runs[0]
    assert ticks == [(START_MS + 9_000) // 1000]
    assert {digest.title.partition(":")[0] for digest in digests} == {"KeyError"}
