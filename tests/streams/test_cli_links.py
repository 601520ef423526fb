"""`stormfold links`: what is wrong is one line before anything is done; a story names the link."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from correlators.acts import ActDone, ActOutcome
from correlators.conditions import When
from correlators.decisions import Kind
from correlators.link_acts import AddLink
from streams.cli import app
from streams.config_places import Places
from streams.exit_status import FAILED, WRONG_USE
from streams.links_said import came_to, what_of
from streams.settings import load
from streams.story_words import sentence
from tests.correlators.acted import Stage
from tests.correlators.score import CONFIG, event, ms

TEXT = """
kafka: {bootstrap: "127.0.0.1:1"}
sinks: {slack: {token: x, channels: {pay: C0PAY, ops: "#ops"}}, console: {}}
teams: {team-pay: {to: [slack:pay]}}
owners: [{service: "x*", owner: team-x}]
services: {cart: {owner: team-pay}}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "stormfold.yaml"
    path.write_text(TEXT)
    return str(path)


def said(config: str, *arguments: str) -> tuple[int, str]:
    """Return the exit status and the one line that was said."""
    done = CliRunner().invoke(app, ["links", *arguments, "--config", config])
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.exit_code, done.stderr.rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["add", "slack:gone", "mail"],
            "slack:gone: no such place can be told; there are",
        ),
        (["add", "pagerduty:default", "mail"], "pagerduty:default: no such place can be told"),
        (["add", "slack:pay", "x" * 201], "expected a name or pattern of at most 200"),
        (["add", "slack:pay", "team:"], "expected a name or pattern of at most 200"),
        (["add", "slack:pay", "mail", "x" * 201], "expected a name or pattern of at most 200"),
        (["add", "slack:pay", "mail", "--by", "x" * 121], "actor is longer than 120"),
        (["add", "slack:pay", "mail", "--within", "never"], "--within: expected a duration"),
        (["remove", "link-1", "--within", "never"], "--within: expected a duration"),
    ],
)
def test_a_link_that_cannot_be_is_refused_with_what_is_wrong(
    config: str, arguments: list[str], says: str
) -> None:
    status, line = said(config, *arguments)
    assert status == WRONG_USE
    assert line.startswith(says)


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["add", "slack:C0NEW", "mail"], ["add", "console:default", "*"], ["remove", "x"]],
)
def test_without_kafka_it_is_one_line_that_names_the_address(
    config: str, arguments: list[str]
) -> None:
    status, line = said(config, *arguments)
    assert status == FAILED
    assert line.startswith("Kafka at 127.0.0.1:1 cannot be asked: ")


def test_what_can_be_linked_is_what_the_file_says_and_any_channel(config: str) -> None:
    settings = load(Path(config), {})
    assert settings.owner_names == {"team-pay", "team-x"}
    chats = settings.correlation().chats
    assert chats is not None
    assert [chats.place(one) for one in ("slack:C0PAY", "slack:ops", "slack:C0X", "file:x")] == [
        "slack:pay",
        "slack:ops",
        "slack:C0X",
        "",
    ]
    assert load(None, {}).linkable.known == ("console:default",)


def test_a_team_is_meant_where_one_is_called_so_and_a_service_else() -> None:
    owners = {"pay"}
    assert what_of("pay", "", owners) == When(owner=("pay",))
    assert what_of("#pay", "eu", owners) == When(owner=("pay",), environment=("eu",))
    assert what_of("service:pay", "", owners) == When(service=("pay",))
    assert what_of("#mail", "", owners) == When(service=("#mail",))


def test_of_all_partitions_one_that_refuses_counts_most_and_one_that_did_it_then() -> None:
    def done(*outcomes: ActOutcome) -> list[ActDone]:
        return [
            ActDone(
                id="act-0",
                kind="add_link",
                actor="a",
                source="cli",
                at_ms=0,
                tick=0,
                environment="",
                subject="slack:pay",
                outcome=one,
            )
            for one in outcomes
        ]

    so, did, refused = ActOutcome.UNCHANGED, ActOutcome.DONE, ActOutcome.TOO_MANY
    assert came_to(done(so, so)) is so
    assert came_to(done(so, did)) is did
    assert came_to(done(did, refused, so)) is refused


def test_the_story_of_an_incident_names_the_link_by_which_a_place_is_told() -> None:
    link = AddLink(
        actor="ada",
        source="slack",
        at_ms=ms(0),
        subject="slack:C0X",
        when=When(service=("mail",), environment=("prod*",)),
    )
    stage = Stage(config=CONFIG, explains=True)
    stage.run(60, event(1, "mail", "EM"), acts=[(0, link)])
    (ruled,) = (one for one in stage.decisions if one.kind is Kind.RULED)
    assert sentence(ruled, Places(""), {})[1:] == [
        "slack:C0X is linked to service mail in prod* by ada in slack"
    ]
