"""The show of everywhere else: its configuration is one, and its words are what came."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from benchmarks.everywhere import told, week
from benchmarks.everywhere.world import BUTTONS, CHANNELS, CONFIG, forms
from sinks.form_names import DIGEST, Form
from sinks.forms_tried import problems_of
from sinks.peers.email_store import Mail
from sinks.peers.pagerduty_store import Alert
from sinks.peers.webhook import Arrived
from streams.settings import load


def test_its_configuration_is_one_and_its_forms_are_those_of_the_docs(tmp_path: Path) -> None:
    here = dict.fromkeys(("slack", "pagerduty", "rest", "board"), "http://127.0.0.1:9/")
    text = CONFIG.format(
        namespace="everywhere1", clock="wall", bootstrap="127.0.0.1:9092", port=8080, smtp=25,
        secret="s", key="e" * 32, ada="ada@shop.example", buttons=BUTTONS,
        teams=["http://127.0.0.1:9/a?sig=b"] * 3, board_secret="whsec_" + "QUJD" * 8,
        channels=", ".join(f"{name}: {id}" for id, name in CHANNELS.items()), **here,
    )  # fmt: skip
    (tmp_path / "stormfold.yaml").write_text(text)
    usual, digest = forms()
    for name, form in (("default", usual), (DIGEST, digest)):
        (tmp_path / f"{name}.j2").write_text(form)
        assert problems_of(Form(name, form), lists=name == DIGEST) == []
    assert len(load(tmp_path / "stormfold.yaml", {}).holding.reports) == 1


def test_its_week_goes_on_in_order_and_people_do_something_in_it() -> None:
    happened = week.week()
    times = [at for at, _ in happened]
    assert all(before <= after for before, after in pairwise(times))
    assert times[0] < week.BEGINS < times[-1] < week.ENDS
    deeds = [what for _, what in happened if isinstance(what, week.Deed)]
    assert {one.does.__name__ for one in deeds} == {"Acknowledge", "Resolve", "FalseAlarm"}


def test_a_mail_is_its_headers_and_its_text() -> None:
    raw = b"To: a@shop.example\r\nSubject: it broke\r\n\r\nhello\r\n"
    assert told.of_mail(Mail(1.0, "s", ("a@shop.example",), raw)) == told.Got(
        "Mail to a@shop.example", 1.0, "To: a@shop.example\nSubject: it broke\n\nhello"
    )


def test_a_webhook_is_what_is_not_empty_in_it() -> None:
    data = {"id": "inc-1", "title": "x" * 200, "owners": [], "text": "all", "links": {"issue": ""}}
    got = told.of_webhook(Arrived(1.0, "board", "msg_1", {"type": "report", "data": data}, ()))
    said = json.loads(got.text)
    assert said == {
        "webhook-id": "msg_1", "type": "report",
        "data": {"id": "inc-1", "title": "x" * (told.TEXT_CHARS - 1) + "…"},
    }  # fmt: skip


def test_a_page_says_what_it_heard_and_what_to_open() -> None:
    event = {
        "payload": {"custom_details": {"users": 3, "what": "E"}},
        "links": [{"href": "https://wiki.test/", "text": "Runbook"}],
    }
    alert = Alert("k", "d", "it broke", "critical", 1.0, log=[(1.0, "trigger")], events=[event])
    lines = told.of_pagerduty(alert).text.splitlines()
    assert lines == [
        "it broke", "severity critical; heard: trigger", "users: 3", "what: E",
        "Runbook: https://wiki.test/",
    ]  # fmt: skip


def test_what_came_stands_in_order_with_how_long_it_took() -> None:
    late, soon = told.Got("Teams, a", 12.5, ""), told.Got("Slack, #a", 11.0, "")
    assert told.after([late, soon], 10.0) == ["    1.00 s  Slack, #a", "    2.50 s  Teams, a"]
