"""What Slack refuses in Block Kit blocks, in its words, each with a pointer to the place. Pure.

Source: docs.slack.dev, Block Kit reference (blocks); the words as answers of Slack show them. Where
Slack gives no number (the sum of all block text), the smallest that others saw refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sinks.peers.slack_check import Check, Json, Place
from sinks.peers.slack_elements import (
    ACCESSORIES,
    ACTIONS,
    INPUTS,
    check_element,
    check_image,
)

BLOCKS: Final = 50
BLOCK_TEXT_CHARS: Final = 11_000
"""All text of one message's blocks: 11,341 and 13,200 characters were seen refused."""
BLOCK_ID_CHARS: Final = 255
SECTION_CHARS: Final = 3_000
FIELDS: Final = 10
FIELD_CHARS: Final = 2_000
HEADER_CHARS: Final = 150
CONTEXT_ELEMENTS: Final = 10
ACTION_ELEMENTS: Final = 25
MARKDOWN_CHARS: Final = 12_000
TITLE_CHARS: Final = 2_000
TABLE_ROWS: Final = 100
TABLE_CELLS: Final = 20

PROPERTIES: Final = {
    "section": ("text", "fields", "accessory", "expand"),
    "header": ("text",),
    "context": ("elements",),
    "actions": ("elements",),
    "divider": (),
    "image": ("image_url", "slack_file", "alt_text", "title"),
    "rich_text": ("elements",),
    "markdown": ("text",),
    "table": ("rows", "column_settings"),
    "input": ("label", "element", "dispatch_action", "hint", "optional"),
}
"""What a block of each type may hold beside `type` and `block_id`."""
RICH: Final = frozenset(
    {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
)


def blocks_problems(
    blocks: Any, *, at: str = "/blocks", most_chars: int = BLOCK_TEXT_CHARS
) -> tuple[str, list[str]]:
    """Return the error's word and Slack's lines about it; both empty when the blocks are fine."""
    if not isinstance(blocks, list):
        return "invalid_blocks_format", []
    check = Check()
    place = Place(at)
    if len(blocks) > BLOCKS:
        check.say(f"no more than {BLOCKS} items allowed", place)
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        _block(check, block, place / number, seen)
    if check.problems:
        return "invalid_blocks", check.problems
    if text_chars(blocks) > most_chars:
        return "msg_blocks_too_long", []
    return "", []


def text_chars(value: Any) -> int:
    """Return how many characters of text stand in these blocks."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(text_chars(one) for one in value.values())
    if isinstance(value, list):
        return sum(text_chars(one) for one in value)
    return 0


def _block(check: Check, block: Any, at: Place, seen: set[str]) -> None:
    if not isinstance(block, dict):
        check.say("must provide an object", at)
        return
    kind = block.get("type")
    if kind is None:
        check.say("missing required field: type", at)
        return
    if not isinstance(kind, str) or kind not in PROPERTIES:
        check.say(f"unsupported type: {str(kind)[:40]}", at / "type")
        return
    check.only(block, at, "type", "block_id", *PROPERTIES[kind])
    _block_id(check, block, at, seen)
    _KINDS[kind](check, block, at)


def _block_id(check: Check, block: Json, at: Place, seen: set[str]) -> None:
    name = block.get("block_id")
    if name is None:
        return
    check.chars(name, at / "block_id", most=BLOCK_ID_CHARS)
    if str(name) in seen:
        check.say("`block_id` must be unique", at / "block_id")
    seen.add(str(name))


def _section(check: Check, block: Json, at: Place) -> None:
    text, fields = block.get("text"), block.get("fields")
    if text is None and fields is None:
        check.say("missing required field: text", at)
    if text is not None:
        check.text(text, at / "text", most=SECTION_CHARS)
    if fields is not None:
        for place, one in check.items(fields, at / "fields", most=FIELDS):
            check.text(one, place, most=FIELD_CHARS)
    if block.get("accessory") is not None:
        check_element(check, block["accessory"], at / "accessory", ACCESSORIES)


def _header(check: Check, block: Json, at: Place) -> None:
    if check.required(block, at, "text"):
        check.plain(block["text"], at / "text", most=HEADER_CHARS)


def _context(check: Check, block: Json, at: Place) -> None:
    if not check.required(block, at, "elements"):
        return
    for place, one in check.items(block["elements"], at / "elements", most=CONTEXT_ELEMENTS):
        if isinstance(one, dict) and one.get("type") == "image":
            check_image(check, one, place)
        else:
            check.text(one, place, most=SECTION_CHARS)


def _actions(check: Check, block: Json, at: Place) -> None:
    if not check.required(block, at, "elements"):
        return
    seen: set[str] = set()
    for place, one in check.items(block["elements"], at / "elements", most=ACTION_ELEMENTS):
        check_element(check, one, place, ACTIONS, seen)


def _image(check: Check, block: Json, at: Place) -> None:
    check_image(check, block, at, block=True)
    if block.get("title") is not None:
        check.plain(block["title"], at / "title", most=TITLE_CHARS)


def _markdown(check: Check, block: Json, at: Place) -> None:
    if check.required(block, at, "text"):
        check.chars(block["text"], at / "text", most=MARKDOWN_CHARS)


def _rich_text(check: Check, block: Json, at: Place) -> None:
    if not check.required(block, at, "elements"):
        return
    for place, one in check.items(block["elements"], at / "elements", most=None):
        kind = one.get("type") if isinstance(one, dict) else None
        if not isinstance(kind, str) or kind not in RICH:
            check.say(f"unsupported type: {str(kind)[:40]}", place / "type")
        elif not isinstance(one.get("elements"), list):
            check.say("missing required field: elements", place)


def _table(check: Check, block: Json, at: Place) -> None:
    if not check.required(block, at, "rows"):
        return
    for place, row in check.items(block["rows"], at / "rows", most=TABLE_ROWS):
        for _ in check.items(row, place, most=TABLE_CELLS):
            pass


def _input(check: Check, block: Json, at: Place) -> None:
    if check.required(block, at, "label"):
        check.plain(block["label"], at / "label", most=2_000)
    if check.required(block, at, "element"):
        check_element(check, block["element"], at / "element", INPUTS)


def _divider(check: Check, block: Json, at: Place) -> None:
    """Accept: there is nothing in it."""


_KINDS: Final[dict[str, Callable[[Check, Json, Place], None]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "image": _image,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
    "input": _input,
}
