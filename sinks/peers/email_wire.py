"""One conversation of a local mail server: aiosmtpd's, which can also be cut, or end with a 421."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_WHOLE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
    r"|\[(?:[0-9]{1,3}\.){3}[0-9]{1,3}\]|\[IPv6:[0-9A-Fa-f:.]+\]"
)
"""RFC 5321, 4.1.1.1 and 4.1.3; many servers take nothing of whoever calls itself otherwise."""

# It warns of itself, and at DEBUG tells every line of a mail.
logging.getLogger("mail.log").setLevel(logging.ERROR)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation is begun with."""

    hooks: object
    """Has `handle_MAIL`, `handle_RCPT` and `handle_DATA`."""
    greets: Callable[[Connection], Awaitable[str]]
    """What is said in place of a greeting; empty: it is greeted."""
    knows: Callable[[str, str], bool]
    """Whether this user has this password."""
    open: set[Connection]
    tls: ssl.SSLContext | None
    """For STARTTLS; None: it has none."""
    tls_first: bool
    utf8: bool
    size_bytes: int


class Connection(SMTP):
    """One conversation."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        how: dict[str, Any] = {} if rules.tls is None else {"tls_context": rules.tls}
        super().__init__(
            rules.hooks,
            data_size_limit=rules.size_bytes,
            enable_SMTPUTF8=rules.utf8,
            hostname="mail.local",
            ident="local",
            authenticator=self._login,
            auth_require_tls=False,
            require_starttls=rules.tls_first,
            loop=asyncio.get_running_loop(),
            **how,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._rules.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        self._rules.open.discard(self)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        """Say it; after a 421 the conversation is over."""
        await super().push(status)
        if isinstance(status, str) and status.startswith("421"):
            self.end()
            await self.over()

    def end(self, last: bytes = b"") -> None:
        """Close the connection after these bytes."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.write(last)
            self.transport.close()

    def cut(self) -> None:
        """Cut the connection."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def over(self) -> None:
        """Wait for the connection's end, which cancels whoever serves it."""
        await asyncio.Event().wait()

    async def smtp_EHLO(self, hostname: str) -> None:
        """Answer who says what they are called: by their whole name, or by their address."""
        if hostname and _WHOLE.fullmatch(hostname) is None:
            await self.push(f"504 5.5.2 <{hostname}>: need fully-qualified hostname")
            return
        await super().smtp_EHLO(hostname)

    async def _handle_client(self) -> None:
        if reply := await self._rules.greets(self):
            await self.push(reply)
            self.end()
            return
        await super()._handle_client()

    def _login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        user, password = (one.decode("utf-8", "replace") for one in (given.login, given.password))
        if self._rules.knows(user, password):
            return AuthResult(success=True, auth_data=user)
        says = "535 5.7.8 Authentication credentials invalid"
        return AuthResult(success=False, handled=False, message=says)


def of(server: SMTP) -> Connection:
    """Return the conversation that a hook is called in."""
    assert isinstance(server, Connection)
    return server


def eight_bits(envelope: Envelope) -> bool:
    """Return whether a mail was announced as one that may have other bytes than ASCII."""
    return envelope.smtp_utf8 or "BODY=8BITMIME" in envelope.mail_options
