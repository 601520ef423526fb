"""Webhooks and mentions of Slack, as they are read from the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinks.base import Sink
from streams.describe import describe, missing_for_sinks, missing_secrets
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks

URL = "https://hooks.slack.test/services/T0/B0/s3cr3t"
WEBHOOKS = 'sinks: {slack: {webhooks: {team: "${HOOK}"}}}\n'


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(text)
    return load(path, environ)


def test_a_webhook_is_a_destination_and_needs_no_token(tmp_path: Path) -> None:
    settings = read(tmp_path, WEBHOOKS, HOOK=URL)
    assert settings.sinks.chats == ("slack_webhook:team",)
    assert settings.routes.tell == ("slack_webhook:team",)
    assert missing_for_sinks(settings) == []
    sinks: list[Sink] = make_sinks(settings)
    assert [one.destinations for one in sinks] == [("slack_webhook:team",)]
    assert "s3cr3t" not in repr(sinks)


def test_channels_and_webhooks_stand_side_by_side(tmp_path: Path) -> None:
    text = 'sinks: {slack: {channels: {incidents: C0INC}, webhooks: {team: "${HOOK}"}}}\n'
    settings = read(tmp_path, text, HOOK=URL)
    assert settings.sinks.chats == ("slack:incidents", "slack_webhook:team")
    assert any("SLACK_BOT_TOKEN" in one for one in missing_for_sinks(settings))


def test_check_shows_a_webhook_without_its_url(tmp_path: Path) -> None:
    shown = str(describe(read(tmp_path, WEBHOOKS, HOOK=URL)))
    assert "slack_webhook:team" in shown
    assert "posts only, at least once" in shown
    assert "s3cr3t" not in shown


@pytest.mark.parametrize("wrong", ["not an address", "https://hooks.slack.test", "ftp://a/b"])
def test_what_is_no_address_is_refused_unseen(tmp_path: Path, wrong: str) -> None:
    (line,) = missing_for_sinks(read(tmp_path, WEBHOOKS, HOOK=wrong))
    assert "is no address of an incoming webhook" in line
    assert wrong not in line


def test_a_webhook_that_is_not_there_is_missing(tmp_path: Path) -> None:
    (line,) = missing_for_sinks(read(tmp_path, WEBHOOKS))
    assert "HOOK" in line


def test_a_team_may_name_whom_messages_mention_and_it_decides_nothing(tmp_path: Path) -> None:
    text = "sinks: {slack: {token: x, channels: {a: C0INC}}}\nteams: {team-pay: {%s}}\n"
    plain = read(tmp_path, text % "")
    settings = read(tmp_path, text % "slack: S0PAYTEAM")
    assert settings.teams["team-pay"].slack == "S0PAYTEAM"
    assert settings.configuration == plain.configuration


@pytest.mark.parametrize("wrong", ["'@pay'", "C0CHANNEL", "s0pay", "'<!channel>'"])
def test_who_is_no_user_and_no_group_is_refused(tmp_path: Path, wrong: str) -> None:
    text = f"sinks: {{slack: {{token: x}}}}\nteams: {{team-pay: {{slack: {wrong}}}}}\n"
    with pytest.raises(SettingsError, match=r"teams.team-pay.slack: expected a Slack user group"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("webhooks", "says"),
    [("{}", "expected at least one"), ("{'a b': x}", "expected a name of at most 40")],
)
def test_wrong_webhooks_are_refused(tmp_path: Path, webhooks: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(tmp_path, f"sinks: {{slack: {{webhooks: {webhooks}}}}}\n")


BACK = """
sinks: {slack: {channels: {incidents: C0INC}}}
slack_in:
  signing_secrets: ["${NEW}", "${OLD}"]
  app_token: "${APP}"
  groups: {page: [S0CALL, U0ADA], merge: []}
"""


def test_what_comes_back_from_slack_is_read_and_shows_no_secret(tmp_path: Path) -> None:
    settings = read(tmp_path, BACK, NEW="n3w", OLD="0ld", APP="xapp-1", SLACK_BOT_TOKEN="xoxb-1")
    back = settings.slack_in
    assert back is not None
    assert [one.reveal() for one in back.signing_secrets] == ["n3w", "0ld"]
    assert back.app_token is not None
    assert back.groups == {"page": ("S0CALL", "U0ADA"), "merge": ()}
    shown = str(describe(settings))
    assert "S0CALL" in shown
    assert not any(one in shown + repr(settings) for one in ("n3w", "0ld", "xapp-1"))


def test_messages_have_buttons_where_something_comes_back(tmp_path: Path) -> None:
    plain = read(tmp_path, "sinks: {slack: {channels: {a: C0A}}}\n", SLACK_BOT_TOKEN="x")
    assert plain.slack_in is None
    back = read(tmp_path, BACK, NEW="n", OLD="o", APP="a", SLACK_BOT_TOKEN="x")
    for settings, buttons, count in ((plain, False, 1), (back, True, 2)):
        slack, *others = make_sinks(settings)
        assert slack._buttons is buttons  # type: ignore[attr-defined]
        assert len(others) == count - 1


def test_buttons_decide_nothing(tmp_path: Path) -> None:
    plain = read(tmp_path, "sinks: {slack: {channels: {incidents: C0INC}}}\n")
    assert read(tmp_path, BACK).configuration == plain.configuration


def test_a_secret_of_the_way_back_that_is_not_there_is_missing(tmp_path: Path) -> None:
    lines = missing_secrets(read(tmp_path, BACK, NEW="n", APP="a", SENTRY_CLIENT_SECRET="s"))
    assert any("OLD" in one for one in lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slack_in: {}", "expected signing_secrets, or app_token for Socket Mode"),
        ("slack_in: {app_token: x}", "expected sinks.slack with a channel: its bot answers"),
        (
            "clock: data\nsinks: {slack: {}}\nslack_in: {app_token: x}",
            "it is taken under clock: wall only",
        ),
        (
            "sinks: {slack: {}}\nslack_in: {app_token: x, groups: {page: [ops]}}",
            "expected the id of a user group (S...) or a user (U..., W...)",
        ),
        (
            "sinks: {slack: {}}\nslack_in: {app_token: x, groups: {dance: []}}",
            "slack_in.groups",
        ),
    ],
)
def test_a_way_back_that_cannot_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, text + "\n")
    assert says in str(error.value)
