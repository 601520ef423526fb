"""`stormfold backtest`: two configurations over the same records, and exactly what differs."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from streams import backtest_side
from streams.backtest import Options, run
from streams.backtest_compare import Change, Compared, Totals, Waits
from streams.backtest_conditions import BadCondition, condition_of
from streams.backtest_text import lines
from streams.exit_status import CONDITION_HOLDS, DONE, WRONG_USE
from streams.settings import Settings, load

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "recordings" / "shop-outage.jsonl.gz"
EXAMPLE = load(ROOT / "stormfold.yaml", {})
SINKS = """\
sinks:
  slack: {token: "${TOKEN:-x}", channels: {incidents: "#incidents"}}
  pagerduty: {routing_key: "${KEY:-y}"}
"""
ROUTES = "routes: {tell: [slack:incidents], page: [pagerduty:default]}\n"
QUIETER = """\
rules:
  - {name: noise, when: {level: [info, warning]}, drop: users mistype}
  - {name: rest, to: [slack:incidents]}
"""


def made(tmp_path: Path, text: str, name: str = "new.yaml") -> Settings:
    path = tmp_path / name
    path.write_text(SINKS + text)
    return load(path, {})


def tried(
    new: Settings, *files: Path, old: Settings = EXAMPLE, **more: Any
) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    options = Options(files=files or (SHOP,), **more)
    status = run(new, old, options, out, errors, now_ms=0)
    return status, out.getvalue(), errors.getvalue()


def found(new: Settings, *files: Path, old: Settings = EXAMPLE) -> dict[str, Any]:
    status, said, errors = tried(new, *files, old=old, json=True)
    assert (status, errors) == (DONE, "")
    answer: dict[str, Any] = json.loads(said)
    return answer


def test_the_same_settings_differ_in_nothing(tmp_path: Path) -> None:
    answer = found(made(tmp_path, ROUTES))
    assert answer["rows"] == []
    assert {one for one, count in answer["changes"].items() if count} == {"same"}
    old, new = answer["old"], answer["new"]
    del old["name"], new["name"]
    assert old == new
    assert (old["pages"], old["storms"]) == (1, 1)
    assert answer["events"] == 706


def test_what_a_rule_drops_vanishes_and_the_rule_is_named(tmp_path: Path) -> None:
    answer = found(made(tmp_path, QUIETER))
    vanished = [row for row in answer["rows"] if row["change"] == "vanishes"]
    assert [row["why"] for row in vanished] == ["dropped noise"]
    assert "Price list" in vanished[0]["old"][0]["title"]
    assert answer["new"]["suppressed"]["dropped"] > 0


def test_without_its_pager_the_storm_changes_urgency(tmp_path: Path) -> None:
    answer = found(made(tmp_path, QUIETER))
    (urgency,) = [row for row in answer["rows"] if row["change"] == "urgency"]
    assert urgency["old"][0]["urgency"] == "page"
    assert urgency["new"][0]["urgency"] == "alert"
    assert answer["new"]["pages"] == 0


def test_the_other_way_round_what_vanished_appears(tmp_path: Path) -> None:
    quieter = made(tmp_path, QUIETER)
    there = found(quieter)["changes"]
    back = found(EXAMPLE, old=quieter)["changes"]
    assert back["appears"] == there["vanishes"] > 0
    assert back["urgency"] == there["urgency"]


def test_with_storms_that_end_early_the_outage_splits_and_the_other_way_it_merges(
    tmp_path: Path,
) -> None:
    apart = made(tmp_path, ROUTES + "storms: {storm_quiet: 3s}\n")
    there = found(apart)
    splits = [row for row in there["rows"] if row["change"] == "splits"]
    assert splits
    assert splits[0]["old"][0]["id"].startswith("storm-")
    assert len(splits[0]["new"]) > 1
    assert found(EXAMPLE, old=apart)["changes"]["merges"] == there["changes"]["splits"]


def test_another_signature_version_is_compared_by_the_events(tmp_path: Path) -> None:
    answer = found(made(tmp_path, ROUTES + "signature_version: 1\n"))
    changes = answer["changes"]
    assert changes["same"] > 0
    assert changes["appears"] == changes["vanishes"] == 0


def test_later_first_digests_are_seen(tmp_path: Path) -> None:
    answer = found(made(tmp_path, ROUTES + "incidents: {settle: 60s}\n"))
    assert answer["old"]["waits"]["median_ms"] == 10_000
    assert answer["new"]["waits"]["median_ms"] == 60_000


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("pages > 10", DONE),
        ("pages >= 1", CONDITION_HOLDS),
        ("pages > old", DONE),
        ("messages.slack:incidents < 10", DONE),
        ("vanishes > 0", DONE),
        ("first_digest_p90_s >= 10", CONDITION_HOLDS),
        ("messages > old + 5", DONE),
    ],
)
def test_conditions_decide_the_exit_status(tmp_path: Path, condition: str, status: int) -> None:
    ended, _, errors = tried(made(tmp_path, ROUTES), fail_if=(condition,))
    assert ended == status
    assert (condition in errors) is (status == CONDITION_HOLDS)


@pytest.mark.parametrize(
    "text", ["", "pages", "pages >", "sausages > 1", "vanishes > old", "told.slack:x > 1", "1 > 2"]
)
def test_a_condition_that_cannot_be_read_is_refused_before_anything_runs(text: str) -> None:
    with pytest.raises(BadCondition):
        condition_of(text)
    status, said, errors = tried(EXAMPLE, fail_if=(text,))
    assert (status, said) == (WRONG_USE, "")
    assert errors.startswith("backtest: ")
    assert errors.count("\n") == 1


def test_files_or_a_time_but_not_both_and_not_neither() -> None:
    out, errors = io.StringIO(), io.StringIO()
    assert run(EXAMPLE, EXAMPLE, Options(), out, errors, now_ms=0) == WRONG_USE
    assert "give recordings, or --since" in errors.getvalue()


class Texts(HTMLParser):
    """What stands on a page, and which tags it has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name in ("src", "href", "onerror") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.data.append(data)


