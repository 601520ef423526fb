"""A local mail server: takes mails by SMTP and shows them; relays nothing to anybody.

It speaks SMTP with SIZE, 8BITMIME, SMTPUTF8, STARTTLS or TLS from the first byte, and AUTH, refuses
recipients one by one as scripted, and meets faults at four points, each a method of its own:
`connect`, `mail`, `rcpt`, `data`. What is carried out is `data`: the mail is there then.

Source: RFC 5321 (replies, 4.2; sizes, 4.5.3), RFC 1870 (SIZE), RFC 3207 (STARTTLS), RFC 4954
(AUTH), RFC 6531 (SMTPUTF8), RFC 3463 (the codes X.Y.Z).
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from sinks.peers.email_rules import AWAY, DOWN, refusal, silences
from sinks.peers.email_store import Answers, Mail
from sinks.peers.email_wire import Connection, Rules, eight_bits, of
from sinks.peers.faults import LIMITS, UNDONE, Fault, Trouble
from sinks.peers.serve import PROXY_PAGE, Call, Clock, Json, Peer

SIZE_BYTES: Final = 10_485_760
RECIPIENTS_MOST: Final = 100
"""Of one mail: RFC 5321, 4.5.3.1.8."""
MAILS_KEPT: Final = 10_000
_GONE: Final = "gone"
"""In place of a reply: the connection is closed."""


class EmailPeer(Peer):
    """A mail server.

    Args:
        users: passwords by user; empty: nobody has to log in.
        tls: its certificate and key; None: no TLS.
        at_once: TLS begins with the first byte, not by STARTTLS.
        tls_first: without TLS no mail is taken.
        utf8: it has SMTPUTF8.
        size_bytes: of a mail, at most.
        smtp_port: where it takes mails; 0 is a free one. `port` is that of its page.
        clock: seconds since the epoch.
        seed: of faults that meet a share of the calls.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        at_once: bool = False,
        tls_first: bool = False,
        utf8: bool = True,
        size_bytes: int = SIZE_BYTES,
        host: str = "127.0.0.1",
        port: int = 0,
        smtp_port: int = 0,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=1_048_576, seed=seed)
        self.mails: list[Mail] = []
        """Every mail that was taken, in order; the last 10,000."""
        self.users = dict(users or {})
        self.size_bytes = size_bytes
        self.utf8 = utf8
        self.smtp_port = smtp_port
        self.tls = tls
        self._at_once, self._tls_first = at_once, tls_first
        self._answers = Answers()
        self._silent_until = 0.0
        self._server: asyncio.Server | None = None
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[str]] = set()

    # ---------------------------------------------------------------- lifetime

    async def listen(self) -> None:
        """Listen, again on the same ports after `stop_listening`; OSError: one is taken."""
        await super().listen()
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self._rules()),
                self._host,
                self.smtp_port,
                ssl=self.tls if self._at_once else None,
            )
            self.smtp_port = self._server.sockets[0].getsockname()[1]

    async def stop_listening(self) -> None:
        """Refuse connections and cut the open ones, until `listen`; nothing held is lost."""
        await super().stop_listening()
        if self._server is not None:
            self._server.close()
            self._server = None
        for one in list(self._open):
            one.cut()

    async def close(self) -> None:
        """Cut what is open and stop to listen."""
        self._closing.set()
        self.release()
        await self.stop_listening()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().close()

    def _rules(self) -> Rules:
        return Rules(
            hooks=self,
            greets=self._greets,
            knows=self._knows,
            open=self._open,
            tls=None if self._at_once else self.tls,
            tls_first=self._tls_first,
            utf8=self.utf8,
            size_bytes=self.size_bytes,
        )

    # ---------------------------------------------------------------- what a test can switch

    def answer(self, address: str, reply: str, times: int | None = None) -> None:
        """Refuse this recipient so, such as `450 4.2.0 greylisted`; always, or so many times."""
        self._answers.set(address, reply, times)

    def answer_as_usual(self, address: str = "") -> None:
        """Refuse this recipient, or all, no more."""
        self._answers.clear(address)

    def remove_boxes(self, *addresses: str) -> None:
        """Let there be nobody of these addresses."""
        for one in addresses:
            self._answers.set(one, "550 5.1.1 no such user here")

    def add_boxes(self, *addresses: str) -> None:
        """Let there be somebody again."""
        for one in addresses:
            self._answers.clear(one)

    def set_password(self, user: str, password: str) -> None:
        """Let this user have another password."""
        self.users[user] = password

    def inbox(self, address: str) -> list[Mail]:
        """Return what this recipient has got, in order."""
        return [one for one in self.mails if address in one.recipients]

    # ---------------------------------------------------------------- SMTP

    def _knows(self, user: str, password: str) -> bool:
        right = self.users.get(user) == password
        if not right:
            self._note(Call(self.clock(), "auth", {"user": user}, "535"))
        return right

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer the sender."""
        connection = of(server)
        if self.users and not session.authenticated:
            return self._refused("mail", {"from": address}, "530 5.7.0 Authentication required")

        def taken() -> str:
            envelope.mail_from = address
            return "250 2.1.0 OK"

        return await self._point(connection, "mail", "", {"from": address}, taken)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer a recipient."""
        args = {"to": address}

        def taken() -> str:
            scripted = self._answers.take(address)
            if not scripted and len(envelope.rcpt_tos) >= RECIPIENTS_MOST:
                scripted = "452 4.5.3 too many recipients"
            elif not scripted and not address.isascii() and not envelope.smtp_utf8:
                scripted = "553 5.6.7 needs SMTPUTF8"
            if scripted:
                return self._refused("rcpt", args, scripted)
            envelope.rcpt_tos.append(address)
            return "250 2.1.5 OK"

        return await self._point(of(server), "rcpt", address, args, taken)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail."""
        raw = envelope.original_content or b""
        assert envelope.mail_from is not None
        to = tuple(envelope.rcpt_tos)
        mail = Mail(self.clock(), envelope.mail_from, to, raw, utf8=envelope.smtp_utf8)
        args: Json = {
            "from": mail.sender,
            "to": list(to),
            "headers": {name: str(value) for name, value in mail.message.items()},
        }

        def taken() -> str:
            if not raw.isascii() and not eight_bits(envelope):
                return self._refused("data", args, "554 5.6.0 8 bits without 8BITMIME or SMTPUTF8")
            self.mails.append(mail)
            del self.mails[:-MAILS_KEPT]
            self._note(Call(self.clock(), "data", args, "ok"))
            return "250 2.0.0 taken"

        return await self._point(of(server), "data", to[0], args, taken)

    # ---------------------------------------------------------------- faults

    async def _greets(self, connection: Connection) -> str:
        """Return what is said in place of a greeting; empty: it is greeted."""
        if self.clock() < self._silent_until:
            self._note(Call(self.clock(), "connect", {}, "421", "inside_penalty"))
            return "421 4.7.0 not yet"
        return await self._point(connection, "connect", "", {}, str)

    async def _point(
        self,
        connection: Connection,
        method: str,
        destination: str,
        args: Json,
        carry_out: Callable[[], str],
    ) -> str:
        """Return the reply at a point of the conversation, with what goes wrong there.

        Once begun it goes on even if the caller is gone.
        """
        trouble = self._troubles.meet(method, destination, self.clock())
        if trouble is None:
            return carry_out()
        self.troubled.append((self.clock(), method, trouble.fault))
        self._move()
        going = self._going(trouble, connection, method, args, carry_out)
        task = asyncio.get_running_loop().create_task(going)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        reply = await asyncio.shield(task)
        if reply == _GONE:
            await connection.over()
        return reply

    async def _going(
        self,
        trouble: Trouble,
        connection: Connection,
        method: str,
        args: Json,
        carry_out: Callable[[], str],
    ) -> str:
        fault = trouble.fault
        if fault in LIMITS or fault is Fault.REFUSED or fault in AWAY:
            if silences(trouble, method):
                until = self.clock() + trouble.retry_after_s
                self._silent_until = max(self._silent_until, until)
            return self._refused(method, args, refusal(trouble, method))
        if fault in UNDONE:
            self._note(Call(self.clock(), method, args, fault.value))
            return PROXY_PAGE if fault is Fault.GARBAGE_BEFORE else self._ended(connection)
        if fault is Fault.SLOW_BEFORE:
            await self._held(trouble.slow_s)
            if self._closing.is_set():
                return self._ended(connection)
        reply = carry_out()
        if method != "data":
            self._note(Call(self.clock(), method, args, fault.value))
        match fault:
            case Fault.DROP_AFTER:
                return self._ended(connection)
            case Fault.HALF:
                return self._ended(connection, b"25")
            case Fault.SLOW_AFTER:
                await self._held(trouble.slow_s)
            case Fault.ERROR_AFTER:
                return DOWN
            case Fault.GARBAGE:
                return PROXY_PAGE
            case _:
                pass
        return reply

    @staticmethod
    def _ended(connection: Connection, last: bytes | None = None) -> str:
        if last is None:
            connection.cut()
        else:
            connection.end(last)
        return _GONE

    def _refused(self, method: str, args: Json, reply: str) -> str:
        """Note a refusal and return it."""
        self._note(Call(self.clock(), method, args, reply[:3]))
        return reply
