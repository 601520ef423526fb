"""`stormfold render`: a message as it would look, in any template, of a recording or made up."""

from __future__ import annotations

import json
import re
import shutil
from email import message_from_string
from email.policy import default
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from correlators.recurring import Recurring
from correlators.scheduled import Scheduled
from streams import rendering
from streams.cli import app
from streams.exit_status import FAILED, WRONG_USE
from streams.settings import load

ROOT = Path(__file__).parents[2]
OUTAGE = ROOT / "recordings" / "shop-outage.jsonl.gz"
STORM = "storm-7f4ac26c308e979e"


def run(*arguments: object) -> Result:
    config = str(ROOT / "stormfold.yaml")
    return CliRunner().invoke(app, ["render", *map(str, arguments), "--config", config])


def test_a_made_up_storm_shows_what_a_template_says(tmp_path: Path) -> None:
    file = tmp_path / "mine.j2"
    file.write_text('{{ "Hurt:"|strong }} {{ d|counts }}\n\n{{ d.title|code }}')
    found = run("--template", file)
    assert found.exit_code == 0
    assert "│ Hurt: 412 events · 97 users\n│ Outage in 3 services, likely from" in found.stdout
    sent = json.loads(run("--template", file, "--sent").stdout)
    assert sent["blocks"][1]["text"]["text"] == "*Hurt:* 412 events · 97 users"
    assert "│ Who is hurt: 3 services" in run().stdout  # as many as its title says
    assert "│ @channel ERROR in production" in run("--template", "critical").stdout


def test_what_was_told_of_a_storm_is_drawn_in_another_template() -> None:
    found = run("--template", "critical", "--incident", STORM, "--recording", OUTAGE)
    assert found.exit_code == 0
    assert "│ @channel ERROR in production" in found.stdout
    assert "│ Likely origin: checkout" in found.stdout
    assert f"{STORM} · revision 2" in found.stdout  # the newest that is not its end
    over = run("--incident", STORM, "--recording", OUTAGE, "--revision", 3)
    assert "✅ Resolved after 5 min" in over.stdout
    none = run("--incident", STORM, "--recording", OUTAGE, "--revision", 9)
    assert (none.exit_code, "has no revision 9; told were 1, 2, 3" in none.stderr) == (FAILED, True)


REPORTS = """\
sinks: {slack: {token: "xoxb-none", channels: {platform: C0P}}}
reports:
  - {name: Hourly, every: 1h, to: [slack:platform]}
  - {name: Weekly, every: week, to: [slack:platform]}
"""


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("slack", "│ 📋 Hourly, production: 22 new, 22 over\n"),
        ("email", "Subject: [production] 📋 Hourly, production: 22 new, 22 over\n"),
        ("teams", "📋 Hourly, production: 22 new, 22 over\n"),
    ],
)
def test_a_scheduled_report_is_shown_by_its_name_and_by_its_id(
    tmp_path: Path, to: str, says: str
) -> None:
    (file := tmp_path / "stormfold.yaml").write_text(REPORTS)

    def shown(*arguments: object) -> Result:
        given = ("--to", to, *arguments, "--recording", OUTAGE, "--config", file)
        return CliRunner().invoke(app, ["render", *map(str, given)])

    named = shown("--report", "Hourly")
    assert (named.exit_code, named.stderr) == (0, "")
    assert named.stdout.startswith(says) or f"\n{says}" in named.stdout
    assert "693 events, 696 an hour, 1 storm" in named.stdout
    (id,) = set(re.findall(r"rep-[0-9a-f]{16}", named.stdout))
    assert shown("--report", id).stdout == named.stdout
    early = shown("--report", "Weekly")
    assert (early.exit_code, early.stdout) == (FAILED, "")
    assert "nothing was told of Weekly in this recording; it is told in" in early.stderr
    other = shown("--report", "Daily")
    assert (other.exit_code, other.stdout) == (WRONG_USE, "")
    assert "expected one of Hourly, Weekly, or rep- and 16 hex digits" in other.stderr


