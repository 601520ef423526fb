"""What `stormfold check` shows of mail: which list goes through which server; no address."""

from __future__ import annotations

from typing import Any

from sinks.smtp_words import Tls
from streams.settings_types import Email

_WAYS = {Tls.STARTTLS: "with STARTTLS", Tls.TLS: "over TLS", Tls.NONE: "in clear"}


def mail_places(email: Email) -> list[dict[str, Any]]:
    """Return, for each list, its destination, who it is and through what it is told."""
    through = f"{email.host}:{email.port} {_WAYS[email.tls]}, from {email.sender}"
    counts = {name: len(people) for name, people in email.lists.items()}
    return [
        {
            "destination": f"email:{name}",
            "to": f"{count} address{'' if count == 1 else 'es'}",
            "through": through,
        }
        for name, count in counts.items()
    ]
