"""A digest as the mail that tells it first: its text for a terminal, its HTML as a page."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.headerregistry import Address

from correlators.types import Digest
from sinks.formed import MAILS, Formed
from sinks.forms import Forms
from sinks.mail import Envelope, letter
from sinks.notes import Notes
from streams.drawing import Drawn
from streams.settings import Settings

SENDER = Address("Stormfold", "stormfold", "example.com")


async def draw(settings: Settings, forms: Forms, digest: Digest, notes: Notes) -> Drawn:
    """Return what the mail looks like; it names nobody, whoever is on the list."""
    name = digest.destination.partition(":")[2]
    envelope = Envelope(sender=SENDER, to=(), name=name, list_id="stormfold.example.com")
    form = await Formed(forms, notes, MAILS).said(digest, None, possible_repeat=False)
    made = letter(digest, envelope, now_ms=digest.at_ms, form=form)
    message = message_from_bytes(made.raw, policy=policy.default)
    parts = {part.get_content_subtype(): str(part.get_content()) for part in message.iter_parts()}
    text = f"Subject: {made.subject}\n\n{parts['plain'].rstrip()}"
    return Drawn(text, parts["html"], made.raw.decode("utf-8", "replace"), made.cuts)
