"""The laws of sameness on every platform: what may change without a signature, and what may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.platform_events import PLATFORMS, Json, crash, event_of
from correlators.fingerprint import VERSIONS, explain, signature
from correlators.types import SignatureKind


def key(made: Json, version: int = VERSIONS[-1]) -> str:
    return signature(event_of(made), version=version).fingerprint


def frames_of(made: Json) -> list[Json]:
    return [frame for one in made["exception"]["values"] for frame in one["stacktrace"]["frames"]]


def renumbered(made: Json, number: int) -> Json:
    for at, frame in enumerate(frames_of(made)):
        frame["lineno"] = number + at
        frame["colno"] = number
        frame["instruction_addr"] = hex(number)
    return made


def moved(made: Json, number: int) -> Json:
    root = ["/srv/releases/20261127", "/home/ann/shop", "/var/task", "/app"][number % 4]
    for frame in frames_of(made):
        path = frame["filename"]
        if not path or not path.startswith(("/", "C:")):
            continue  # inside the project, or code that the browser made
        name = path.replace("\\", "/").rsplit("/", 1)[-1]
        moved_to = f"D:\\{number}\\{name}" if path.startswith("C:") else f"{root}/{number}/{name}"
        frame["filename"] = frame["abs_path"] = moved_to
    return made


def on_another_host(made: Json, number: int) -> Json:
    made |= {"server_name": f"web-{number}", "tags": [["host", f"10.0.0.{number % 250}"]]}
    for frame in frames_of(made):
        for field in ("filename", "abs_path"):
            if frame[field]:
                frame[field] = frame[field].replace("shop.example", f"cdn{number}.example")
    return made


def released(made: Json, number: int) -> Json:
    made |= {"release": f"shop@{number}", "dist": str(number)}
    for frame in frames_of(made):
        for old, new in (("4f3a2b1c", f"{number:08x}"), ("9c8b7a6d", f"{number + 7:08x}")):
            for field in ("filename", "abs_path"):
                if frame[field]:
                    frame[field] = frame[field].replace(old, new)
        frame["function"] = frame["function"].replace("0123456789abcdef", f"{number:016x}")
    return made


def with_other_ids(made: Json, number: int) -> Json:
    made |= {"event_id": f"{number:032x}", "user": {"id": str(number)}}
    for one in made["exception"]["values"]:
        one["value"] = one["value"].replace("4711", str(number))
    return made


def reordered(made: Json, number: int) -> Json:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            keys = sorted(value, key=lambda name: (len(name) * number % 13, name))
            return {name: turned(value[name]) for name in reversed(keys)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    out: Json = turned(made)
    return out


def with_more_context(made: Json, number: int) -> Json:
    made |= {"contexts": {"os": {"name": f"os {number}"}}, "extra": {"n": number}, "modules": {}}
    made |= {"breadcrumbs": {"values": [{"message": f"step {number}", "category": "ui"}]}}
    for frame in frames_of(made):
        frame["vars"] = {"n": str(number)}
        frame["pre_context"] = [f"n = {number}"]
    return made


SAME: list[Callable[[Json, int], Json]] = [
    renumbered,
    moved,
    on_another_host,
    released,
    with_other_ids,
    reordered,
    with_more_context,
]


@pytest.mark.parametrize("version", VERSIONS)
@given(
    st.sampled_from(PLATFORMS),
    st.lists(st.sampled_from(SAME), min_size=1, max_size=7),
    st.integers(1, 10**7),
)
def test_a_signature_survives_what_is_chance(
    version: int, platform: str, changes: list[Callable[[Json, int], Json]], number: int
) -> None:
    made = crash(platform)
    for change in changes:
        made = change(made, number)
    assert key(made, version) == key(crash(platform), version)


def by_function(made: Json) -> None:
    newest = [f for f in made["exception"]["values"][-1]["stacktrace"]["frames"] if f["in_app"]]
    for frame in newest[1:]:
        frame["function"] = "refundOrder"
        if "$" in (frame["module"] or ""):
            frame["module"] = "shop.Refund"


def by_type(made: Json) -> None:
    made["exception"]["values"][-1] |= {"type": "AnotherError"}


def by_cause(made: Json) -> None:
    made["exception"]["values"][0] |= {"type": "DnsError"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("change", [by_function, by_type, by_cause])
def test_a_signature_changes_with_what_failed(
    change: Callable[[Json], None], platform: str, version: int
) -> None:
    made = crash(platform)
    change(made)
    assert key(made, version) != key(crash(platform), version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_is_decided_by_its_stack_and_says_why(platform: str, version: int) -> None:
    made = event_of(crash(platform))
    assert signature(made, version=version).kind is SignatureKind.STACK
    told = explain(made, version=version)
    assert told == explain(made, version=version)
    assert any("in-app frame" in line for line in told)


@given(st.sampled_from(PLATFORMS), st.sampled_from(PLATFORMS))
def test_crashes_of_two_platforms_are_two(one: str, two: str) -> None:
    assert (key(crash(one)) == key(crash(two))) == (one == two)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ten_thousand_frames_and_megabyte_fields_give_parts_of_bounded_size(platform: str) -> None:
    made = crash(platform)
    stack = made["exception"]["values"][-1]["stacktrace"]
    stack["frames"] *= 10_000 // len(stack["frames"])
    wide = "x<(" * 333_333
    made["exception"]["values"][-1]["value"] = wide
    for field in ("function", "module", "filename", "abs_path", "context_line"):
        stack["frames"][-1] = {**stack["frames"][-1], field: wide}
    for version in VERSIONS:
        parts = signature(event_of(made), version=version).parts
        assert len(parts) <= 20
        assert sum(map(len, parts)) <= 20_000
