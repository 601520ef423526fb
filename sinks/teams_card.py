"""A digest as an Adaptive Card for Teams, and the message that a workflow posts. Pure.

The words are those of the other chats (`sinks/templates/`); every text is a `TextRun`, in which
Teams reads no Markdown, so that error text can neither format, nor link, nor mention. What helps
stands in buttons. Whatever a digest holds, its message is one that Teams takes: what does not fit
gives way in the order that `sinks.render` names, and the message says so at its end.

Source: Adaptive Cards, schema explorer, version 1.4: RichTextBlock and TextRun (no Markdown),
Container, Action.OpenUrl; learn.microsoft.com, cards in Teams: formatting, full width, six actions;
webhooks and connectors: a message of at most 28 KB, of which about 21 were seen to pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from correlators.types import Digest, DigestKind
from sinks.bounds import bounded, shortened
from sinks.card_blocks import Json, card_block, card_line
from sinks.forms import Told
from sinks.lead import lead, state
from sinks.mrkdwn import ELLIPSIS, linkable
from sinks.render import is_over
from sinks.runs import Run
from sinks.templating import LINK_CHARS, RUNS, said
from sinks.words import help_links, many

MESSAGE_BYTES: Final = 20_000
"""The most that one message takes, as it is sent."""
VERSION: Final = "1.4"
CONTENT_TYPE: Final = "application/vnd.microsoft.card.adaptive"

# The most bytes of each part; what they leave, a storm's services have.
_NEWS: Final = 2_500
_HURT: Final = 5_000
_WHERE: Final = 1_500
_BECAUSE: Final = 2_500
_ENDS: Final = 2_000
_UPDATE: Final = 8_000

_STYLES: Final = {
    "✅": "good",
    "☑️": "good",
    "🟡": "warning",
    "❔": "warning",
    "🔇": "emphasis",
    "🔕": "emphasis",
    "➡️": "emphasis",
}
"""How the head looks, by the sign of the state; anything else wants to be looked at."""


class Card(msgspec.Struct, frozen=True):
    """A message for a Teams workflow."""

    body: bytes
    """JSON, at most `MESSAGE_BYTES` long."""
    cuts: tuple[str, ...] = ()
    """The limits that something was cut at."""


def message_of(
    digest: Digest,
    *,
    update: bool = False,
    possible_repeat: bool = False,
    form: Told | None = None,
) -> Card:
    """Return the message that tells a digest.

    Args:
        digest: any revision.
        update: it was told before: say what is new, and name what it is about. Otherwise all of it.
        possible_repeat: say that it may have been said before.
        form: what a form says of all of it, between the first line and the last.
    """
    it = _Writing(digest, possible_repeat)
    if form is not None:
        return _made(it, *_formed(it, form))
    if update:
        return _made(it, *_update(it), reply=True)
    return _made(it, *_first(it))


class _Writing:
    """One message being written: the digest as it fits, and what was cut so far."""

    def __init__(self, digest: Digest, possible_repeat: bool) -> None:
        small = bounded(digest)
        self.cuts = list(small.cuts)
        self.actions = _actions(small.digest)
        # What stands in a button is no link in the text.
        self.d = msgspec.structs.replace(
            small.digest, url="", runbook="", dashboard="", status_page=""
        )
        self._possible_repeat = possible_repeat

    def lines(self, template: str, most: int, **more: object) -> list[Json]:
        """Return what the template says, a block for each line, those that fit."""
        given = {"called": (), "loud": False, "shortened": shortened(self.cuts), **more}
        text = said(RUNS, template, d=self.d, possible_repeat=self._possible_repeat, **given)
        return self.fitting([card_line(one) for one in text.split("\n") if one], most)

    def fitting(self, blocks: Sequence[Json], most: int) -> list[Json]:
        """Return the first blocks that fit, with "…" for the rest."""
        if _size(blocks) <= most:
            return list(blocks)
        self.cuts.append("lines")
        rest = card_line(ELLIPSIS)
        return [*_within(blocks, most - _size([rest])), rest]


def _formed(it: _Writing, form: Told) -> tuple[list[Json], list[Json]]:
    """Return the head and the lines of a form, which has links of its own in place of buttons."""
    it.cuts += form.cuts
    it.actions = []
    head = [card_block([Run(text=lead(it.d), strong=True)], size="Large")]
    parts: list[list[Json]] = [[]]
    for line in form.lines:
        if line:
            parts[-1].append(card_line(line))
        else:
            parts.append([])
    notes = it.lines("slack_notes.j2", _NEWS) if it.d.notes else []
    return head, [*it.fitting(_apart(parts), _room(it, head, [notes])), *notes]


def _first(it: _Writing) -> tuple[list[Json], list[Json]]:
    """Return the head and the lines of a message that tells all of a digest."""
    d = it.d
    if is_over(d):
        head = it.lines("slack_over.j2", _NEWS)
        tail = [] if d.storm else [it.lines("slack_where.j2", _WHERE)]
        return head, _told(it, head, tail)
    head = [card_block([Run(text=lead(d), strong=True)], size="Large")]
    match d.kind:
        case DigestKind.SPIKE:
            return head, []
        case DigestKind.REPORT:
            return head, _report(it, head)
        case DigestKind.ROLLUP:
            return head, _whole(it, head, "slack_rollup.j2")
        case DigestKind.DEPLOY:
            return head, it.lines("slack_deploy.j2", _HURT)
        case _:
            pass
    tail = [] if d.storm else [it.lines("slack_where.j2", _WHERE)]
    if d.evidence:
        tail.append(it.lines("slack_because.j2", _BECAUSE))
    return head, _told(it, head, tail)


def _told(it: _Writing, head: list[Json], tail: list[list[Json]]) -> list[Json]:
    """Return what is told between the head and these last parts."""
    news, hurt = it.lines("slack_news.j2", _NEWS), it.lines("slack_hurt.j2", _HURT)
    notes = _notes(it, head, [news, hurt, *tail])
    parts = [news, notes, hurt]
    if it.d.storm:
        parts.append(_services(it, head, [*parts, *tail]))
    return _apart([*parts, *tail])


def _update(it: _Writing) -> tuple[list[Json], list[Json]]:
    """Return the head and the lines of a message that tells what is new."""
    head, *rest = it.lines("slack_update.j2", _UPDATE, loud=True)
    for run in head["inlines"]:
        run["size"] = "Medium"
    return [head], [*rest, *_notes(it, [head], [rest])]


def _made(it: _Writing, head: list[Json], lines: list[Json], *, reply: bool = False) -> Card:
    ends = it.lines("slack_context.j2", _ENDS, brief=False, reply=reply)
    for run in (run for one in ends for run in one["inlines"]):
        run |= {"isSubtle": True, "size": "Small"}
    if ends:
        ends[0] |= {"separator": True, "spacing": "Medium"}
    message = _message(it, head, [*lines, *ends])
    return Card(_bytes(message), tuple(dict.fromkeys(it.cuts)))


def _message(it: _Writing, head: list[Json], lines: list[Json]) -> Json:
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "fallbackText": lead(it.d),
        "msteams": {"width": "Full"},
        "body": [
            {"type": "Container", "style": _style(it.d), "bleed": True, "items": head},
            *lines,
        ],
    }
    if it.actions:
        card["actions"] = it.actions
    attachment = {"contentType": CONTENT_TYPE, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _room(it: _Writing, head: list[Json], taken: Iterable[list[Json]]) -> int:
    """Return how many bytes are left beside what a message has for certain."""
    certain = len(_bytes(_message(it, head, [one for part in taken for one in part])))
    return MESSAGE_BYTES - certain - _ENDS


def _notes(it: _Writing, head: list[Json], taken: Sequence[list[Json]]) -> list[Json]:
    """Return what people wrote that was not told before, as much as there is room for."""
    return it.lines("slack_notes.j2", _room(it, head, taken)) if it.d.notes else []


def _whole(it: _Writing, head: list[Json], template: str) -> list[Json]:
    """Return the lines of a message that is nothing but a list."""
    return it.lines(template, _room(it, head, ()))


def _report(it: _Writing, head: list[Json]) -> list[Json]:
    """Return a scheduled report in its parts; what shadow mode reports, in its lines."""
    if it.d.reported is None:
        return _whole(it, head, "slack_report.j2")
    counts = it.lines("slack_report_sum.j2", _NEWS)
    todo = it.lines("slack_report_todo.j2", _HURT)
    top = it.lines("slack_report_top.j2", _room(it, head, [counts, todo]))
    return _apart([counts, top, todo])


def _services(it: _Writing, head: list[Json], taken: Sequence[list[Json]]) -> list[Json]:
    """Return a line for each service of a storm, as many as there is room for."""
    blocks = [
        block for one in it.d.services for block in it.lines("slack_service.j2", _HURT, one=one)
    ]
    more = it.d.more_services
    room = _room(it, head, taken) - 200  # for the line that counts the rest
    kept = _within(blocks, room)
    if len(kept) < len(blocks):
        it.cuts.append("services")
        more += len(blocks) - len(kept)
    said_more = [card_line(f"{ELLIPSIS} and {many(more, 'more service')}")] if more else []
    return [*kept, *said_more]


def _within(blocks: Sequence[Json], room: int) -> list[Json]:
    kept: list[Json] = []
    for one in blocks:
        room -= _size([one])
        if room < 0:
            break
        kept.append(one)
    return kept


def _apart(parts: Iterable[list[Json]]) -> list[Json]:
    """Return the parts as one list, each a little apart from the one before."""
    found: list[Json] = []
    for part in parts:
        found += [one | {"spacing": "Medium"} if at == 0 else one for at, one in enumerate(part)]
    return found


def _actions(d: Digest) -> list[Json]:
    """Return a button for each address that helps; nothing for what is over but its issue."""
    help = [] if d.resolved else help_links(d)
    known = [("Open in Sentry", d.url), *help]
    return [
        {"type": "Action.OpenUrl", "title": label, "url": url}
        for label, url in known
        if linkable(url, LINK_CHARS)
    ]


def _style(d: Digest) -> str:
    if d.kind in (DigestKind.DEPLOY, DigestKind.REPORT, DigestKind.ROLLUP):
        return "accent"
    return _STYLES.get(state(d)[0], "attention")


def _size(blocks: Sequence[Json]) -> int:
    """Return the bytes of these blocks in a message, with the commas between them."""
    return sum(len(_bytes(one)) + 1 + len(',"spacing":"Medium"') for one in blocks)


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
