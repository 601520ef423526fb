"""What a local mail server holds: the mails that it took, and what it answers for whom. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

_REPLY = re.compile(r"[45][0-9]{2} [ -~]{1,400}")


@dataclass(frozen=True)
class Mail:
    """One mail as it was taken, for those recipients that were."""

    at: float
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    """As it came over the wire, dots taken off."""
    utf8: bool = False
    """Handed over with SMTPUTF8."""

    @property
    def message(self) -> EmailMessage:
        """Return it as a mail reader reads it."""
        found = BytesParser(_class=EmailMessage, policy=policy.SMTPUTF8).parsebytes(self.raw)
        assert isinstance(found, EmailMessage)
        return found

    def part(self, kind: str) -> str:
        """Return its text as `plain` or as `html`; empty where it has no such part."""
        found = self.message.get_body((kind,))
        return str(found.get_content()) if found is not None else ""

    def header(self, name: str) -> str:
        """Return a header in one line, empty where there is none."""
        return str(self.message.get(name, ""))


class Answers:
    """What recipients are refused with."""

    def __init__(self) -> None:
        self._scripted: dict[str, tuple[str, int | None]] = {}

    def set(self, address: str, reply: str, times: int | None = None) -> None:
        """Refuse this recipient so: always, or the next so many times.

        Raises:
            ValueError: it refuses nothing as `550 5.1.1 no such user`.
        """
        if _REPLY.fullmatch(reply) is None:
            raise ValueError("a refusal is a code and a text, such as 550 5.1.1 no such user")
        self._scripted[address.lower()] = (reply, times)

    def clear(self, address: str = "") -> None:
        """Answer as usual, for this recipient or for all."""
        if address:
            self._scripted.pop(address.lower(), None)
        else:
            self._scripted.clear()

    def take(self, address: str) -> str:
        """Return what is answered for this recipient now; empty: it is taken."""
        reply, times = self._scripted.get(address.lower(), ("", None))
        if times is not None:
            self._scripted[address.lower()] = (reply, times - 1)
            if times <= 1:
                del self._scripted[address.lower()]
        return reply
