"""The recorded outages of real Node and Java services: complete, clean, one storm at any speed."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from recordings.clean import leaks
from recordings.grouping import message_of, metadata, title
from recordings.labels import OUTAGE, UnknownCause, label_all
from recordings.outages.make import HERE, PLANS, tale_of, without_machine
from recordings.outages.plans import Plan

JsonObject = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
LARGEST: Final = 600_000
HEX_32: Final = re.compile(r"[0-9a-f]{32}")
PREFIX_MS: Final = 40_000
"""How much of the outage's beginning is replayed at 20 times its speed: two seconds."""


class Recorded(NamedTuple):
    """One recording, and what it was made by."""

    path: Path
    plan: Plan
    lines: list[str]
    rows: list[JsonObject]

    @property
    def told(self) -> list[tuple[JsonObject, JsonObject]]:
        """(row, event) of each line that carries an event."""
        both = []
        for row in self.rows:
            event = row["body"]["data"].get("error") or row["body"]["data"].get("event")
            if event is not None:
                both.append((row, event))
        return both

    def slug(self, event: JsonObject) -> str:
        return self.plan.account.slugs[event["project"]]


@pytest.fixture(scope="module", params=sorted(PLANS))
def recorded(request: pytest.FixtureRequest) -> Recorded:
    path = ROOT / "recordings" / f"{request.param}-outage.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    return Recorded(path, PLANS[request.param], lines, [json.loads(line) for line in lines])


def replayed(path: Path, folder: Path, speed: str) -> tuple[JsonObject, bytes, bytes]:
    """Return counts, assignments and digests, as a user of `stormfold replay` gets them."""
    folder.mkdir()
    files = ["--assignments", str(folder / "a"), "--digests", str(folder / "d")]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "streams.cli",
            "replay",
            str(path),
            "--speed",
            speed,
            *files,
            "--json",
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout), (folder / "a").read_bytes(), (folder / "d").read_bytes()


def test_the_file_is_small_anonymous_and_in_order_of_time(recorded: Recorded) -> None:
    packed = recorded.path.read_bytes()
    assert len(packed) < LARGEST
    assert (packed[3], packed[4:8]) == (0, b"\0\0\0\0")
    times = [row["at_ms"] for row in recorded.rows]
    assert times == sorted(times)
    assert {leak for line in recorded.lines for leak in leaks(line)} == set()
    contexts = {name for _, event in recorded.told for name in event["contexts"]}
    assert contexts == {"runtime", "trace"}


def test_every_event_is_what_the_real_sdk_sent_in_the_form_of_a_webhook(recorded: Recorded) -> None:
    account = recorded.plan.account
    sdk = {"node": "sentry.javascript.node", "java": "sentry.java"}[account.platform]
    ids = set()
    for row, event in recorded.told:
        ids.add((event["project"], event["event_id"]))
        assert event["platform"] == account.platform
        assert event["sdk"]["name"] == sdk
        assert row["body"]["action"] in {"created", "triggered"}
        assert f"/{account.name}/{recorded.slug(event)}/" in event["url"]
        assert event["release"].startswith(f"{recorded.slug(event)}@")
        assert HEX_32.fullmatch(event["contexts"]["trace"]["trace_id"])
        assert event["hashes"]
        assert event["title"]
        assert abs(row["at_ms"] / 1000 - event["received"]) < 0.001
        assert 0 <= event["received"] - event["timestamp"] < 60
        assert isinstance(event.get("breadcrumbs") or {}, dict)
    assert len(ids) == len(recorded.told)
    created = [row for row in recorded.rows if row["body"]["action"] == "created"]
    issues = {row["body"]["data"]["issue"]["id"] for row in created if row["resource"] == "issue"}
    assert issues == {event["issue_id"] for _, event in recorded.told}


def test_the_outage_is_hundreds_of_errors_of_three_services_and_a_few_dozen_people(
    recorded: Recorded,
) -> None:
    outage = [event for row, event in recorded.told if row["label"] == OUTAGE]
    assert len(outage) >= 300
    assert len({event["user"]["id"] for event in outage}) >= 30
    types = defaultdict(set)
    services = defaultdict(set)
    for event in outage:
        types[recorded.slug(event)].add(event["metadata"]["type"])
        services[event["contexts"]["trace"]["trace_id"]].add(recorded.slug(event))
    assert set(types) == set(recorded.plan.account.slugs.values())
    assert sum(map(len, types.values())) >= 6
    # The SDK carried the trace from service to service.
    assert sum(len(names) > 1 for names in services.values()) >= 50
    assert any(len(names) == 3 for names in services.values())


def test_every_cause_that_the_makers_know_of_occurs_before_during_and_after(
    recorded: Recorded,
) -> None:
    causes = recorded.plan.causes
    known = {OUTAGE, *causes.by_function.values(), *causes.by_message.values()}
    assert {row["label"] for row, _ in recorded.told} == known
    assert len(known) >= 7
    outage = [row["at_ms"] for row, _ in recorded.told if row["label"] == OUTAGE]
    begin, end = min(outage), max(outage)
    tale = tale_of(recorded.plan)
    assert tale.broken[0] <= begin / 1000 - tale.start_s
    assert end / 1000 - tale.start_s <= tale.broken[1]
    ambient = defaultdict(list)
    for row, _ in recorded.told:
        if row["label"] != OUTAGE:
            ambient[row["label"]].append(row["at_ms"])
    times = [at_ms for many in ambient.values() for at_ms in many]
    assert sum(at_ms < begin for at_ms in times) >= 10
    assert sum(begin <= at_ms <= end for at_ms in times) >= 10
    assert sum(at_ms > end for at_ms in times) >= 10
    assert sum(begin < min(many) < end for many in ambient.values()) >= 2


