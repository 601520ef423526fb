"""Texts and Slack blocks of a digest, as data. What a message says stands here and in `templates/`.

Every value that a template puts out is escaped for its medium at the moment it is put out, so that
error text can neither mention a channel, nor draw a link, nor break a line. What does not fit is
cut at a limit that has a name, and the names are given back to be counted.

Source: Slack's limits of text, blocks and their sum: Block Kit reference; the sum is not
documented, messages of 11,300 characters were seen refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from correlators.types import Digest, DigestKind, Evidence
from sinks.words import (
    DOUBTS,
    clean,
    counts,
    escape_slack,
    headline,
    help_links,
    lasting,
    many,
    same_day,
    short,
    subject,
    utc,
)

Json = dict[str, Any]

HEADER_CHARS: Final = 150
SECTION_CHARS: Final = 2_900
BLOCK_CHARS: Final = 9_000
"""The sum of all block text, with room below what Slack refuses."""
TEXT_CHARS: Final = 3_900
"""Below the 4,000 above which Slack refuses an edit."""
URL_CHARS: Final = 1_000

EVIDENCE: Final = {
    Evidence.RELEASE: "the same new release",
    Evidence.SIGNATURE: "the same error",
    Evidence.CAUSE: "the same cause",
    Evidence.TRACE: "shared traces",
    Evidence.DEPENDENCY: "services that depend on each other",
    Evidence.LEARNT: "services often seen in one trace",
    Evidence.ONSET: "onsets close together",
    Evidence.SERVICE: "a service that was part of it already",
    Evidence.BURST: "a burst of onsets at once",
    Evidence.BY_HAND: "a person's word",
}


class Rendered(msgspec.Struct, frozen=True):
    """A message for Slack."""

    blocks: list[Json]
    text: str
    """Says the same for notifications and readers that draw no blocks."""
    cuts: tuple[str, ...] = ()
    """The limits that something was cut at."""


def _slack_when(at_ms: int, after_ms: int | None = None) -> Markup:
    """Return a moment that Slack shows in the reader's own time zone."""
    form = "{time}" if same_day(at_ms, after_ms) else "{date_short_pretty} {time}"
    return Markup(f"<!date^{at_ms // 1000}^{form}|{utc(at_ms)}>")


def _slack_code(value: object) -> Markup:
    return Markup("`" + escape_slack(clean(value).replace("`", "'")) + "`")


def _slack_strong(value: object) -> Markup:
    return Markup("*" + escape_slack(clean(value).replace("*", "'")) + "*")


def linkable(url: str) -> bool:
    """Return True for an address that may stand in a Slack link."""
    return len(url) <= URL_CHARS and re.fullmatch(r"https?://[^\s<>|]+", url) is not None


def _slack_link(label: str, url: str) -> Markup:
    """Return a link under one of our own words."""
    assert linkable(url)
    return Markup(f"<{escape_slack(url)}|{label}>")


@pass_context
def _cut(context: Context, value: object, limit: str, chars: int) -> str:
    text = clean(value)
    if len(text) > chars:
        context["cuts"].append(limit)
    return short(text, chars)


def _environment(escape: Callable[[object], str], **filters: Any) -> ImmutableSandboxedEnvironment:
    found = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        finalize=escape,
        trim_blocks=False,
        auto_reload=False,
    )
    found.filters.update(
        cut=_cut,
        lasting=lasting,
        many=many,
        counts=counts,
        headline=headline,
        subject=subject,
        linkable=linkable,
        help=lambda digest: [one for one in help_links(digest) if linkable(one[1])],
        evidence=lambda one: EVIDENCE[one],
        doubt=lambda one: DOUBTS[one],
        without=lambda text, word: Markup(str(text).removeprefix(word)),
        **filters,
    )
    return found


def _plain(value: object) -> str:
    return str(value) if isinstance(value, Markup) else clean(value)


_SLACK: Final = _environment(
    lambda value: escape_slack(value) if isinstance(value, Markup) else escape_slack(clean(value)),
    when=_slack_when,
    code=_slack_code,
    strong=_slack_strong,
    link=_slack_link,
)
_SLACK_TEXT: Final = _environment(
    lambda value: escape_slack(value) if isinstance(value, Markup) else escape_slack(clean(value)),
    when=utc,
    code=clean,
    strong=clean,
)
_PLAIN: Final = _environment(_plain, when=utc, code=clean, strong=clean)


# ---------------------------------------------------------------- messages


