"""A digest as the card that tells it first in Teams: its words for a terminal, and drawn."""

from __future__ import annotations

import json

from correlators.types import Digest
from sinks.carried import first_told
from sinks.formed import TEAMS, Formed
from sinks.forms import Forms
from sinks.notes import Notes
from sinks.peers.drawn import page
from sinks.peers.drawn_cards import card_html, card_words
from sinks.peers.teams import Posted
from sinks.teams_card import message_of
from streams.drawing import Drawn
from streams.settings import Settings


async def draw(settings: Settings, forms: Forms, digest: Digest, notes: Notes) -> Drawn:
    """Return what the card looks like."""
    told = first_told(digest)
    form = await Formed(forms, notes, TEAMS).said(told, None, possible_repeat=False)
    made = message_of(told, form=form[0] if form is not None else None)
    message = json.loads(made.body)
    card = message["attachments"][0]["content"]
    name = digest.destination.partition(":")[2]
    drawn = card_html(Posted(at=digest.at_ms / 1000, workflow=name, card=card, text=""))
    sent = json.dumps(message, ensure_ascii=False, indent=2)
    return Drawn("\n".join(card_words(card)), page(name, drawn), sent, made.cuts)
