"""Teams' cards as HTML to look at: what the elements of `teams_rules` look like, roughly."""

from __future__ import annotations

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from sinks.peers.teams import Posted

Json = dict[str, Any]

_PARTS: Final = ("items", "columns", "body")


def cards_html(cards: Iterable[Posted], failed: Iterable[tuple[str, str]] = ()) -> str:
    """Return the cards one below the other, in the order given, after the runs that failed."""
    runs = "".join(
        f'<p class="failed">a run of {_said(name)} failed: {_said(why)}</p>' for name, why in failed
    )
    return runs + "".join(map(card_html, cards))


def card_html(posted: Posted) -> str:
    """Return one card, with the workflow that posted it and when."""
    at = f"{datetime.fromtimestamp(posted.at, UTC):%H:%M:%S}"
    actions = _actions(posted.card.get("actions"))
    body = _blocks(posted.card.get("body"))
    return (
        f'<article class="card"><p class="who">{_said(posted.workflow)} <time>{at}</time></p>'
        f"{body}{actions}</article>"
    )


def card_words(card: Json) -> list[str]:
    """Return a card's lines, and last what its buttons are called."""
    lines: list[str] = []

    def walk(blocks: Any) -> None:
        for one in blocks if isinstance(blocks, list) else ():
            if "inlines" in one:
                lines.append("".join(run["text"] for run in one["inlines"]))
            walk(one.get("items"))

    walk(card.get("body"))
    actions = card.get("actions")
    titles = [str(one["title"]) for one in actions] if isinstance(actions, list) else []
    return [*lines, *(["  ".join(f"[ {one} ]" for one in titles)] if titles else [])]


def _blocks(blocks: Any) -> str:
    return "".join(map(_block, blocks)) if isinstance(blocks, list) else ""


def _block(one: Any) -> str:
    if not isinstance(one, dict):
        return ""
    line = "<hr>" if one.get("separator") else ""
    match one.get("type"):
        case "TextBlock":
            return f"{line}<p>{_run(one)}</p>"
        case "RichTextBlock":
            return f"{line}<p>{''.join(map(_run, one.get('inlines') or ()))}</p>"
        case "FactSet":
            facts = [fact for fact in one.get("facts") or () if isinstance(fact, dict)]
            rows = (
                f"<tr><td><b>{_said(fact.get('title', ''))}</b></td>"
                f"<td>{_said(fact.get('value', ''))}</td></tr>"
                for fact in facts
            )
            return f"{line}<table>{''.join(rows)}</table>"
        case "ActionSet":
            return line + _actions(one.get("actions"))
        case _:
            inside = "".join(_blocks(one.get(part)) for part in _PARTS)
            return f'{line}<div class="{_said(one.get("style") or "default")}">{inside}</div>'


def _run(one: Any) -> str:
    if isinstance(one, str):
        return _said(one)
    text = _said(one.get("text", ""))
    marks = {
        "b": one.get("weight") == "Bolder",
        "i": one.get("italic"),
        "s": one.get("strikethrough"),
        "code": one.get("fontType") == "Monospace",
        "small": one.get("isSubtle"),
        "big": one.get("size") == "Large",
    }
    for mark, on in marks.items():
        if on:
            text = f"<{mark}>{text}</{mark}>"
    action = one.get("selectAction")
    if isinstance(action, dict):
        text = f'<a href="{_said(action.get("url", ""))}">{text}</a>'
    return text


def _actions(actions: Any) -> str:
    if not isinstance(actions, list) or not actions:
        return ""
    buttons = (
        f'<a class="button" href="{_said(one.get("url", ""))}">{_said(one.get("title", ""))}</a>'
        for one in actions
        if isinstance(one, dict)
    )
    return f"<p>{''.join(buttons)}</p>"


def _said(value: object) -> str:
    return html.escape(str(value))
