"""What records the corpus: the collector keeps what was sent, and little is changed afterwards."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from pathlib import Path

import aiohttp

from recordings.sdks.collector import Collector
from recordings.sdks.make import LINES_ADDED, add_lines, cases_of
from recordings.sdks.plans import PLANS
from recordings.sdks.stored import frames_of, neutral, stored_form


async def test_the_collector_keeps_what_new_and_old_sdks_send_by_project(tmp_path: Path) -> None:
    event = {"event_id": "a" * 32, "message": "tea"}
    lines = [{}, {"type": "event"}, event, {"type": "session"}, {}]
    envelope = "".join(json.dumps(line) + "\n" for line in lines).encode()
    collector = Collector(tmp_path)
    port = await collector.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            packed = {"Content-Encoding": "gzip"}
            for path, body, headers in (
                ("/api/1/envelope/", gzip.compress(envelope), packed),
                ("/api/2/store/", b64encode(zlib.compress(json.dumps(event).encode())), {}),
                ("/api/3/store/", json.dumps(event).encode(), {}),
            ):
                async with client.post(path, data=body, headers=headers) as answer:
                    assert answer.status == 200
            async with client.get("/../secret") as answer:
                assert answer.status == 404
    finally:
        await collector.stop()
    assert collector.events == {1: [event], 2: [event], 3: [event]}


def test_stored_form_is_that_of_the_webhook() -> None:
    frame = {"function": "pay"}
    sent = {
        "exception": [{"type": "E", "stacktrace": {"frames": [frame, {"in_app": True}]}}],
        "threads": None,
        "tags": {"shop": "tea"},
        "release": "1",
        "logentry": {"message": "order %s of %s", "params": ["7", "tea"]},
        "modules": {"flask": "3"},
    }
    made = stored_form(sent)
    assert [one["in_app"] for one in frames_of(made)] == [False, True]
    assert made["exception"]["values"][0]["type"] == "E"
    assert made["type"] == "error"
    assert made["tags"] == [["level", "error"], ["release", "1"], ["shop", "tea"]]
    assert made["message"] == made["logentry"]["formatted"] == "order 7 of tea"
    assert stored_form(made) == made
    assert "modules" not in made
    assert "threads" not in made


def test_a_template_that_does_not_fit_its_parameters_stays() -> None:
    entry = {"message": "could not bill {}", "params": ["tea"]}
    assert stored_form({"logentry": entry})["message"] == "could not bill {}"
    assert stored_form({"message": "plain"})["logentry"]["formatted"] == "plain"


def test_neutral_reaches_every_text_and_key() -> None:
    given = {"/root/x": [{"path": "/root/x/registry/src/some-host-1f/serde/lib.rs"}], "n": 1}
    wanted = {"/srv": [{"path": "/srv/registry/src/serde/lib.rs"}], "n": 1}
    assert neutral(given, [("/root/x", "/srv")]) == wanted


def test_release_2_has_the_same_code_further_down(tmp_path: Path) -> None:
    file = tmp_path / "shop.go"
    file.write_text("package shop\n// @moved\nfunc Pay() {}\n", encoding="utf-8")
    add_lines(tmp_path, "//")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "package shop"
    assert lines.index("func Pay() {}") == 1 + LINES_ADDED


def test_every_language_has_cases_and_a_plan() -> None:
    for language in PLANS:
        cases = cases_of(language)
        assert cases
        assert len(set(cases)) == len(cases)
