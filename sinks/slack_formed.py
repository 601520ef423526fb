"""What forms say of a message for Slack: once in blocks, once as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from correlators.types import Digest
from sinks.form_language import Language
from sinks.form_media import SLACK, SLACK_TEXT
from sinks.forms import Forms, Told
from sinks.mrkdwn import mention
from sinks.notes import Notes

CHANNEL: Final = "<!channel>"


class SlackForms:
    """The forms of a sink.

    Args:
        forms: None: every message has the ordinary form.
        notes: of the sink.
    """

    def __init__(self, forms: Forms | None, notes: Notes) -> None:
        self._forms, self._notes = forms or Forms(), notes

    async def said(
        self, digest: Digest, called: Sequence[str] | None, *, possible_repeat: bool
    ) -> tuple[Told, Told] | None:
        """Return what the form of a first message says; None: it has the ordinary one.

        Args:
            digest: as the message tells it.
            called: users and groups to mention; None for an edit, which calls nobody.
            possible_repeat: it may have been said before.
        """
        on_call = await self._forms.on_call(digest)

        def told(medium: Callable[[], Language]) -> Told | None:
            return self._forms.told(
                digest,
                medium,
                self._notes,
                on_call=on_call,
                everybody="" if called is None else CHANNEL,
                called=[mention(one) for one in called or ()],
                possible_repeat=possible_repeat,
            )

        blocks = told(SLACK)
        plain = told(SLACK_TEXT) if blocks is not None else None
        return None if blocks is None or plain is None else (blocks, plain)

    async def close(self) -> None:
        """Close the connections."""
        await self._forms.close()
