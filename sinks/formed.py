"""What forms say of one message, in the two media that a service wants: drawn, and plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from correlators.types import Digest
from sinks.form_language import Language
from sinks.form_media import MAIL, PLAIN, RUNS, SLACK, SLACK_TEXT
from sinks.forms import Forms, Told
from sinks.notes import Notes

Medium = Callable[[], Language]
SLACKS: Final = (SLACK, SLACK_TEXT)
MAILS: Final = (MAIL, PLAIN)
TEAMS: Final = (RUNS, PLAIN)
CHANNEL: Final = "<!channel>"
"""Calls everybody in a channel of Slack."""


class Formed:
    """The forms of a sink.

    Args:
        forms: None: every message has the ordinary form.
        notes: of the sink.
        media: for what is drawn, and for plain text.
        everybody: calls all who read there, in the marks of the service; empty: it cannot.
    """

    def __init__(
        self,
        forms: Forms | None,
        notes: Notes,
        media: tuple[Medium, Medium],
        *,
        everybody: str = "",
    ) -> None:
        self._forms, self._notes = forms or Forms(), notes
        self._media, self._everybody = media, everybody

    async def said(
        self, digest: Digest, called: Sequence[str] | None, *, possible_repeat: bool
    ) -> tuple[Told, Told] | None:
        """Return what the form of a message says; None: it has the ordinary one.

        Args:
            digest: as the message tells it.
            called: mentions, in the marks of the service; None where nobody is to be called.
            possible_repeat: it may have been said before.
        """
        on_call = await self._forms.on_call(digest)

        def told(medium: Medium) -> Told | None:
            return self._forms.told(
                digest,
                medium,
                self._notes,
                on_call=on_call,
                everybody="" if called is None else self._everybody,
                called=called or (),
                possible_repeat=possible_repeat,
            )

        drawn = told(self._media[0])
        plain = told(self._media[1]) if drawn is not None else None
        return None if drawn is None or plain is None else (drawn, plain)

    async def close(self) -> None:
        """Close the connections."""
        await self._forms.close()
