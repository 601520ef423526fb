"""The API of Sentry as it is read from the file, shown by `check`, and made a sink."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinks.sentry import SentrySink
from streams.describe import describe, missing_for_sinks
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks

TOKEN = "sntrys_secret"


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(f"sinks: {{console: }}\n{text}")
    return load(path, environ)


def shown(settings: Settings) -> dict[str, object]:
    found = describe(settings)["destinations"]
    assert isinstance(found, list)
    of_sentry = [one for one in found if isinstance(one, dict)]
    return {str(one["destination"]): one for one in of_sentry}


def test_without_its_key_nothing_is_asked_of_sentry(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert settings.sentry is None
    assert settings.correlation().issues is None
    assert "sentry:default" not in shown(settings)
    assert [one.name for one in make_sinks(settings)] == ["console"]


async def test_with_it_the_sink_is_made_and_check_shows_it_without_the_token(
    tmp_path: Path,
) -> None:
    text = "sentry: {organisation: shop, assign_owner: true, api_url: 'https://de.sentry.io'}\n"
    settings = read(tmp_path, text, SENTRY_API_TOKEN=TOKEN)
    asked = settings.correlation().issues
    assert asked is not None
    assert asked.assign_owner
    line = shown(settings)["sentry:default"]
    assert "shop" in str(line)
    assert "assigned to their owners" in str(line)
    assert "https://de.sentry.io" in str(line)
    assert "SENTRY_API_TOKEN" in str(line)
    assert TOKEN not in str(line)
    assert missing_for_sinks(settings) == []
    sinks = {one.name: one for one in make_sinks(settings)}
    assert isinstance(sinks["sentry"], SentrySink)
    assert sinks["sentry"].destinations == ("sentry:default",)
    for one in sinks.values():
        await one.close()


def test_a_token_that_is_not_there_is_missed_by_name(tmp_path: Path) -> None:
    settings = read(tmp_path, "sentry: {organisation: shop}\n")
    (line,) = missing_for_sinks(settings)
    assert "SENTRY_API_TOKEN" in line
    assert "sentry.token" in line
    with pytest.raises(SettingsError):
        make_sinks(settings)


def test_in_shadow_mode_sentry_is_not_called(tmp_path: Path) -> None:
    settings = read(tmp_path, "shadow: true\nsentry: {organisation: shop}\n")
    assert missing_for_sinks(settings) == []
    assert [one.name for one in make_sinks(settings)] == ["console"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{organisation: 'a/b'}", "sentry.organisation"),
        ("{api_url: 'https://me:pw@host'}", "sentry.api_url"),
        ("{assign_owner: perhaps}", "sentry.assign_owner"),
        ("{organization: shop}", "sentry"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, f"sentry: {text}\n", SENTRY_API_TOKEN=TOKEN)
    assert f"stormfold.yaml:2 {place}" in str(caught.value)
    assert "me:pw" not in str(caught.value)
