"""A mail server and the lists that are told through it; what `stormfold check` shows of them."""

from __future__ import annotations

from typing import Any

import msgspec

from sinks.smtp_words import Tls
from streams.references import Secret

_WAYS = {Tls.STARTTLS: "with STARTTLS", Tls.TLS: "over TLS", Tls.NONE: "in clear"}


class Email(msgspec.Struct, frozen=True, kw_only=True):
    """A mail server and lists of people; each list is the destination `email:<its key>`."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    """Empty: nobody logs in, and no password is needed."""
    password: Secret
    sender: str
    """In whose name, as it stands in a mail."""
    list_id: str = ""
    """The end of the lists' ids; empty: the sender's domain."""
    lists: dict[str, tuple[str, ...]]


def mail_places(email: Email, secret: Any) -> list[dict[str, Any]]:
    """Return, for each list, its destination, how many it is and through what; no address."""
    through = f"{email.host}:{email.port} {_WAYS[email.tls]}, from {email.sender}"
    counts = {name: len(people) for name, people in email.lists.items()}
    return [
        {
            "destination": f"email:{name}",
            "to": f"{count} address{'' if count == 1 else 'es'}",
            "through": through,
            "secret": secret,
        }
        for name, count in counts.items()
    ]
