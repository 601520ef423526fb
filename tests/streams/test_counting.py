"""What may be held back is counted from nought on, by every name of the configuration."""

from __future__ import annotations

from correlators.conditions import When
from correlators.holds import Holding, Inhibition, Period
from correlators.judging import Config
from correlators.responses import Asked, Response
from correlators.rulings import Rule, Urgency
from correlators.schedules import Weekly
from correlators.types import Level, Suppression
from streams.agents import counting
from streams.metrics import Metrics, exposition
from tests.correlators.score import CHAT, event, run

NOISE = Rule(name="noise", when=When(service=("a",)), urgency=Urgency.DROP, reason="known")
LOW = Rule(name="low", when=When(service=("b",)), urgency=Urgency.DIGEST, to=(CHAT,))
REST = Rule(name="rest", to=(CHAT,), every_ms=60_000)
NIGHT = Weekly(from_minute=0, to_minute=60)
CONFIG = Config(
    rules=(NOISE, LOW, REST),
    holding=Holding(
        periods=(
            Period(name="night", times=(NIGHT,)),
            Period(name="patch day", times=(NIGHT,), maintenance=True),
        ),
        inhibitions=(Inhibition(name="db", source=When(service=("db",)), when=When()),),
    ),
)


def test_every_rule_that_may_hold_back_has_its_series_from_the_start() -> None:
    metrics = Metrics()
    counting.begin(metrics, CONFIG)
    lines = exposition(metrics).decode().splitlines()
    found = {one for one in lines if one.startswith("stormfold_suppressed_total")}
    named = {
        ("dropped", "noise"),
        ("digest_only", "low"),
        ("capped", "rest"),
        ("quiet_hours", "night"),
        ("maintenance", "patch day"),
        ("inhibited", "db"),
        *((why.value, "") for why in Suppression),
    }
    assert found == {
        f'stormfold_suppressed_total{{reason="{why}",rule="{rule}"}} 0.0' for why, rule in named
    }


def test_what_is_held_back_in_a_run_has_a_series_already() -> None:
    one_by_one = [event(n * 300, service) for n, service in enumerate(("a", "b", "c", "db"))]
    score = run(one_by_one, config=CONFIG)
    assert {(Suppression.DROPPED, "noise"), (Suppression.DIGEST_ONLY, "low")} <= set(score.held_by)
    metrics = Metrics()
    counting.begin(metrics, CONFIG)
    before = exposition(metrics).decode().count("stormfold_suppressed_total{")
    for (why, rule), count in score.held_by.items():
        metrics.suppressed.labels(reason=why.value, rule=rule).inc(count)
    assert exposition(metrics).decode().count("stormfold_suppressed_total{") == before


def test_how_fast_people_are_is_measured_and_false_alarms_are_counted() -> None:
    metrics = Metrics()
    counting.responses(
        metrics,
        [
            Response("acknowledge", Level.FATAL, Asked.PAGE, 90),
            Response("acknowledge", Level.FATAL, Asked.PAGE, 30),
            Response("resolve", Level.ERROR, Asked.ALERT, 4_000),
            Response("false_alarm", Level.ERROR, Asked.ALERT, 10),
        ],
    )
    lines = exposition(metrics).decode().splitlines()
    paged = '{level="fatal",urgency="page"}'
    rest = '{level="error",urgency="alert"}'
    assert f"stormfold_acknowledge_seconds_sum{paged} 120.0" in lines
    assert f"stormfold_acknowledge_seconds_count{paged} 2.0" in lines
    assert f"stormfold_resolve_seconds_sum{rest} 4000.0" in lines
    assert f"stormfold_false_alarms_total{rest} 1.0" in lines
    assert f"stormfold_false_alarms_total{paged} 0.0" in lines
