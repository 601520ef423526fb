"""Texts and Slack blocks of a digest, as data. What a message says stands here and in `templates/`.

Whatever a digest holds, its message is one that Slack takes. What does not fit gives way in this
order, the least important first:

1. addresses longer than a line wants, left out whole;
2. the services of a storm or roll-up from the last on, then said as "and N more";
3. within a section its last lines: metric alerts, links that help, owners, likely origin;
4. list entries beyond the limits of `sinks.bounds`, the last first;
5. the end of a text, where "…" stands.

The first line, counts, time and release are never left out. A message that was cut says so at its
end, with a link to the rest; every cut has a name, which is given back to be counted.

Source: Slack's limits of text, blocks and their sum: Block Kit reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from correlators.types import NOTICES, Digest, DigestKind
from sinks import blocks as block
from sinks.blocks import BLOCK_CHARS, Json, chars, fitting
from sinks.bounds import Bounded, bounded, shortened
from sinks.forms import Told
from sinks.lead import lead, speaks_of_itself
from sinks.mrkdwn import ELLIPSIS, entities, mention
from sinks.templating import LINK_CHARS, PLAIN, SLACK, SLACK_TEXT, said
from sinks.words import many

TEXT_CHARS: Final = 3_900
"""Below the 4,000 above which Slack refuses an edit."""
CONTEXT_CHARS: Final = 1_500
PART_CHARS: Final = 1_200
"""Of a section that is not the main one."""


_REPORT: Final = {"sum": 1_000, "top": 4_900, "todo": 1_600}
"""The parts of a scheduled report, and the room that each has."""


class Rendered(msgspec.Struct, frozen=True):
    """A message for Slack."""

    blocks: list[Json]
    text: str
    """Says the same for notifications and readers that draw no blocks."""
    cuts: tuple[str, ...] = ()
    """The limits that something was cut at."""


class _Writing:
    """One message being written: the digest as it fits, and what was cut so far."""

    def __init__(self, digest: Digest, possible_repeat: bool, called: Sequence[str]) -> None:
        self.bound: Bounded = bounded(digest)
        self.d = self.bound.digest
        self.cuts = list(self.bound.cuts)
        self.called = [mention(one) for one in called]
        self._possible_repeat = possible_repeat
        addresses = [digest.url, digest.runbook, digest.dashboard, digest.status_page]
        addresses += [url for one in self.d.services for url in (one.url, one.runbook)]
        if any(len(url) > LINK_CHARS for url in addresses):
            self.cuts.append("link")

    def say(self, template: str, most: int = PART_CHARS, **more: object) -> str:
        """Return what the template says, in the lines that fit; empty where it says nothing."""
        values = {"called": self.called, "loud": False, "shortened": shortened(self.cuts), **more}
        text = said(SLACK, template, d=self.d, possible_repeat=self._possible_repeat, **values)
        return fitting(text, most, self.cuts)

    def notes(self) -> list[Json]:
        """Return what people wrote that was not told before, each whole."""
        lines = self.say("slack_notes.j2", BLOCK_CHARS - CONTEXT_CHARS).split("\n")
        return block.sections([one for one in lines if one])

    def made(self, blocks: list[Json], *, reply: bool = False, brief: bool = False) -> Rendered:
        """Return the message, with the line that says what it is of and whether it was cut."""
        text = said(
            SLACK_TEXT, "plain.j2", d=self.d, possible_repeat=self._possible_repeat, reply=reply
        )
        text = fitting(text, TEXT_CHARS, self.cuts, "text")
        ends = self.say("slack_context.j2", CONTEXT_CHARS, brief=brief, reply=reply)
        return Rendered([*blocks, block.context(ends)], text, tuple(dict.fromkeys(self.cuts)))


def slack_message(
    digest: Digest,
    *,
    possible_repeat: bool = False,
    called: Sequence[str] = (),
    form: tuple[Told, Told] | None = None,
) -> Rendered:
    """Return the first message of a digest, in the state that this revision shows.

    Args:
        digest: any revision.
        possible_repeat: say that it may have been said before.
        called: users and groups to mention; nobody in an edit.
        form: what a form says between the first line and the last: in blocks, and as text.
    """
    it = _Writing(digest, possible_repeat, called)
    d = it.d
    if form is not None:
        return _formed(it, *form)
    if is_over(d):
        return it.made(_closed(it))
    blocks = [block.header(entities(lead(d)))]
    if it.called:
        blocks.append(block.section(" ".join(it.called)))
    if d.kind is DigestKind.SPIKE:
        # It tells of messages that wait, so of nobody who is hurt.
        return it.made(blocks)
    if d.kind is DigestKind.REPORT:
        return it.made([*blocks, *_report(it)])
    if d.kind is DigestKind.DEPLOY:
        return it.made([*blocks, block.section(it.say("slack_deploy.j2"))])
    if d.kind is DigestKind.ROLLUP:
        lines = it.say("slack_rollup.j2", BLOCK_CHARS - CONTEXT_CHARS).split("\n")
        return it.made([*blocks, *block.sections([one for one in lines if one])])
    if news := it.say("slack_news.j2"):
        blocks.append(block.section(news))
    blocks += it.notes()
    blocks.append(block.section(it.say("slack_hurt.j2", block.SECTION_CHARS)))
    tail: list[Json] = []
    if not d.storm and (where := it.say("slack_where.j2")):
        tail.append(block.section(where))
    if d.evidence:
        tail.append(block.section(it.say("slack_because.j2")))
    if d.storm:
        room = BLOCK_CHARS - chars(blocks) - chars(tail) - CONTEXT_CHARS
        blocks += block.sections(_services(it, room))
    return it.made([*blocks, *tail])


def slack_update(
    digest: Digest,
    *,
    possible_repeat: bool = False,
    loud: bool = False,
    called: Sequence[str] = (),
) -> Rendered:
    """Return the reply that tells a later revision.

    Args:
        digest: the revision.
        possible_repeat: say that it may have been said before.
        loud: it is read without its thread, so it names what it is about.
        called: users and groups to mention.
    """
    it = _Writing(digest, possible_repeat, called)
    line = it.say("slack_update.j2", block.SECTION_CHARS, loud=loud)
    return it.made([block.section(line), *it.notes()], reply=True, brief=not loud)


def plain_text(digest: Digest, *, possible_repeat: bool = False) -> str:
    """Return the digest in plain lines."""
    small = bounded(digest).digest
    return said(PLAIN, "plain.j2", d=small, possible_repeat=possible_repeat, reply=False)


def _report(it: _Writing) -> list[Json]:
    """Return the blocks of a report: of a scheduled one its counts, errors and what is to do."""
    if it.d.reported is None:
        lines = it.say("slack_report.j2", BLOCK_CHARS - CONTEXT_CHARS).split("\n")
        empty = not "".join(lines).strip()
        return block.sections(["Nothing to report."] if empty else lines)
    parts = (it.say(f"slack_report_{part}.j2", most) for part, most in _REPORT.items())
    return [one for part in parts for one in block.sections([x for x in part.split("\n") if x])]


def _formed(it: _Writing, blocks: Told, plain: Told) -> Rendered:
    """Return the message with the words of a form; what people wrote is theirs, and stays."""
    it.cuts += blocks.cuts
    text = fitting("\n".join(blocks.lines), BLOCK_CHARS - CONTEXT_CHARS, it.cuts)
    paragraphs = [one.strip("\n") for one in text.split("\n\n")]
    sections = [one for part in paragraphs for one in block.sections(part.split("\n"))]
    head = lead(it.d)
    found = it.made([block.header(entities(head)), *sections[: block.BLOCKS - 10], *it.notes()])
    said_plainly = "\n".join([entities(head), *plain.lines])
    return msgspec.structs.replace(found, text=fitting(said_plainly, TEXT_CHARS, [], "text"))


def is_over(d: Digest) -> bool:
    """Return True where nothing is left to do: it is shown closed."""
    went = d.kind in (DigestKind.JOINED, DigestKind.PARTED)
    other = d.kind in NOTICES or speaks_of_itself(d)
    return d.resolved and not d.unconfirmed and not went and not other


def _closed(it: _Writing) -> list[Json]:
    """Return the blocks of what is over: struck through, small and grey, nothing to press."""
    blocks = [block.section(it.say("slack_over.j2"))]
    if news := it.say("slack_news.j2"):
        blocks.append(block.context(news))
    blocks += it.notes()
    blocks.append(block.context(it.say("slack_hurt.j2", block.SECTION_CHARS)))
    if it.d.storm:
        room = block.SECTION_CHARS
        blocks.append(block.context("\n".join(_services(it, room)) or "no service is known"))
    elif where := it.say("slack_where.j2"):
        blocks.append(block.context(where))
    return blocks


def _services(it: _Writing, room: int) -> list[str]:
    """Return a line for each service, as many as there is room for."""
    lines = [it.say("slack_service.j2", one=one) for one in it.d.services]
    more = it.d.more_services
    kept: list[str] = []
    for line in lines:
        room -= block.length(line) + 1
        if room < 40:
            it.cuts.append("services")
            more += len(lines) - len(kept)
            break
        kept.append(line)
    return [*kept, f"{ELLIPSIS} and {many(more, 'more service')}"] if more else kept
