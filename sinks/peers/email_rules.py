"""In which words a local mail server refuses on demand. Pure.

Source: RFC 5321, 4.2 (4yz passes, 5yz does not, 421 ends the conversation); RFC 3463 (X.Y.Z). A
server that asks to be left alone says for how long in its text, if at all.
"""

from __future__ import annotations

from typing import Final

from sinks.peers.faults import Fault, Trouble

DOWN: Final = "421 4.3.2 going down"
AWAY: Final = {
    Fault.ERROR_500: "451 4.3.0 local error in processing",
    Fault.ERROR_502: "451 4.4.1 no answer from the next host",
    Fault.ERROR_503: "452 4.3.1 insufficient system storage",
    Fault.ERROR_504: "451 4.4.2 timed out on the way",
}


def refusal(trouble: Trouble, point: str) -> str:
    """Return the reply of a refusal at a point; the word of REFUSED is the reply."""
    if trouble.fault is Fault.REFUSED:
        return trouble.word
    if trouble.fault in AWAY:
        return DOWN if point == "connect" else AWAY[trouble.fault]
    if trouble.fault is Fault.RATE_LIMITED:
        code = "421 4.7.0" if point == "connect" else "451 4.7.1"
        return f"{code} too many messages, try again in {trouble.retry_after_s} seconds"
    if trouble.fault is Fault.RATE_LIMITED_BODY and point != "connect":
        return "450 4.2.1 is receiving mail at a rate that prevents more"
    return "421 4.7.0 too many messages"


def silences(trouble: Trouble, point: str) -> bool:
    """Return whether it asks for silence of all, not of one mail or recipient."""
    return trouble.fault is Fault.RATE_LIMITED and point in ("connect", "mail")
