"""What a silence mutes now: shown before it is made, and the same as what it then mutes."""

from __future__ import annotations

from correlators.acts import AddSilence
from correlators.conditions import When
from correlators.judging import Judge
from correlators.muted import Muted, muted_now
from correlators.silencing import made, subject_of
from correlators.types import Level, tick_of
from tests.correlators.acted import Stage, outage
from tests.correlators.score import PAGING, event, ms


def staged() -> Stage:
    """Return a storm over three services, and two incidents beside it, one elsewhere."""
    stage = Stage()
    beside = event(0, "mail", "EM", level=Level.WARNING)
    elsewhere = event(0, "mail", "EM", environment="staging", level=Level.WARNING)
    stage.run(20, *outage(), beside, elsewhere)
    return stage


def muted(stage: Stage, subject: str = "", when: When | None = None) -> Muted:
    act = AddSilence(
        actor="anna",
        source="cli",
        at_ms=ms(20),
        to_ms=ms(80),
        subject=subject,
        environment="" if subject else "production",
        when=when,
    )
    silence = made(stage.state, act, subject_of(stage.state, subject), ms(20))
    return muted_now(Judge(PAGING, stage.state), stage.state, silence, tick_of(ms(20)))


def test_of_a_storm_it_is_the_storm_and_of_an_incident_the_incident() -> None:
    stage = staged()
    assert muted(stage, stage.storm().id) == Muted(storms=(stage.storm(),))
    mail = stage.incident("mail")
    assert muted(stage, mail.id) == Muted(incidents=(mail,))


def test_an_incident_that_a_storm_tells_is_not_muted_by_a_silence_of_its_own() -> None:
    stage = staged()
    assert muted(stage, stage.incident("cart").id) == Muted(inside=1)


def test_conditions_mute_what_matches_in_their_environment() -> None:
    stage = staged()
    found = muted(stage, when=When(level=(Level.WARNING,)))
    assert [one.key.environment for one in found.incidents] == ["production"]
    everything = muted(stage, when=When(service=("*",)))
    assert (len(everything.storms), len(everything.incidents), everything.inside) == (1, 1, 0)
    some = muted(stage, when=When(service=("c*", "m*")))
    assert (len(some.storms), len(some.incidents), some.inside) == ((0, 1, 2))
    assert muted(stage, when=When(text=("nothing",))) == Muted()
