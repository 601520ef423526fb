"""The show of the way back leaves no button and no command out, and sees what goes wrong."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from benchmarks.wayback import asked, journal, report, times
from benchmarks.wayback.hands import Answer, Effect, values_of
from benchmarks.wayback.world import CHANNELS, CONFIG, GROUP
from sinks.peers.serve import Call
from sinks.peers.slack_back import View
from sinks.slack_buttons import LABELS, About, Press
from sinks.slack_modals import Asked, silence_view
from streams.settings import load
from streams.slack_acts import GROUP_OF
from streams.slack_words import Word

SLACK_PAGE = Path(__file__).parents[2] / "docs" / "slack.md"


def words(steps: tuple[asked.Step, ...]) -> set[str]:
    """Return the first word of each, without `/stormfold`."""
    return {one.said.removeprefix("/stormfold ").split()[0] for one in steps}


def test_each_button_is_pressed() -> None:
    assert {one.said for one in asked.BUTTONS} == set(LABELS.values())


def test_each_command_is_said() -> None:
    assert {word.value for word in Word} <= words(asked.COMMANDS)


def test_each_shortcut_of_the_manifest_is_chosen() -> None:
    manifest = re.findall(r"callback_id: (stormfold\.\w+)", SLACK_PAGE.read_text())
    assert sorted(one.said for one in asked.SHORTCUTS) == sorted(manifest)


def test_somebody_in_no_group_tries_all_that_needs_one() -> None:
    assert {word.value for word in GROUP_OF} <= words(asked.OUTSIDE_MAY_NOT)


def test_its_configuration_is_one(tmp_path: Path) -> None:
    here = dict.fromkeys(("slack", "pagerduty", "rest", "sentry"), "http://127.0.0.1:9/")
    channels = ", ".join(f"{name}: {id}" for id, name in CHANNELS.items())
    text = CONFIG.format(
        namespace="wayback1",
        bootstrap="127.0.0.1:9092",
        port=8080,
        secret="s",
        key="w" * 32,
        group=GROUP,
        channels=channels,
        **here,
    )
    (tmp_path / "stormfold.yaml").write_text(text)
    settings = load(tmp_path / "stormfold.yaml", {})
    assert settings.slack_in is not None
    assert settings.sentry is not None


@pytest.mark.parametrize(("share", "found"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)])
def test_a_percentile_is_the_nearest_rank(share: float, found: float) -> None:
    assert times.percentile([float(one) for one in range(100, 0, -1)], share) == found


def test_a_table_counts_what_did_not_come() -> None:
    came = times.Click("Acknowledge", 10.0, 30.0, 40.0, 11.5, 12.0, 0.0, 70.0, 200)
    lost = times.Click("Acknowledge", 20.0, 50.0, 60.0, 0.0, 0.0, 0.0, 0.0, 200)
    rows = times.table([came, lost]).splitlines()
    assert times.slowest([lost, came]) == "slowest replies: Acknowledge at 0.0 s (1.5 s)\n"
    thread = next(one for one in rows if one.startswith("click to the reply"))
    assert thread.split()[-8:] == ["2", "1", "1,500", "ms", "1,500", "ms", "1,500", "ms"]
    shown = next(one for one in rows if one.startswith("Acknowledge to the edit"))
    assert shown.split()[-8:] == ["2", "1", "60,000", "ms", "60,000", "ms", "60,000", "ms"]
    measured = times.Measured([came, lost], 100, 10.0, 15_000.0)
    whole = report.Report(measured=measured).text().splitlines()
    assert "slowest replies: Acknowledge at 0.0 s (1.5 s)" in whole
    assert any(one.startswith("The message itself is edited") for one in whole)


def test_a_transcript_stands_in_order_of_time_and_cuts_what_is_long() -> None:
    lines = [journal.Line(12.5, "PagerDuty", "trigger: x"), journal.Line(10.0, "#a", "word " * 200)]
    rows = journal.transcript(lines).splitlines()
    assert rows[0].startswith("   0.00 s  #a")
    assert rows[journal.LINES_MOST - 1].endswith("…")
    assert rows[journal.LINES_MOST] == "   2.50 s  PagerDuty  trigger: x"


def test_a_reply_is_told_apart_from_a_message_and_an_edit() -> None:
    def line(method: str, outcome: str = "ok", **args: object) -> journal.Line | None:
        return journal.of_slack(
            Call(1.0, method, {"text": "a &lt; b", **args}, outcome), "a", "ada"
        )

    assert line("chat.postMessage") == journal.Line(1.0, "#a", "a < b")
    assert line("chat.postMessage", thread_ts="1") == journal.Line(1.0, "#a thread", "a < b")
    assert line("chat.update") == journal.Line(1.0, "#a edit", "a < b")
    assert line("response_url") == journal.Line(1.0, "only ada sees", "a < b")
    assert line("chat.postMessage", "ratelimited") == journal.Line(
        1.0, "Slack", "chat.postMessage refused: ratelimited"
    )
    assert line("users.info") is None


def test_markup_of_slack_is_plain_text() -> None:
    text = "*Silenced:* <!subteam^S1> <@U2|ada> <https://x.example/|here> `a*b*c` &lt;int&gt;"
    assert journal.plain(text) == "Silenced: @S1 @ada here `a*b*c` <int>"


def test_a_dialog_is_sent_with_what_stands_in_it_and_what_is_given() -> None:
    about = About("inc-4bb0c3f1a2d95e77", 1, 7)
    made = silence_view(Asked(Press.SILENCE, about.value), would=["x"], services=["mail"])
    values = values_of(View("V1", "U0ADA", made, "h1"), {"for": "1800000", "why": "moved"})
    assert values["for"]["for"]["selected_option"]["value"] == "1800000"
    assert values["what"]["what"]["selected_option"]["value"] == "this"
    assert values["why"]["why"]["value"] == "moved"


def test_what_goes_wrong_is_seen() -> None:
    said = Answer(200, "You have it.", 20.0, 20.0)
    told = asked.Row("ack", said, Effect("ada has it", 900.0))
    assert report.Report(buttons=[told], allowed=[told]).wrong() == []
    silent = msgspec.structs.replace(told, effect=Effect("(nothing in the thread)", 0.0))
    late = msgspec.structs.replace(told, answer=Answer(0, "", 3_000.0, 3_000.0))
    assert len(report.Report(buttons=[silent], commands=[late]).wrong()) == 2
    assert len(report.Report(refused=[told]).wrong()) == 1
    refused = Answer(
        200, "Nothing was done: only <!subteam^S1> may page, and that is not you.", 9.0, 9.0
    )
    assert report.Report(refused=[asked.Row("page", refused, None)]).wrong() == []
