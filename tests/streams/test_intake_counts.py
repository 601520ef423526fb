"""What Sentry counted stands beside what intake took; nothing hangs on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.peers.sentry import SentryPeer
from sinks.sentry import Organisation
from sinks.sentry_counted import HOUR_MS, OUTCOMES, SETTLED_MS, Counted, last_hour_ms, read
from streams.intake_counts import SentryCounts
from streams.metrics import Metrics, exposition
from streams.settings import SettingsError, load
from tests.streams.test_metrics_move import told

NOW_MS = 1_800_000_000_000
TOKEN = "token-of-shop"


@pytest.fixture
async def peer() -> AsyncIterator[SentryPeer]:
    async with SentryPeer(tokens={"shop": TOKEN}) as made:
        made.counts = {"accepted": 1_200, "rate_limited": 30, "a_new_word": 2}
        yield made


def counts(peer: SentryPeer, metrics: Metrics, token: str = TOKEN) -> SentryCounts:
    organisation = Organisation(slug="shop", token=token, api_url=peer.base_url)
    return SentryCounts(organisation, metrics)


async def test_the_last_hour_is_told_by_outcome(peer: SentryPeer) -> None:
    metrics = Metrics()
    asking = counts(peer, metrics)
    await asking.once(NOW_MS)
    found = told(metrics)
    assert found["sentry_events,accepted"] == 1_200
    assert found["sentry_events,rate_limited"] == 30
    assert found["sentry_events,filtered"] == 0
    assert found["sentry_events,other"] == 2
    assert found["sentry_counted_time_seconds"] == last_hour_ms(NOW_MS) / 1000
    peer.counts["accepted"] = 7
    await asking.once(NOW_MS + HOUR_MS)
    assert told(metrics)["sentry_events,accepted"] == 7
    await asking.close()


async def test_without_the_scope_it_says_what_to_do_and_keeps_what_it_knows(
    peer: SentryPeer, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    asking = counts(peer, metrics)
    await asking.once(NOW_MS)
    peer.take_scope("org:read")
    peer.counts["accepted"] = 7
    await asking.once(NOW_MS + HOUR_MS)
    assert told(metrics)["sentry_events,accepted"] == 1_200
    assert told(metrics)["sentry_counted_time_seconds"] == last_hour_ms(NOW_MS) / 1000
    assert "scope org:read" in caplog.text
    await asking.close()


async def test_a_token_stands_nowhere(peer: SentryPeer, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    asking = counts(peer, metrics, "a-wrong-token")
    await asking.once(NOW_MS)
    assert "status 401" in caplog.text
    assert "a-wrong-token" not in caplog.text + exposition(metrics).decode()
    await asking.close()
    nobody = SentryCounts(
        Organisation(slug="shop", token=TOKEN, api_url="http://127.0.0.1:9"), metrics
    )
    await nobody.once(NOW_MS)
    assert "not_connected" in caplog.text
    await nobody.close()


@given(st.integers(0, 2 * HOUR_MS))
def test_an_hour_is_asked_for_once_it_is_over_and_settled(after_ms: int) -> None:
    now_ms = NOW_MS + after_ms
    hour_ms = last_hour_ms(now_ms)
    assert hour_ms % HOUR_MS == 0
    assert SETTLED_MS <= now_ms - (hour_ms + HOUR_MS) < SETTLED_MS + HOUR_MS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not understood"),
        ('{"intervals": [], "groups": []}', "has not this hour"),
        ('{"intervals": ["soon"], "groups": []}', "has not this hour"),
        ('{"intervals": 5}', "not understood"),
    ],
)
def test_an_answer_that_says_nothing_is_none(text: str, says: str) -> None:
    assert says in str(read(text, NOW_MS))


def test_hours_are_read_in_any_zone() -> None:
    hour_ms = NOW_MS // HOUR_MS * HOUR_MS
    text = (
        '{"intervals": ["2027-01-15T07:00:00Z", "2027-01-15T10:00:00+02:00"], "groups": '
        '[{"by": {"outcome": "accepted"}, "series": {"sum(quantity)": [1, 5]}}]}'
    )
    assert hour_ms == 1_800_000_000_000
    assert read(text, hour_ms) == Counted(hour_ms, dict.fromkeys(OUTCOMES, 0) | {"accepted": 5})


def test_it_needs_an_organisation(tmp_path: Path) -> None:
    file = tmp_path / "stormfold.yaml"
    file.write_text("sentry: {count_events: true}")
    with pytest.raises(SettingsError, match=r"needs sentry\.organisation"):
        load(file, {})
