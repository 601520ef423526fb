"""What a Teams workflow makes of a message: what it cannot read, and what it cannot post. Pure.

The caller is told of neither once the workflow has the message: an error in a card is an error of
the workflow's run.

Source: Adaptive Cards, schema explorer (elements, properties, required ones); learn.microsoft.com,
cards in Teams: up to version 1.5, six actions; webhooks and connectors: a message of at most 28 KB;
MicrosoftDocs/msteams-docs issues 4145 and 11302: a message without attachments, and one with an
older card, fail inside the workflow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

Json = dict[str, Any]

MESSAGE_BYTES: Final = 28 * 1024
ADAPTIVE: Final = "application/vnd.microsoft.card.adaptive"
ACTIONS: Final = 6
VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")
DEPTH: Final = 20

_COMMON: Final = "id spacing separator isVisible height fallback requires"
_TEXT: Final = "color fontType isSubtle size weight"
_KINDS: Final = {
    "AdaptiveCard": (
        "version",
        "$schema body actions fallbackText speak lang msteams minHeight rtl",
    ),
    "TextBlock": ("text", f"{_COMMON} {_TEXT} wrap maxLines horizontalAlignment style"),
    "RichTextBlock": ("inlines", f"{_COMMON} horizontalAlignment"),
    "TextRun": ("text", f"{_TEXT} highlight italic strikethrough underline selectAction"),
    "Container": ("items", f"{_COMMON} style bleed selectAction verticalContentAlignment rtl"),
    "ColumnSet": ("columns", f"{_COMMON} style bleed selectAction horizontalAlignment"),
    "Column": ("items", f"{_COMMON} style bleed width selectAction verticalContentAlignment"),
    "FactSet": ("facts", _COMMON),
    "ActionSet": ("actions", _COMMON),
    "Image": ("url", f"{_COMMON} altText size style width horizontalAlignment selectAction"),
    "Action.OpenUrl": ("url", "id title iconUrl style tooltip mode isEnabled"),
}
"""By type: the property that must be there, and those that may."""
_BELOW: Final = {
    "body": "TextBlock RichTextBlock Container ColumnSet FactSet ActionSet Image",
    "items": "TextBlock RichTextBlock Container ColumnSet FactSet ActionSet Image",
    "inlines": "TextRun",
    "columns": "Column",
    "actions": "Action.OpenUrl",
    "selectAction": "Action.OpenUrl",
}
"""By property: the types that may stand there."""
_WORDS: Final = {
    "weight": "default lighter bolder",
    "size": "default small medium large extralarge auto stretch",
    "color": "default dark light accent good warning attention",
    "fontType": "default monospace",
    "spacing": "none small default medium large extralarge padding",
    "style": "default emphasis good attention warning accent heading positive destructive person",
}
_URL: Final = re.compile(r"(https?|mailto|msteams|tel):\S+")


def read(raw: bytes) -> Json | None:
    """Return the object that a body holds, None where it holds none."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def cards_of(message: Json) -> tuple[list[Json], str]:
    """Return the cards that a workflow posts of a message, or why its run fails."""
    attachments = message.get("attachments")
    if not isinstance(attachments, list):
        kind = "Null" if attachments is None else type(attachments).__name__
        return [], f"attachments is of type '{kind}', an array is expected"
    found: list[Json] = []
    for one in attachments:
        content = one.get("content") if isinstance(one, dict) else None
        if not isinstance(content, dict) or one.get("contentType") != ADAPTIVE:
            return [], f"an attachment of type {ADAPTIVE} is expected"
        problem = next(problems(content), "")
        if problem:
            return [], problem
        found.append(content)
    return found, "" if found else "there is no attachment"


def problems(card: Json) -> Iterator[str]:
    """Yield what is wrong with a card."""
    if card.get("type") != "AdaptiveCard":
        yield "Property 'type' must be 'AdaptiveCard'"
        return
    if card.get("version") not in VERSIONS:
        yield f"version {card.get('version')!r} is not one that Teams draws"
    if len(_list(card.get("actions"))) > ACTIONS:
        yield f"more than {ACTIONS} actions"
    if not _list(card.get("body")) and not _list(card.get("actions")):
        yield "an empty card"
    yield from _problems(card, "AdaptiveCard", 0)


def _problems(value: Any, allowed: str, depth: int) -> Iterator[str]:
    if depth > DEPTH:
        yield "too deeply nested"
        return
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind not in allowed.split():
        yield f"{str(kind or type(value).__name__)[:40]} stands where {allowed} may"
        return
    needed, known = _KINDS[kind]
    if needed not in value:
        yield f"{kind} without {needed}"
    for name, part in value.items():
        if name not in {"type", needed, *known.split()}:
            yield f"{kind} knows no {name[:40]}"
        elif name == "facts":
            yield from _facts(part)
        elif name in _BELOW:
            yield from _nested(kind, name, part, depth)
        elif name in _WORDS and str(part).lower() not in _WORDS[name].split():
            yield f"{kind}.{name} is {str(part)[:40]!r}"
        elif name == "url" and not (isinstance(part, str) and _URL.fullmatch(part)):
            yield f"{kind}.url is no address"
        elif name == "text" and not isinstance(part, str):
            yield f"{kind}.text is no text"


def _nested(kind: str, name: str, part: Any, depth: int) -> Iterator[str]:
    if name == "selectAction":
        yield from _problems(part, _BELOW[name], depth + 1)
    elif not isinstance(part, list):
        yield f"{kind}.{name} is no list"
    else:
        for one in part:
            if not (name == "inlines" and isinstance(one, str)):
                yield from _problems(one, _BELOW[name], depth + 1)


def _facts(facts: Any) -> Iterator[str]:
    for one in _list(facts):
        if not isinstance(one, dict) or not {"title", "value"} <= one.keys():
            yield "a fact needs title and value"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """Return all that a card says, a line for each block."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_of, value)))
    if not isinstance(value, dict):
        return ""
    if "inlines" in value:
        return "".join(map(text_of, _list(value["inlines"])))
    parts = ("text", "title", "body", "items", "columns", "facts", "value", "actions")
    return "\n".join(filter(None, (text_of(value.get(name)) for name in parts)))