def slack_message(digest: Digest, *, possible_repeat: bool = False) -> Rendered:
    """Return the first message of a digest, in the state that this revision shows."""
    cuts: list[str] = []

    def say(template: str, **more: object) -> str:
        text = _SLACK.get_template(template).render(
            d=digest, cuts=cuts, possible_repeat=possible_repeat, **more
        )
        return text.strip()

    header = _fitting(headline(digest), HEADER_CHARS, "header", cuts)
    blocks: list[Json] = [{"type": "header", "text": {"type": "plain_text", "text": header}}]
    if digest.kind is DigestKind.SPIKE:
        # It tells of messages that wait, so of nobody who is hurt.
        blocks.append(_context(say("slack_context.j2")))
        return Rendered(blocks, _slack_text(digest, possible_repeat, cuts), tuple(cuts))
    if digest.kind is DigestKind.REPORT:
        blocks += [_section(say("slack_report.j2")), _context(say("slack_context.j2"))]
        return Rendered(blocks, _slack_text(digest, possible_repeat, cuts), tuple(cuts))
    if digest.kind is DigestKind.DEPLOY:
        blocks += [_section(say("slack_deploy.j2")), _context(say("slack_context.j2"))]
        return Rendered(blocks, _slack_text(digest, possible_repeat, cuts), tuple(cuts))
    news = say("slack_news.j2")
    blocks += [_section(news)] if news else []
    blocks.append(_section(say("slack_hurt.j2")))
    tail: list[Json] = []
    if not digest.storm:
        where = say("slack_where.j2")
        tail += [_section(where)] if where else []
    if digest.evidence:
        tail.append(_section(say("slack_because.j2")))
    tail.append(_context(say("slack_context.j2")))
    if digest.storm:
        lines = [say("slack_service.j2", one=one) for one in digest.services]
        room = BLOCK_CHARS - _chars(blocks) - _chars(tail)
        blocks += _service_sections(lines, digest.more_services, room, cuts)
    text = _slack_text(digest, possible_repeat, cuts)
    return Rendered([*blocks, *tail], text, tuple(dict.fromkeys(cuts)))


def slack_update(digest: Digest, *, possible_repeat: bool = False) -> Rendered:
    """Return the reply that tells a later revision, in one line."""
    cuts: list[str] = []
    values = {"d": digest, "cuts": cuts, "possible_repeat": possible_repeat}
    line = _SLACK.get_template("slack_update.j2").render(values).strip()
    context = _SLACK.get_template("slack_context.j2").render(values).strip()
    text = _slack_text(digest, possible_repeat, cuts)
    return Rendered([_section(line), _context(context)], text, tuple(dict.fromkeys(cuts)))


def plain_text(digest: Digest, *, possible_repeat: bool = False) -> str:
    """Return the digest in plain lines."""
    template = _PLAIN.get_template("plain.j2")
    return template.render(d=digest, cuts=[], possible_repeat=possible_repeat).strip()


def _slack_text(digest: Digest, possible_repeat: bool, cuts: list[str]) -> str:
    template = _SLACK_TEXT.get_template("plain.j2")
    text = template.render(d=digest, cuts=cuts, possible_repeat=possible_repeat).strip()
    if len(text) > TEXT_CHARS:
        cuts.append("text")
        # Never inside an entity: `&lt` without its end would be shown as it stands.
        text = re.sub(r"&[a-z]{0,3}$", "", text[: TEXT_CHARS - 1]) + "…"
    return text


def _service_sections(lines: list[str], more: int, room: int, cuts: list[str]) -> list[Json]:
    """Return the lines in sections that Slack takes, as many lines as there is room for."""
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) + 40 > room:
            cuts.append("services")
            more += len(lines) - len(kept)
            break
        kept.append(line)
    if more:
        kept.append(f"• and {many(more, 'more service')}")
    sections: list[str] = []
    for line in kept:
        if sections and len(sections[-1]) + 1 + len(line) <= SECTION_CHARS:
            sections[-1] += "\n" + line
        else:
            sections.append(line)
    return [_section(one) for one in sections]


def _fitting(text: str, chars: int, limit: str, cuts: list[str]) -> str:
    """Return the text escaped, cut so that even escaped it fits."""
    text = clean(text)
    kept = short(text, chars)
    while len(escape_slack(kept)) > chars:
        kept = short(kept, len(kept) - 1)
    if kept != text:
        cuts.append(limit)
    return escape_slack(kept)


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _chars(blocks: list[Json]) -> int:
    return sum(
        len(one["text"]["text"]) if "text" in one else sum(len(e["text"]) for e in one["elements"])
        for one in blocks
    )
