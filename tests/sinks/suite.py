"""What the behaviour suite of the sinks is run with: every fault, virtual time."""

from __future__ import annotations

from sinks.peers.faults import LIMITS, Fault
from sinks.peers.serve import Call
from tests.sinks.case import Case
from tests.sinks.played import CALL_MS, Clock, Played

FAULTS = [one for one in Fault if one is not Fault.REFUSED]


def play(case: Case, clock: Clock) -> Played:
    played = Played(clock, [case.sink])
    peer = case.peer
    if peer is not None:

        async def late() -> None:
            """Let a call that its caller gave up be carried out after all."""
            before = len(peer.calls)
            peer.release()
            if peer.troubled and peer.troubled[-1][2] is Fault.SLOW_BEFORE:
                await peer.until(lambda: len(peer.calls) > before)

        played.given_up = late
    return played


def broken_waits(case: Case) -> list[Call]:
    """Return the calls that came inside a wait which their caller had heard of."""
    assert case.peer is not None
    refused = [at for at, _, fault in case.peer.troubled if fault in LIMITS]
    heard_s = CALL_MS / 1000
    return [
        one
        for one in case.peer.violations
        if not any(at <= one.at < at + heard_s for at in refused)
    ]
