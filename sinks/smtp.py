"""One mail handed to a mail server by SMTP: the one module that uses aiosmtplib.

A conversation gives what the server said, or a `Failure` that says whether the mail can have been
taken; nothing is raised for what the network does. Until the mail itself is on its way it has
certainly not been taken, whatever happens. Words of the server are kept from `repr`: they may name
people. No connection is kept: a mail is rare, and one that was closed meanwhile fails a mail.

Source: RFC 5321 (3.3, 4.1.1.1, 4.1.3, 4.2), RFC 3207 (a mail that was to go over TLS goes by no
other way).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping

import aiosmtplib
import msgspec

from sinks.base import PERSON_WAIT_MS, Retry, RetryReason, Scope, Unknown, UnknownReason
from sinks.smtp_words import Point, Said, Tls

# At DEBUG its users' addresses.
logging.getLogger("aiosmtplib").setLevel(logging.WARNING)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server and who we are there."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    """Empty: nobody logs in."""
    password: str = ""
    name: str = ""
    """The whole name of this machine, by which it greets; empty: it greets by its address."""

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port}, {self.tls})"


class Offers(msgspec.Struct, frozen=True):
    """What a server can do, and how much."""

    utf8: bool
    size_bytes: int
    """The largest mail; 0 where it does not say."""


class Mail(msgspec.Struct, frozen=True):
    """What is handed over."""

    raw: bytes
    recipients: tuple[str, ...]
    utf8: bool = False

    def __repr__(self) -> str:
        return f"Mail({len(self.raw)} bytes)"


class Handed(msgspec.Struct, frozen=True):
    """The server has answered for each recipient; whoever is not refused gets the mail."""

    refused: Mapping[str, Said]

    def __repr__(self) -> str:
        return f"Handed(refused={len(self.refused)})"


class Smtp:
    """Hands mails to one server.

    Args:
        server: it.
        sender: who answers for the mails, and gets what comes back.
        timeout_ms: of one conversation.
        context: whose certificates are believed; None: as this machine says.
    """

    def __init__(
        self,
        server: Server,
        *,
        sender: str,
        timeout_ms: int,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._server, self._sender, self._timeout_ms = server, sender, timeout_ms
        if server.tls is not Tls.NONE and context is None:
            context = ssl.create_default_context()
        self._context = context

    async def hand_over(
        self, make: Callable[[Offers], Mail | None]
    ) -> Handed | Said | Retry | Unknown | None:
        """Return what became of a mail.

        Args:
            make: gives the mail, as this server can take it; None where it cannot.

        Returns:
            `Handed` once it answered for the recipients: the mail is taken for the others, unless
            there are none. `Said` when it refused all. `Retry` when nothing was taken for another
            reason, `Unknown` when that cannot be told. None when there was no mail.
        """
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls is Tls.TLS,
            start_tls=False,
            tls_context=self._context,
            local_hostname=server.name or "localhost",
            timeout=None,
        )
        talk = _Talk(client, server, self._sender)
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                return await talk.through(make)
        except aiosmtplib.SMTPResponseException as error:
            return talk.answered(error.code, error.message)
        except (OSError, aiosmtplib.SMTPException) as error:
            # A timeout is an OSError too, and so is what TLS finds wrong.
            return talk.failed(error)
        finally:
            client.close()


class _Talk:
    """One conversation and how far it came."""

    def __init__(self, client: aiosmtplib.SMTP, server: Server, sender: str) -> None:
        self._client, self._server, self._sender = client, server, sender
        self._point = Point.CONNECT

    async def through(self, make: Callable[[Offers], Mail | None]) -> Handed | Retry | None:
        """Return what it came to; a refusal of all is raised."""
        client, server = self._client, self._server
        await client.connect()
        called = server.name or _literal(client)
        await client.ehlo(hostname=called)
        if server.tls is Tls.STARTTLS:
            if not client.supports_extension("starttls"):
                return _mend("tls: it offers no STARTTLS; sinks.email.tls says how it is reached")
            await client.starttls()
            await client.ehlo(hostname=called)
        if server.user:
            self._point = Point.LOGIN
            if not client.supported_auth_methods:
                return _mend("login: it takes none here; see sinks.email.user and tls")
            await client.login(server.user, server.password)
        self._point = Point.SENDER
        mail = make(self._offers())
        if mail is None:
            return None
        options = [f"SIZE={len(mail.raw)}"] if client.supports_extension("size") else []
        options += ["SMTPUTF8", "BODY=8BITMIME"] if mail.utf8 else []
        await client.mail(self._sender, options=options)
        self._point = Point.RECIPIENT
        refused = await self._recipients(mail)
        if len(refused) < len(mail.recipients):
            self._point = Point.DATA
            await client.data(mail.raw)
        if client.protocol is not None and client.is_connected:
            client.protocol.write(b"QUIT\r\n")  # nobody waits for its goodbye
        return Handed(refused)

    async def _recipients(self, mail: Mail) -> dict[str, Said]:
        refused: dict[str, Said] = {}
        for one in mail.recipients:
            try:
                await self._client.rcpt(one, encoding="utf-8" if mail.utf8 else "ascii")
            except aiosmtplib.SMTPRecipientRefused as error:
                if not 400 <= error.code < 600 or error.code == 421:
                    raise  # that is about no recipient
                refused[one] = Said(Point.RECIPIENT, error.code, error.message)
        return refused

    def _offers(self) -> Offers:
        told = self._client.esmtp_extensions.get("size", "")
        size = int(told) if told.isascii() and told.isdigit() and len(told) < 12 else 0
        return Offers(self._client.supports_extension("smtputf8"), size)

    def answered(self, code: int, text: str) -> Said | Retry | Unknown:
        """Return what an answer means that ended it; one that is none says nothing."""
        sent = self._point is Point.DATA
        if not 400 <= code < 600:
            return Unknown(UnknownReason.UNREADABLE) if sent else Retry(RetryReason.UNAVAILABLE)
        if sent and code == 421:
            # It goes down with the mail in its hands.
            return Unknown(UnknownReason.SERVER_ERROR)
        return Said(self._point, code, text)

    def failed(self, error: Exception) -> Retry | Unknown:
        """Return what it means that the conversation broke off."""
        wrong = _tls_of(error)
        if wrong is not None and self._point is not Point.DATA:
            why = getattr(wrong, "verify_message", "") or "TLS cannot be agreed on"
            return _mend(f"tls: its certificate is not believed ({why})")
        if self._point is Point.DATA:
            late = isinstance(error, TimeoutError)
            return Unknown(UnknownReason.TIMED_OUT if late else UnknownReason.CONNECTION_LOST)
        return Retry(
            RetryReason.NOT_CONNECTED if self._point is Point.CONNECT else RetryReason.UNAVAILABLE
        )


def _literal(client: aiosmtplib.SMTP) -> str:
    """Return our end of the connection as a host is called that has no name."""
    found = client.transport.get_extra_info("sockname") if client.transport is not None else None
    address = str(found[0]).partition("%")[0] if found else "127.0.0.1"
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _tls_of(error: BaseException | None) -> ssl.SSLError | None:
    """Return what TLS found wrong with the other side, None where that was not it."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__
    return None


def _mend(detail: str) -> Retry:
    """Return that a person has to put something right, for all mails."""
    return Retry(RetryReason.NEEDS_SOMEBODY, PERSON_WAIT_MS, Scope.ACCOUNT, detail)
