"""Teams workflows as they are read from the file, shown by `check`, and made a sink."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.describe import describe, missing_for_sinks
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks

URL = "https://prod-00.westeurope.logic.azure.test/workflows/a/triggers/manual/paths/invoke?sig=s3cr3t"
TWO = 'sinks: {teams: {workflows: {shop: "${HOOK}", ops: "${HOOK}"}}, console: {}}\n'


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(text)
    return load(path, environ)


async def test_each_workflow_is_a_destination_that_can_be_told_and_paged(tmp_path: Path) -> None:
    text = TWO + "routes: {tell: [teams:shop], page: [teams:ops]}\n"
    settings = read(tmp_path, text, HOOK=URL)
    assert settings.sinks.chats == ("teams:shop", "teams:ops", "console:default")
    assert settings.routes.page == ("teams:ops",)
    assert missing_for_sinks(settings) == []
    made = make_sinks(settings)
    assert [one.destinations for one in made] == [("teams:shop", "teams:ops"), ("console:default",)]
    assert "s3cr3t" not in repr(made)
    for one in made:
        await one.close()


def test_check_shows_a_workflow_without_its_address(tmp_path: Path) -> None:
    shown = str(describe(read(tmp_path, TWO, HOOK=URL)))
    assert "'destination': 'teams:shop'" in shown
    assert "posts only, at least once" in shown
    assert "'from': '${HOOK}', 'set': True" in shown
    assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    "wrong", ["not an address", "https://logic.test", "ftp://a/b", "https://a:99999/b"]
)
def test_what_is_no_address_is_refused_unseen(tmp_path: Path, wrong: str) -> None:
    lines = missing_for_sinks(read(tmp_path, TWO, HOOK=wrong))
    assert len(lines) == 2
    assert "is no address of a Teams workflow" in lines[0]
    assert wrong not in str(lines)


@pytest.mark.parametrize(
    ("dead", "says"),
    [
        ("https://shop.webhook.office.com/webhookb2/s3cr3t", "the address of a connector"),
        ("http://logic.test/workflows/1?sig=s3cr3t", "begins with http://"),
    ],
)
def test_an_address_that_cannot_do_or_would_go_in_clear_is_refused_unseen(
    tmp_path: Path, dead: str, says: str
) -> None:
    lines = missing_for_sinks(read(tmp_path, TWO, HOOK=dead))
    assert says in lines[0]
    assert "s3cr3t" not in str(lines)


def test_an_address_that_is_not_there_is_missing_unless_nobody_is_told_by_it(
    tmp_path: Path,
) -> None:
    assert "HOOK" in missing_for_sinks(read(tmp_path, TWO))[0]
    assert missing_for_sinks(read(tmp_path, TWO + "shadow: {to: console:default}\n")) == []


@pytest.mark.parametrize(
    ("teams", "says"),
    [
        ("{}", "expected at least one"),
        ("{workflows: {}}", "expected at least one"),
        ("{workflows: {'a b': x}}", "expected a name of at most 40"),
        ("{urls: {a: x}}", "unknown key; allowed: workflows"),
    ],
)
def test_wrong_workflows_are_refused(tmp_path: Path, teams: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(tmp_path, f"sinks: {{teams: {teams}}}\n")