async def test_of_several_reports_of_one_name_the_newest_is_shown_and_the_others_are_named() -> (
    None
):
    settings = load(ROOT / "stormfold.yaml", {})
    twice = Recurring(minutes=(9 * 60 + 12, 9 * 60 + 23))
    report = Scheduled(name="Often", at=twice, to=("slack:incidents",))
    holding = msgspec.structs.replace(settings.holding, reports=(report,))
    settings = msgspec.structs.replace(settings, holding=holding)
    said: list[str] = []
    asked = rendering.Asked("slack", subject="Often", recordings=(OUTAGE,))
    found = await rendering.render(settings, asked, said.append)
    assert "09:12 to Tue 17 Nov 09:23 UTC" in found.text
    (hint,) = said
    newest, before = re.findall(r"rep-[0-9a-f]{16}", hint)
    assert newest in found.text
    old = rendering.Asked("slack", subject=before, recordings=(OUTAGE,))
    assert "to Tue 17 Nov 09:12 UTC" in (await rendering.render(settings, old, said.append)).text
    assert said == [hint]


def test_the_same_template_is_a_mail(tmp_path: Path) -> None:
    file = tmp_path / "mine.j2"
    file.write_text('{{ "Hurt:"|strong }} {{ d|counts }} <& a_b>\n\n{{ "Sentry"|link(d.url) }}')
    found = run("--to", "email", "--template", file)
    assert found.stdout.startswith("Subject: CRITICAL [production] payment +2 · UpstreamFailed")
    assert "Hurt: 412 events · 97 users <& a_b>\n\nSentry: https://sentry.example" in found.stdout
    sent = run("--to", "email", "--template", file, "--sent").stdout
    mail = message_from_string(sent, policy=default)
    drawn = next(one.get_content() for one in mail.iter_parts() if "html" in one.get_content_type())
    assert "<strong>Hurt:</strong> 412 events · 97 users &lt;&amp; a_b&gt;<br>" in drawn
    assert ">Sentry</a><br>" in drawn
    assert "Who is hurt" not in drawn


def test_the_same_template_is_a_card(tmp_path: Path) -> None:
    file = tmp_path / "mine.j2"
    file.write_text('{{ "Hurt:"|strong }} {{ d|counts }} <& a_b>\n\n{{ "Sentry"|link(d.url) }}')
    found = run("--to", "teams", "--template", file)
    assert "\nHurt: 412 events · 97 users <& a_b>\nSentry\n" in found.stdout
    sent = json.loads(run("--to", "teams", "--template", file, "--sent").stdout)
    assert sent["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert "[ Open in Sentry ]" in run("--to", "teams").stdout


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a\n{{ d.titel }}", "mine.j2:2: a digest has no 'titel'"),
        (
            "a\n\n{{ d.services[9].title }}",
            "mine.j2:3: there may be no [9]",
        ),
        ("{% if %}", "mine.j2:1: Expected an expression"),
    ],
)
def test_what_is_wrong_in_a_template_is_told_with_its_line(
    tmp_path: Path, source: str, says: str
) -> None:
    file = tmp_path / "mine.j2"
    file.write_text(source)
    found = run("--template", file)
    assert (found.exit_code, found.stdout) == (WRONG_USE, "")
    assert says in found.stderr


def test_a_template_of_lists_is_drawn_with_a_roll_up(tmp_path: Path) -> None:
    file = tmp_path / "mine.j2"
    file.write_text("{% for one in d.rollup.lines %}{{ one|sign }} {{ one.service }}\n{% endfor %}")
    assert "nothing that has 'lines'" in run("--template", file).stderr
    assert "│ 2 new" in run("--template", "digest").stdout.replace("📚 ", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--to", "pigeon"), "--to: expected one of slack, email, teams"),
        (("--template", "nothing"), "expected a file *.j2, or one of critical, default, digest"),
        (("--template", "gone.j2"), "gone.j2: cannot be read: No such file"),
        (("--incident", "inc-1"), "'inc-1' is no id"),
        (("--incident", "rep-" + "0" * 16), "show it by --report rep-0000000000000000"),
        (("--report", "Daily"), "expected a name (the settings have no `reports`), or rep- and"),
        (("--report", "Daily", "--incident", STORM), "exclude each other"),
    ],
)
def test_what_is_asked_wrongly_is_told(arguments: tuple[str, ...], says: str) -> None:
    found = run(*arguments)
    assert found.exit_code == WRONG_USE
    assert says in found.stderr


def test_what_nothing_was_told_of_is_named() -> None:
    found = run("--incident", "inc-" + "0" * 16, "--recording", OUTAGE)
    assert found.exit_code == FAILED
    assert "nothing was told of inc-0000000000000000 in this recording" in found.stderr


def test_without_chromium_a_picture_is_refused_with_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = run("--png", tmp_path / "a.png")
    assert (found.exit_code, "no Chromium on the PATH" in found.stderr) == (FAILED, True)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is at hand")
def test_a_picture_is_taken_where_chromium_is_at_hand(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    assert run("--template", "critical", "--png", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
