"""The key `shadow`: what it may say, and that nothing else is used then."""

from __future__ import annotations

from pathlib import Path

import pytest

from correlators.days import Shadow
from streams.describe import describe, missing_for_sinks
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks

SINKS = """\
sinks:
  slack: {token: "${TOKEN}", channels: {incidents: "#incidents", shadow: "#shadow"}}
  pagerduty: {}
  file: {path: told.jsonl}
"""


def loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "stormfold.yaml"
    path.write_text(SINKS + text)
    return load(path, {"TOKEN": "xoxb"})


@pytest.mark.parametrize(
    ("text", "shadow"),
    [
        ("", None),
        ("shadow: false\n", None),
        ("shadow: true\n", Shadow(to="slack:incidents")),
        ("shadow: {to: file:default}\n", Shadow(to="file:default")),
        (
            'shadow: {to: slack:shadow, report_at: "07:30"}\n',
            Shadow(to="slack:shadow", report_minute=450),
        ),
    ],
)
def test_it_is_off_or_says_where_everything_goes(
    tmp_path: Path, text: str, shadow: Shadow | None
) -> None:
    settings = loaded(tmp_path, text)
    assert settings.shadow == shadow
    assert settings.correlation().shadow == shadow


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shadow: maybe\n", "stormfold.yaml:5 shadow: expected yes or no"),
        ("shadow: {to: pagerduty:default}\n", "5 shadow.to: expected one of the destinations"),
        ("shadow: {at: 7}\n", "5 shadow.at: unknown key; allowed: report_at, to"),
        ('shadow: {report_at: "25:00"}\n', "5 shadow.report_at: expected a time of day in UTC"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=r"stormfold\.yaml") as raised:
        loaded(tmp_path, text)
    assert problem in str(raised.value)


async def test_only_the_sink_of_that_destination_is_made_and_needs_its_secret(
    tmp_path: Path,
) -> None:
    assert len(missing_for_sinks(loaded(tmp_path, ""))) == 1
    dark = loaded(tmp_path, "shadow: {to: file:default}\n")
    assert missing_for_sinks(dark) == []
    (sink,) = make_sinks(dark)
    assert sink.name == "file"
    await sink.close()
    assert "file:default alone" in str(describe(dark)["shadow"])
