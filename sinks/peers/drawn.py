"""Slack messages as they look: a self-contained HTML page, and a drawing for a terminal.

It draws what Block Kit messages are made of here: headers, sections with fields, context, dividers,
buttons;
and mrkdwn: bold, italic, strike, code, links, quotes, dates. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sinks.peers.slack import SlackPeer
from sinks.peers.slack_store import BOT as OURS
from sinks.peers.slack_store import Message

Json = dict[str, Any]

STYLE: Final = (Path(__file__).parent / "drawn.css").read_text("utf-8")
BOT: Final = "Stormfold"

_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_AT = re.compile(
    "\ue000(?:!(channel|here|everyone)|!subteam\\^(\\w+)|@(\\w+)|#(\\w+))(?:\\|([^\ue001]*))?\ue001"
)
_MARKS: Final = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
)


# ---------------------------------------------------------------- HTML


def html_page(peer: SlackPeer, channel: str, *, limit: int = 50) -> str:
    """Return the channel as one page: its last messages, each with its thread."""
    posts = peer.shown(channel)
    name = peer.channel_name(channel)
    shown = posts[-limit:]
    left_out = len(posts) - len(shown)
    body = [f'<p class="more">{left_out:,} earlier messages</p>'] if left_out else []
    for post in shown:
        lead = "replied to a thread" if post.thread_ts else ""
        replies = [_named(one, peer.back.names) for one in peer.replies(channel, post.ts)]
        body.append(html_message(_named(post, peer.back.names), replies=replies, lead=lead))
    return page(f"#{name}", "\n".join(body))


def _named(message: Message, names: Mapping[str, str]) -> Message:
    """Return the message as people see it: by whom, and whom it mentions, by name."""

    def mention(found: re.Match[str]) -> str:
        name = BOT if found[1] == OURS else names.get(found[1])
        return f"<@{found[1]}|{name}>" if name else found[0]

    text = re.sub(r"<@(\w+)>", mention, message.text)
    return replace(message, user=names.get(message.user, message.user), text=text)


def page(title: str, body: str) -> str:
    """Return a self-contained HTML page with this body."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f'<body><header class="channel">{html.escape(title)}</header>'
        f"<main>\n{body}\n</main></body></html>\n"
    )


def html_message(
    message: Message, *, replies: Sequence[Message] = (), bot: str = BOT, lead: str = ""
) -> str:
    """Return one message with its thread as an HTML fragment; `lead` stands above its text."""
    thread = "".join(html_message(one, bot=bot) for one in replies)
    if replies:
        count = "1 reply" if len(replies) == 1 else f"{len(replies)} replies"
        thread = f'<div class="thread"><div class="count">{count}</div>{thread}</div>'
    content = html_blocks(message.blocks) or f"<p>{_inline(message.text)}</p>"
    if lead or message.broadcast:
        said = lead or "also shown in the channel"
        content = f'<p class="lead">{html.escape(said)}</p>{content}'
    for emoji, users in message.reactions.items():
        content += f'<span class="reaction">:{html.escape(emoji)}: {len(users)}</span>'
    edited = ' <span class="edited">(edited)</span>' if message.edits else ""
    at = datetime.fromtimestamp(float(message.ts), UTC).strftime("%H:%M")
    name = html.escape(bot if message.user == OURS else message.user)
    app = '<span class="app">APP</span>' if message.user == OURS else " "
    return (
        f'<article class="message"><div class="face">{name[:1]}</div><div class="said">'
        f'<div class="who"><b>{name}</b>{app}<time>{at}</time></div>'
        f"{content}{edited}{thread}</div></article>"
    )


def html_blocks(blocks: Iterable[Json]) -> str:
    """Return Block Kit blocks as HTML; a kind that is not known here is left out."""
    return "".join(_html_block(one) for one in blocks)


def _html_block(block: Json) -> str:
    match block.get("type"):
        case "header":
            return f"<h2>{_unescape_to_html(block['text']['text'])}</h2>"
        case "section":
            text = f"<p>{_inline(block['text']['text'])}</p>" if block.get("text") else ""
            fields = "".join(f"<p>{_inline(one['text'])}</p>" for one in block.get("fields", []))
            return text + (f'<div class="fields">{fields}</div>' if fields else "")
        case "context":
            found = [_inline(one["text"]) for one in block["elements"] if "text" in one]
            return f'<p class="context">{" ".join(found)}</p>'
        case "divider":
            return "<hr>"
        case "image":
            return f'<p class="image">{html.escape(block["alt_text"])}</p>'
        case "actions":
            found = [
                f'<span class="button {html.escape(one.get("style", ""))}">'
                f"{_unescape_to_html(_label(one))}</span>"
                for one in block["elements"]
            ]
            return f'<p class="actions">{"".join(found)}</p>'
        case _:
            return ""


def _unescape_to_html(text: str) -> str:
    """Return plain text as HTML; Slack's own three entities stand for their characters."""
    return html.escape(_unescape(text))


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _inline(text: str) -> str:
    """Return mrkdwn as HTML. Its entities are HTML's; only markup holds < and >."""
    safe = text.replace("<", "\ue000").replace(">", "\ue001").replace('"', "&quot;")
    safe = _outside_code(safe)
    return safe.replace("\n", "<br>")


