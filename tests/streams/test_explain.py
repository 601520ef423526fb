"""`stormfold explain`: one event in any form, the same answer; what is no event is named."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from streams.explain import ExplainError, given, run
from streams.settings import load
from tests.stand_in import NEW, OLD, install, name_under

SENTRY = Path(__file__).parents[1] / "fixtures" / "sentry"
WEBHOOK = (SENTRY / "error.created.json").read_bytes()
EVENT: dict[str, Any] = json.loads(WEBHOOK)["data"]["error"]
SETTINGS = load(None, {})


@pytest.fixture(autouse=True)
def _two_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def explained(raw: bytes, *, json: bool = False) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error for what stands on standard input."""
    out, errors = io.StringIO(), io.StringIO()
    stdin = io.BytesIO(raw)
    status = run(SETTINGS, "-", json=json, stdin=stdin, out=out, errors=errors)
    return status, out.getvalue(), errors.getvalue()


def answer(raw: bytes) -> dict[str, Any]:
    status, said, errors = explained(raw, json=True)
    assert (status, errors) == (0, "")
    found: dict[str, Any] = json.loads(said)
    return found


FORMS = {
    "bare": json.dumps(EVENT).encode(),
    "webhook": WEBHOOK,
    "alert": json.dumps({"action": "triggered", "data": {"event": EVENT}}).encode(),
    "legacy": json.dumps({"project": "checkout", "event": EVENT, "triggering_rules": []}).encode(),
    "recorded event": json.dumps({"event": EVENT, "label": "x"}).encode(),
    "recorded webhook": json.dumps(
        {"at_ms": 1, "resource": "error", "body": json.loads(WEBHOOK)}
    ).encode(),
    "recorded bytes": json.dumps(
        {"at_ms": 1, "resource": "error", "body_base64": base64.b64encode(WEBHOOK).decode()}
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_one_event_has_the_same_signatures(form: str) -> None:
    found, bare = answer(FORMS[form]), answer(FORMS["bare"])
    assert found["signature"] == bare["signature"]
    assert found["event"]["event_id"] == EVENT["event_id"]
    assert found["event"]["platform"] == "python"


def test_every_version_is_told_the_taken_one_first_with_its_fingerprint() -> None:
    signature = answer(WEBHOOK)["signature"]
    first, second = signature["versions"]
    assert first["version"] == signature["taken"] == SETTINGS.signature_version
    by_version = {one["version"]: one["fingerprint"] for one in (first, second)}
    assert by_version[NEW] == name_under(NEW, by_version[OLD])
    assert "decided by stack" in first["lines"][0]
    assert len(first["lines"]) >= len(first["parts"]) + 1


def test_people_read_parts_reasons_versions_and_the_setting() -> None:
    status, said, errors = explained(WEBHOOK)
    assert (status, errors) == (0, "")
    assert "of checkout in production" in said
    assert "frame checkout.payment charge: newest in-app frame" in said
    assert "type PaymentUnavailable: type of the exception that was raised" in said
    assert "signature_version of the defaults" in said
    assert said.count("\n  = ") == 2


def test_nothing_personal_and_nothing_that_a_terminal_obeys_is_printed() -> None:
    event = EVENT | {
        "user": {"email": "anna@example.org", "ip_address": "192.0.2.7"},
        "exception": {
            "values": [{"type": "E\u001b[2J", "value": "no \u001b]0;x\u0007 anna@example.org"}]
        },
    }
    for json_too in (False, True):
        status, said, _ = explained(json.dumps(event).encode(), json=json_too)
        assert status == 0
        assert "anna" not in said
        assert "192.0.2.7" not in said
        assert "\u001b" not in said
        assert "\u0007" not in said


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no JSON"),
        (b"junk", "no JSON"),
        (b"7", "neither a JSON object"),
        (WEBHOOK.replace(b"\n", b" ") + b"\n" + WEBHOOK.replace(b"\n", b" "), "several lines"),
        (gzip.compress(WEBHOOK), "compressed"),
        (b'{"at_ms": 1, "resource": "error"}', "a line of a recording, but expected"),
        ((SENTRY / "issue.created.json").read_bytes(), "it tells a change (issue_created)"),
        (b'{"at_ms": 1, "resource": "issue", "body": {"action": "x"}}', "it tells a change"),
        (b'{"nothing": "of an event"}', "cannot be read as an event (no_event)"),
        (b'[1, "insert", {}]', "cannot be read as an event"),
    ],
)
def test_what_is_no_event_is_status_2_and_said(raw: bytes, why: str) -> None:
    status, said, errors = explained(raw)
    assert (status, said) == (2, "")
    assert why in errors
    assert errors.count("\n") == 1


def test_a_file_that_is_not_there_is_named() -> None:
    out, errors = io.StringIO(), io.StringIO()
    status = run(SETTINGS, "none.json", json=False, stdin=io.BytesIO(), out=out, errors=errors)
    assert status == 2
    assert "none.json: cannot be read" in errors.getvalue()


def test_a_message_of_a_self_hosted_sentry_is_read_as_its_topic() -> None:
    assert given(b'[2, "insert", {}]').resource == "events"
    with pytest.raises(ExplainError, match="neither"):
        given(b'"text"')


def test_the_command_reads_standard_input_and_files() -> None:
    from typer.testing import CliRunner

    from streams.cli import app

    runner = CliRunner()
    piped = runner.invoke(app, ["explain", "-"], input=WEBHOOK)
    of_file = runner.invoke(app, ["explain", str(SENTRY / "error.created.json")])
    assert piped.exit_code == of_file.exit_code == 0
    assert piped.stdout == of_file.stdout
    assert "checkout" in piped.stdout
