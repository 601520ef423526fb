"""What `status` and `why` say in Slack: what is open, and what is known about one of it. Pure.

The same lines as `stormfold incidents list` and `show`, in code, where nothing of an error's text
formats, mentions or links.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sinks.blocks import fitting
from sinks.mrkdwn import code, cut
from streams import live_lines
from streams.live import Live

OPEN_SHOWN: Final = 15
LINES_SHOWN: Final = 30
LINE_CHARS: Final = 200
TEXT_CHARS: Final = 3_500


def status_text(live: Live) -> str:
    """Return what is open, as a message."""
    found = [str(live_lines.thing(part.state, one)) for part, one in live.open()]
    if not found:
        return "Nothing is open."
    more = len(found) - OPEN_SHOWN
    lines = _lines(found[:OPEN_SHOWN])
    return lines + (f"\n… and {more} more" if more > 0 else "")


def detail_text(live: Live, subject: str) -> str:
    """Return what is known about one incident or storm, empty where it is not remembered."""
    found = live.find(subject) or live.find_remembered(subject)
    if found is None:
        return ""
    part, one = found
    lines = live_lines.detail(part.state, one, live.mutes(part, one)).lines()
    if not one.open:
        lines.insert(1, "it is over")
    kept = lines[:LINES_SHOWN]
    more = [f"… and {len(lines) - LINES_SHOWN} lines more"] if len(lines) > LINES_SHOWN else []
    option = "--storm" if subject.startswith("storm-") else "--incident"
    whole = f"Every decision: {code(f'stormfold explain {option} {subject}')}"
    return "\n".join([_lines(kept), *more, whole])


def _lines(lines: Sequence[str]) -> str:
    text = "\n".join(str(code(cut(one, LINE_CHARS))) for one in lines)
    return fitting(text, TEXT_CHARS, [])