def _outside_code(text: str) -> str:
    parts = []
    last = 0
    for found in _CODE.finditer(text):
        parts.append(_marks(text[last : found.start()]))
        inner = (found[1] or found[2]).replace("\ue000", "&lt;").replace("\ue001", "&gt;")
        parts.append(f"<pre>{inner}</pre>" if found[1] else f"<code>{inner}</code>")
        last = found.end()
    parts.append(_marks(text[last:]))
    return "".join(parts)


def _marks(text: str) -> str:
    text = re.sub("\ue000!date\\^(\\d+)\\^([^|]*)\\|([^\ue001]*)\ue001", _html_date, text)
    links: list[str] = []

    def keep(found: re.Match[str]) -> str:
        label = found[2] or found[1]
        links.append(f'<a href="{found[1]}" rel="noreferrer">{label}</a>')
        return f"\ue002{len(links) - 1}\ue003"

    text = re.sub("\ue000(https?://[^|\ue001]+)(?:\\|([^\ue001]*))?\ue001", keep, text)
    text = _AT.sub(lambda found: f'<span class="at">{_at(found)}</span>', text)
    for pattern, drawn in _MARKS:
        text = pattern.sub(drawn, text)
    text = text.replace("\ue000", "&lt;").replace("\ue001", "&gt;")
    return re.sub("\ue002(\\d+)\ue003", lambda found: links[int(found[1])], text)


def _at(found: re.Match[str]) -> str:
    """Return who or what is mentioned: by the label where there is one."""
    everybody, group, person, place, label = found.groups()
    if everybody:
        return f"@{everybody}"
    mark = "#" if place else "@"
    return mark + (label or place or person or group or "").lstrip("@#")


def _html_date(found: re.Match[str]) -> str:
    return f"<time>{_date(int(found[1]), found[2])}</time>"


def _date(seconds: int, wanted: str) -> str:
    """Return the date as Slack words it for a reader in UTC."""
    at = datetime.fromtimestamp(seconds, UTC)
    day = f"{at:%b} {at.day}, {at.year}"
    words = {
        "{date_short_pretty}": day,
        "{date_short}": day,
        "{date_pretty}": f"{at:%B} {at.day}, {at.year}",
        "{date}": f"{at:%B} {at.day}, {at.year}",
        "{time}": f"{at:%H:%M}",
        "{time_secs}": f"{at:%H:%M:%S}",
    }
    for token, said in words.items():
        wanted = wanted.replace(token, said)
    return wanted


# ---------------------------------------------------------------- terminal


def terminal(
    message: Message, *, replies: Sequence[Message] = (), width: int = 78, bot: str = BOT
) -> str:
    """Return one message of this bot with its thread as plain lines, at most `width` wide."""
    at = datetime.fromtimestamp(float(message.ts), UTC).strftime("%H:%M")
    lines = [f"{bot}  APP  {at}", *_terminal_blocks(message, width - 2)]
    if message.edits:
        lines.append("(edited)")
    for reply in replies:
        lines.append("")
        lines += [f"  ↳ {line}" for line in _terminal_blocks(reply, width - 6)]
    return "\n".join(f"│ {line}".rstrip() for line in lines)


def _terminal_blocks(message: Message, width: int) -> list[str]:
    lines: list[str] = []
    for block in message.blocks or [{"type": "section", "text": {"text": message.text}}]:
        match block.get("type"):
            case "header":
                title = _wrapped(_unescape(block["text"]["text"]), width)
                lines += [*title, "━" * min(width, max(map(len, title)))]
            case "section":
                texts = [block["text"]] if block.get("text") else []
                for one in [*texts, *block.get("fields", [])]:
                    lines += _wrapped(_flat(one["text"]), width)
            case "context":
                words = " ".join(_flat(one["text"]) for one in block["elements"] if "text" in one)
                lines += _wrapped(words, width)
            case "divider":
                lines.append("─" * width)
            case "actions":
                lines += _wrapped(
                    "  ".join(f"[ {_label(one)} ]" for one in block["elements"]), width
                )
            case _:
                pass
    return lines


def _label(element: Json) -> str:
    """Return what stands on a button, the dots of a menu, or else the kind of the element."""
    if element.get("type") == "overflow":
        return "⋯"
    return str((element.get("text") or element.get("placeholder") or {}).get("text") or "▾")


def _flat(text: str) -> str:
    """Return mrkdwn without its marks; what stands in code stays as it is."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        part = re.sub(r"<!date\^(\d+)\^([^|]*)\|[^>]*>", _flat_date, parts[place])
        part = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r"\2", part)
        part = _AT.sub(_at, part.replace("<", "\ue000").replace(">", "\ue001"))
        part = part.replace("\ue000", "<").replace("\ue001", ">")
        parts[place] = re.sub(r"(?<![\w*])\*(\S[^*\n]*?)\*(?![\w*])", r"\1", part)
    return _unescape("".join(parts))


def _flat_date(found: re.Match[str]) -> str:
    return _date(int(found[1]), found[2])


def _wrapped(text: str, width: int) -> list[str]:
    lines = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, width, subsequent_indent="  ") or [""]
    return lines