def test_the_page_loads_nothing_and_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    event = {
        "event_id": "a" * 32,
        "project": 1,
        "environment": "production",
        "timestamp": 1_700_000_000,
        "level": "error",
        "tags": [["server_name", "x"]],
        "exception": {"values": [{"type": hostile, "value": "x"}]},
    }
    recording = tmp_path / "hostile.jsonl"
    recording.write_text(
        json.dumps({"at_ms": 1_700_000_000_000, "resource": "event", "body": event})
    )
    page = tmp_path / "page.html"
    dropping = made(tmp_path, "rules:\n  - {name: rest, to: [slack:incidents]}\n")
    status, _, _ = tried(dropping, recording, old=made(tmp_path, QUIETER, "old.yaml"), html=page)
    assert status == DONE
    texts = Texts()
    texts.feed(page.read_text())
    assert "img" not in texts.tags
    assert texts.tags.count("script") == 2
    assert any("<img src=x" in one for one in map(str, json.loads(_data(texts)))), _data(texts)


def _data(texts: Texts) -> str:
    return next(one for one in texts.data if one.startswith("[{"))


def test_every_kind_of_change_has_its_word_on_the_page() -> None:
    template = (ROOT / "streams" / "templates" / "backtest.html.j2").read_text()
    for change in Change:
        assert change is Change.SAME or f".{change.value}" in template


def test_a_side_that_tells_nothing_has_no_wait() -> None:
    def side(waits: Waits) -> Totals:
        return Totals(
            name="a",
            incidents=1,
            storms=0,
            told=waits.things,
            messages=waits.things,
            pages=0,
            destinations={},
            pages_by_hour={},
            messages_by_hour={},
            suppressed={},
            waits=waits,
        )

    told = side(Waits(median_ms=2_000, p90_ms=2_000, longest_ms=9_000, things=1))
    compared = Compared(old=told, new=side(Waits()), rows=(), events=1, first_ms=0, last_ms=0)
    waits = [line for line in lines(compared) if line.startswith("first told")]
    assert [line.split()[-4:] for line in waits] == [[n, "s", "none", "told"] for n in "229"]


def test_what_the_timeline_does_not_show_is_counted_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = found(made(tmp_path, ROUTES))["new"]
    monkeypatch.setattr(backtest_side, "MESSAGES_KEPT", 3)
    cut = found(made(tmp_path, ROUTES))["new"]
    assert cut["left_out"] == whole["messages"] + whole["pages"] - 3
    for name in ("messages", "pages", "messages_by_hour", "pages_by_hour"):
        assert cut[name] == whole[name]
    assert sum(cut["pages_by_hour"].values()) == cut["pages"] == 1


def test_what_another_tells_is_not_held_back(tmp_path: Path) -> None:
    """The example holds nothing back, whatever its storm and its releases tell for others."""
    answer = found(made(tmp_path, ROUTES))
    assert answer["old"]["suppressed"] == answer["new"]["suppressed"] == {}


def test_the_page_shows_what_its_example_says(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "backtest.md").read_text()
    rules = re.search(r"```yaml\n(rules:\n.*?)```", page, re.DOTALL)
    shown = re.search(r"\$ stormfold backtest .*?\n(.*?)```", page, re.DOTALL)
    assert rules is not None
    assert shown is not None
    said = tried(made(tmp_path, rules[1]))[1].splitlines()
    for line in shown[1].splitlines():
        assert line == "..." or line in said


def test_scheduled_reports_are_counted_where_they_would_go(tmp_path: Path) -> None:
    report = 'reports: [{name: Hourly, every: 1h, at: "00:23", to: [slack:incidents]}]\n'
    answer = found(made(tmp_path, ROUTES + report))
    assert answer["rows"] == []
    old, new = (answer[side]["destinations"]["slack:incidents"] for side in ("old", "new"))
    assert new == {**old, "report": 2}
    assert answer["new"]["messages"] == answer["old"]["messages"] + 2
