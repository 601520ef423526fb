"""A digest as a sink would send it, to look at: words for a terminal, a page, and what is sent.

One line per sink that can be looked at; what draws it is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, NamedTuple, Protocol

from correlators.types import Digest
from sinks.forms import Forms
from sinks.notes import Notes
from streams.settings import Settings

DRAWS: Final = {
    "slack": "streams.draw_slack:draw",
    "email": "streams.draw_email:draw",
    "teams": "streams.draw_teams:draw",
}
"""What draws a digest, by the name of its sink."""


class Drawn(NamedTuple):
    """What somebody would see."""

    text: str
    """For a terminal."""
    page: str
    """A page of HTML that loads nothing."""
    sent: str
    """What the service is sent."""
    cuts: tuple[str, ...] = ()
    """The limits that something was cut at."""


class Draw(Protocol):
    """Draws a digest as one sink sends it."""

    async def __call__(
        self, settings: Settings, forms: Forms, digest: Digest, notes: Notes
    ) -> Drawn:
        """Return what its first message looks like; what goes wrong in a form is noted."""


def drawing(sink: str) -> Draw:
    """Return what draws for a sink.

    Raises:
        KeyError: nothing does.
    """
    module, _, name = DRAWS[sink].partition(":")
    found: Draw = getattr(import_module(module), name)
    return found
