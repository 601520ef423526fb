"""What may be held back is counted from nought on, by every name of the configuration."""

from __future__ import annotations

from correlators.conditions import When
from correlators.holds import Holding, Inhibition, Period
from correlators.judging import Config
from correlators.rulings import Rule, Urgency
from correlators.schedules import Weekly
from correlators.types import Suppression
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
