"""Answering: whoever pressed in Slack was told at once what would happen; where it does not, they
are told so, where they pressed.

Lives here: which outcome of an act belies the answer, and the digest that says so, one for an act,
to nobody else. Not here: what an act does (`acting`), the words (the sink's part), and what Sentry
did not take, which DELIVER hears of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from correlators import silencing
from correlators.acts import (
    Acknowledge,
    Act,
    ActOutcome,
    MergeInto,
    PageNow,
    Separate,
    act_id,
    kind_of,
)
from correlators.deltas import tick_end_ms
from correlators.judging import Config
from correlators.people_told import acknowledged_by
from correlators.pressed import Answer
from correlators.state import State
from correlators.types import Digest, DigestKind, Level

DESTINATION: Final = "slack_ephemeral:default"

BELIES: Final = frozenset(
    {
        ActOutcome.GONE,
        ActOutcome.ENDED,
        ActOutcome.NO_PAGER,
        ActOutcome.NO_ISSUE,
        ActOutcome.TOO_MANY,
    }
)
"""After these nothing is as it was said. Of one that is repeated the first has answered; what is
overtaken or of elsewhere only pagers say."""

SET_ASIDE: Final = "set_aside"
"""What became of an act that raised: beside the words of `ActOutcome`, since nothing of it is kept
in the state."""


class Answering:
    """Gathers what is to be put right for one state until it is taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: in shadow mode nobody is told anything but where it is told; state:
        read."""
        shadow = config.shadow
        self._silent = shadow is not None and not shadow.to.startswith("slack:")
        self._state = state
        self._answers: dict[str, Answer] = {}

    def carried_out(self, act: Act, outcome: ActOutcome) -> None:
        """Note what became of an act, if that is not what its answer said."""
        if isinstance(act.pressed, msgspec.UnsetType) or self._silent:
            return
        if outcome not in BELIES and not self._was_so(act, outcome):
            return
        gone = self._gone(act) if outcome is ActOutcome.GONE else ""
        self._answers[act_id(act)] = Answer(
            to=act.pressed,
            act=kind_of(act),
            subject=act.subject,
            outcome=outcome.value,
            gone=gone,
            over=bool(gone) and silencing.remembered(self._state, gone) is not None,
            who=self._has_it(act) if outcome is ActOutcome.UNCHANGED else "",
        )

    def set_aside(self, acts: Iterable[Act], tick: int) -> list[Digest]:
        """Return what is told of acts that could not be carried out, whatever was noted of them."""
        for act in acts:
            if not isinstance(act.pressed, msgspec.UnsetType) and not self._silent:
                self._answers[act_id(act)] = Answer(
                    to=act.pressed, act=kind_of(act), subject=act.subject, outcome=SET_ASIDE
                )
        return self.take(tick)

    def take(self, tick: int) -> list[Digest]:
        """Return what is to be told since the last call, in the order of the acts' ids."""
        answers, self._answers = self._answers, {}
        return [_digest(id, answers[id], tick) for id in sorted(answers)]

    def forget(self) -> None:
        """Drop what was noted in a tick that is undone."""
        self._answers = {}

    def _was_so(self, act: Act, outcome: ActOutcome) -> bool:
        """Return whether it was so already and the answer said otherwise: somebody else has it, a
        page is open, there is no storm to leave."""
        if outcome is not ActOutcome.UNCHANGED:
            return False
        if isinstance(act, Acknowledge):
            return self._has_it(act) not in ("", act.actor)
        return isinstance(act, PageNow | Separate)

    def _has_it(self, act: Act) -> str:
        found = silencing.subject_of(self._state, act.subject)
        return acknowledged_by(self._state, found)[0] if found is not None else ""

    def _gone(self, act: Act) -> str:
        """Return the id of what an act did not find."""
        here = silencing.subject_of(self._state, act.subject)
        return act.into if isinstance(act, MergeInto) and here is not None else act.subject


def _digest(act: str, answer: Answer, tick: int) -> Digest:
    """Return what tells an answer: it is of no error, so it says nothing of one."""
    at_ms = tick_end_ms(tick)
    return Digest(
        id="cor-" + act.partition("-")[2],
        revision=1,
        kind=DigestKind.CORRECTION,
        at_ms=at_ms,
        destination=DESTINATION,
        storm=answer.subject.startswith("storm-"),
        resolved=False,
        environment="",
        title="",
        incidents=0,
        events=0,
        users=0,
        level=Level.INFO,
        first_ms=at_ms,
        last_ms=at_ms,
        answer=answer,
    )
