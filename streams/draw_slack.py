"""A digest as Slack shows its first message, drawn by the local Slack's own hand."""

from __future__ import annotations

import json

from correlators.types import Digest
from sinks.broadcast import called
from sinks.carried import first_told
from sinks.formed import CHANNEL, SLACKS, Formed
from sinks.forms import Forms
from sinks.mrkdwn import mention
from sinks.notes import Notes
from sinks.peers.drawn import html_message, page, terminal
from sinks.peers.slack_store import Message
from sinks.render import slack_message
from sinks.slack_buttons import bar
from streams.drawing import Drawn
from streams.settings import Settings


async def draw(settings: Settings, forms: Forms, digest: Digest, notes: Notes) -> Drawn:
    """Return what the message looks like, with its buttons where the way back is open."""
    told = first_told(digest)
    teams = settings.teams
    mentions = called(told, {name: one.slack for name, one in teams.items() if one.slack})
    form = await Formed(forms, notes, SLACKS, everybody=CHANNEL).said(
        told, [mention(one) for one in mentions], possible_repeat=False
    )
    made = slack_message(told, called=mentions, form=form)
    *blocks, ends = made.blocks
    blocks = [*blocks, *(bar(told) if settings.slack_in is not None else ()), ends]
    name = digest.destination.partition(":")[2] or "channel"
    ts = f"{digest.at_ms // 1000}.000000"
    message = Message(ts=ts, channel=name, text=made.text, blocks=blocks, metadata=None)
    sent = json.dumps({"blocks": blocks, "text": made.text}, ensure_ascii=False, indent=2)
    return Drawn(terminal(message), page(f"#{name}", html_message(message)), sent, made.cuts)
