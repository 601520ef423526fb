"""The demo's figures and reasons are those of the run; it tells local services only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from correlators.fingerprinter import Fingerprinting
from correlators.incidents import Incident
from correlators.storms import Storm
from streams.demo import CONFIG, RECORDING, main
from streams.demo_direct import CHANNEL, Direct, pages
from streams.demo_local import LocalChain
from streams.demo_material import AMBIENT, Material, RecordedClock, read_material
from streams.demo_services import DemoError, Heard, Services
from streams.demo_story import Story, placed, story_of
from streams.settings import Settings

AT_ONCE = 1e9
"""A speed at which nothing is waited for."""


@pytest.fixture(scope="module")
def material() -> Material:
    return read_material(RECORDING, Fingerprinting())


def started(material: Material) -> RecordedClock:
    clock = RecordedClock(material.first_ms, AT_ONCE)
    clock.start()
    return clock


async def decided(material: Material) -> tuple[Settings, Heard]:
    """Return what Stormfold decides of the whole recording."""
    services = Services()
    settings = services.settings(CONFIG, services.environment(os.environ, "demo-test"))
    heard = Heard(settings)
    chain = LocalChain(settings, heard)
    await chain.feed(material, started(material))
    return settings, heard


async def test_direct_alerts_are_a_message_per_event_and_a_page_per_issue(
    material: Material,
) -> None:
    part = Material(material.lines[150:300], material.short_ids)
    async with Direct(part) as direct:
        await direct.run(started(part))
    events = [line.read.event for line in part.events if line.read.event is not None]
    assert direct.sent == len(events)
    assert direct.pages == len({event.issue_id for event in events if pages(event)})
    assert direct.refused + len(direct.slack.messages(CHANNEL)) == direct.sent
    span_s = (part.last_ms - part.first_ms) / 1000
    assert 0 < len(direct.slack.messages(CHANNEL)) <= span_s + 3
    assert {call.outcome for call in direct.slack.calls} == {"ok", "ratelimited"}


async def test_every_ambient_error_is_named_with_where_it_ended_and_why(
    material: Material,
) -> None:
    settings, heard = await decided(material)
    story: Story = story_of(material, heard, settings)
    labels = {line.record.label for line in material.lines if line.record.label.startswith(AMBIENT)}
    assert len(story.ambient) == len(labels)
    assert all(one.why for one in story.ambient)
    ends = placed(material, heard, settings)
    inside = [one for one in ends if one.storm_id == story.storm_id]
    assert sum(one.inside for one in story.ambient) == sum(
        one.label.startswith(AMBIENT) for one in inside
    )
    assert story.inside_of_outage == sum(not one.label.startswith(AMBIENT) for one in inside)
    assert 0 < story.inside_of_outage <= story.outage_events


async def test_a_reason_says_what_the_state_says(material: Material) -> None:
    settings, heard = await decided(material)
    story = story_of(material, heard, settings)
    storm = heard.newest[f"storm:{story.storm_id}"]
    assert isinstance(storm, Storm)
    incidents = [one for one in heard.newest.values() if isinstance(one, Incident)]
    for one in story.ambient:
        opened = {
            incident.opened_tick
            for incident in incidents
            if (incident.key.service, incident.key.environment) == (one.service, one.environment)
        }
        if one.environment != storm.environment:
            assert "nothing links across environments" in one.why
        elif " before the storm" in one.why:
            assert min(opened) < storm.opened_tick
        elif " into the storm" in one.why:
            assert any(storm.opened_tick <= tick <= storm.last_tick for tick in opened)


def test_settings_that_could_tell_others_are_refused(tmp_path: Path) -> None:
    services = Services()
    environ = services.environment({}, "demo-test")
    config = tmp_path / "stormfold.yaml"
    example = CONFIG.read_text("utf-8")
    for local, other in (
        ("${SLACK_BASE_URL:-https://slack.com/api/}", "https://slack.example/api/"),
        ("${PAGERDUTY_BASE_URL:-}", "https://events.pagerduty.example"),
        ("    # api_token: ${PAGERDUTY_API_TOKEN}\n", "    api_token: t0ken\n"),
        ("# sentry: {organisation", "sentry: {organisation"),
    ):
        assert example.count(local) == 1
        config.write_text(example.replace(local, other), "utf-8")
        with pytest.raises(DemoError, match="local services only"):
            services.settings(config, environ)


@pytest.mark.parametrize("page", ["a folder", "below a file"])
def test_a_page_that_cannot_be_written_is_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], page: str
) -> None:
    (tmp_path / "file").touch()
    assert main(page=tmp_path if page == "a folder" else tmp_path / "file" / "page.html") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("stormfold demo: ")
    assert str(tmp_path) in told.err