def test_a_release_comes_before_the_outage_and_brings_a_mistake_of_its_own(
    recorded: Recorded,
) -> None:
    newer, older = recorded.plan.newer, recorded.plan.services[-1]
    labels = defaultdict(list)
    for row, event in recorded.told:
        if recorded.slug(event) == newer.name:
            labels[event["release"]].append(row["label"])
    assert set(labels) == {older.release, newer.release}
    assert OUTAGE not in labels[older.release]
    assert OUTAGE in labels[newer.release]
    assert set(labels[newer.release]) - set(labels[older.release]) - {OUTAGE}


def test_it_replays_to_one_storm_that_holds_the_outage_and_leaves_the_rest_out(
    recorded: Recorded, tmp_path: Path
) -> None:
    counts, assignments, _ = replayed(recorded.path, tmp_path / "max", "max")
    assert counts["events"] == len(recorded.told)
    assert counts["quarantined"] == counts["skipped"] == counts["late"] == 0
    assert 8 <= counts["incidents"] <= 40
    assert 1 <= counts["storms"] <= 3
    storms = [json.loads(line)["storm"] for line in assignments.splitlines()]
    inside: dict[str, Counter[str | None]] = {"outage": Counter(), "ambient": Counter()}
    kinds = []
    services = defaultdict(set)
    told = dict(zip(map(id, recorded.rows), storms, strict=True))
    for row, event in recorded.told:
        storm = told[id(row)]
        inside[row["label"].partition(":")[0]][storm] += 1
        services[storm].add(event["project"])
        if row["label"] == OUTAGE:
            kinds.append((storm, recorded.slug(event), event["metadata"]["type"]))
    largest, _ = inside["outage"].most_common(1)[0]
    assert largest is not None
    missing = [kind for storm, *kind in kinds if storm != largest]
    assert len(missing) <= 0.02 * inside["outage"].total(), Counter(map(tuple, missing))
    assert services[largest] >= set(recorded.plan.account.slugs)
    # None but what another way of linking may take for a part of it.
    assert inside["ambient"][None] >= 0.75 * inside["ambient"].total()


def test_the_onset_gives_the_same_bytes_at_any_speed(recorded: Recorded, tmp_path: Path) -> None:
    begin = min(row["at_ms"] for row, _ in recorded.told if row["label"] == OUTAGE)
    onset = tmp_path / "onset.jsonl"
    with onset.open("w", encoding="utf-8") as file:
        for line, row in zip(recorded.lines, recorded.rows, strict=True):
            if begin <= row["at_ms"] < begin + PREFIX_MS:
                file.write(f"{line}\n")
    fast = replayed(onset, tmp_path / "max", "max")
    assert fast[2]
    assert replayed(onset, tmp_path / "20", "20") == fast


def upstream_failed(trace: str) -> JsonObject:
    raised = {"type": "UpstreamFailed", "value": "seats answered 500"}
    return {"exception": {"values": [raised]}, "contexts": {"trace": {"trace_id": trace}}}


def test_where_the_sdk_drops_repeats_a_failure_of_a_silent_service_is_the_outage() -> None:
    dropping, telling = PLANS["node"].causes, PLANS["java"].causes
    assert label_all([(10.0, upstream_failed("t"))], (5.0, 20.0), dropping) == [OUTAGE]
    for at_s, causes in ((30.0, dropping), (10.0, telling)):
        with pytest.raises(UnknownCause):
            label_all([(at_s, upstream_failed("t"))], (5.0, 20.0), causes)


def test_a_message_is_one_in_the_form_of_either_sdk() -> None:
    java = {"message": {"formatted": "Clock of scanner gate-1 is ahead of ours"}}
    assert message_of(java)["message"] == message_of(java)["formatted"] == title(java)
    stack: JsonObject = {"value": "Plan of hall studio is older", "stacktrace": {"frames": []}}
    node = {"exception": {"values": [stack]}}
    assert title(node) == stack["value"]
    assert metadata(node) == {"value": stack["value"]}
    trace = {"contexts": {"trace": {"trace_id": "t"}}}
    for event, name in ((java, "java"), (node, "node")):
        labels = label_all([(1.0, event | trace)], (5.0, 20.0), PLANS[name].causes)
        assert labels == [next(iter(PLANS[name].causes.by_message.values()))]


def test_what_tells_of_the_machine_is_left_out_and_the_rest_stays() -> None:
    event = {"contexts": {"os": {"name": "x"}, "device": {}, "trace": {"trace_id": "t"}}, "a": 1}
    assert without_machine(event) == {"contexts": {"trace": {"trace_id": "t"}}, "a": 1}


@pytest.mark.parametrize("name", sorted(PLANS))
def test_a_newer_release_changes_files_that_the_older_one_has(name: str) -> None:
    plan = PLANS[name]
    changed = sorted((HERE / plan.folder / "releases").glob("*/*"))
    assert changed
    for file in changed:
        older = HERE / plan.folder / plan.sources / file.name
        assert older.read_text("utf-8") != file.read_text("utf-8")
    assert list((HERE / plan.folder).rglob("package-lock.json")) == []
