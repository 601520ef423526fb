"""The transcript: what people did and were answered, and every call that reached a service."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Final

import msgspec

from sinks.peers.serve import Call, Json

WIDTH: Final = 150
LINES_MOST: Final = 3
"""Of one text; what is cut is marked."""

_DATE: Final = re.compile(r"<!date\^\d+\^[^|]*\|([^>]*)>")
_AT: Final = re.compile(r"<(?:!subteam\^|@)(\w+)(?:\|([^>]*))?>")
_MARKS: Final = re.compile(r"(?<!\w)[*~](\S[^*~\n]*)[*~](?!\w)")
_LINK: Final = re.compile(r"<https?://[^|>]+\|([^>]*)>")


class Line(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at: float
    """Seconds since the epoch."""
    where: str
    said: str


def plain(text: str) -> str:
    """Return Slack's markup as text."""
    text = _LINK.sub(r"\1", _DATE.sub(r"\1", text))
    text = _AT.sub(lambda found: f"@{found[2] or found[1]}", text)
    text = _MARKS.sub(r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def sections(args: Json) -> str:
    """Return what a message shows: its headings and sections, else its text, as text."""
    found = []
    for block in args.get("blocks") or ():
        if block["type"] in ("section", "header"):
            texts = [block["text"]] if block.get("text") else []
            found += [one["text"] for one in (*texts, *block.get("fields", ()))]
    return plain("\n".join(found) or str(args.get("text") or ""))


def of_slack(call: Call, channel: str, heard_by: str) -> Line | None:
    """Return what a call to Slack said, None where it said nothing.

    Args:
        call: as the local Slack noted it.
        channel: its name.
        heard_by: who saw what only one person sees.
    """
    text = sections(call.args)
    if call.outcome != "ok":
        return Line(call.at, "Slack", f"{call.method} refused: {call.outcome}")
    match call.method:
        case "chat.postMessage" if call.args.get("thread_ts"):
            also = ", shown in the channel too" if call.args.get("reply_broadcast") else ""
            return Line(call.at, f"#{channel} thread", text + also)
        case "chat.postMessage":
            return Line(call.at, f"#{channel}", text)
        case "chat.update":
            return Line(call.at, f"#{channel} edit", text.partition("\n")[0])
        case "response_url" | "chat.postEphemeral":
            return Line(call.at, f"only {heard_by} sees", text)
        case "views.open":
            return Line(call.at, f"only {heard_by} sees", "a dialog")
    return None


def of_pagerduty(call: Call) -> Line | None:
    """Return what a call to PagerDuty did."""
    if call.method != "enqueue":
        return None
    summary = str((call.args.get("payload") or {}).get("summary") or call.args.get("dedup_key"))
    if call.outcome != "ok":
        summary += f" (refused: {call.outcome})"
    return Line(call.at, "PagerDuty", f"{call.args.get('event_action')}: {summary}")


def transcript(lines: Iterable[Line]) -> str:
    """Return the lines by time, in seconds since the first."""
    ordered = sorted(lines, key=lambda one: one.at)
    if not ordered:
        return ""
    wide = max(len(one.where) for one in ordered)
    found = []
    for one in ordered:
        head = f"{one.at - ordered[0].at:7.2f} s  {one.where.ljust(wide)}  "
        found += wrapped(one.said, head)
    return "\n".join(found) + "\n"


def wrapped(text: str, head: str) -> list[str]:
    """Return a text in a few lines behind its head."""
    flat = " / ".join(line.strip() for line in text.splitlines() if line.strip())
    kept = textwrap.wrap(flat, WIDTH - len(head), max_lines=LINES_MOST, placeholder=" …")
    below = " " * len(head)
    return [(head if not number else below) + line for number, line in enumerate(kept or [""])]
