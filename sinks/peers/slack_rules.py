"""What Slack refuses in a message. Pure.

Source: docs.slack.dev, methods chat.postMessage and chat.update, Block Kit reference;
where Slack gives no number (the sum of all block text), the smallest that others saw refused.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

TEXT_CHARS: Final = 40_000
UPDATE_TEXT_CHARS: Final = 4_000
BLOCKS: Final = 50
BLOCK_TEXT_CHARS: Final = 11_000
SECTION_CHARS: Final = 3_000
FIELDS: Final = 10
FIELD_CHARS: Final = 2_000
HEADER_CHARS: Final = 150
CONTEXT_ELEMENTS: Final = 10
ACTION_ELEMENTS: Final = 25
BUTTON_CHARS: Final = 75
KNOWN_BLOCKS: Final = frozenset(
    {"section", "header", "context", "actions", "divider", "image", "rich_text", "markdown"}
)


def blocks_error(blocks: Any) -> tuple[str, str]:
    """Return the error word for these blocks and where it lies; both empty when they are fine."""
    if not isinstance(blocks, list):
        return "invalid_blocks_format", "blocks"
    if len(blocks) > BLOCKS:
        return "invalid_blocks", f"no more than {BLOCKS} items allowed [json-pointer:/blocks]"
    total = 0
    for place, block in enumerate(blocks):
        if not isinstance(block, dict) or block.get("type") not in KNOWN_BLOCKS:
            return "invalid_blocks", f"unsupported type [json-pointer:/blocks/{place}/type]"
        problem = _block_problem(block)
        if problem:
            return "invalid_blocks", f"{problem} [json-pointer:/blocks/{place}]"
        total += _text_chars(block)
    if total > BLOCK_TEXT_CHARS:
        return "msg_blocks_too_long", "blocks"
    return "", ""


def _block_problem(block: Json) -> str:
    match block["type"]:
        case "section":
            text, fields = block.get("text"), block.get("fields", [])
            if text is None and not fields:
                return "missing required field: text or fields"
            if len(fields) > FIELDS:
                return f"no more than {FIELDS} items allowed"
            found = _text_problem(text, SECTION_CHARS) if text is not None else ""
            return found or next(filter(None, (_text_problem(f, FIELD_CHARS) for f in fields)), "")
        case "header":
            text = block.get("text") or {}
            if text.get("type") != "plain_text":
                return "header takes plain_text"
            return _text_problem(text, HEADER_CHARS)
        case "context":
            elements = block.get("elements") or []
            if not 1 <= len(elements) <= CONTEXT_ELEMENTS:
                return f"1 to {CONTEXT_ELEMENTS} elements"
            texts = [one for one in elements if one.get("type") != "image"]
            return next(filter(None, (_text_problem(t, SECTION_CHARS) for t in texts)), "")
        case "actions":
            elements = block.get("elements") or []
            if not 1 <= len(elements) <= ACTION_ELEMENTS:
                return f"1 to {ACTION_ELEMENTS} elements"
            texts = [one.get("text") for one in elements if one.get("type") == "button"]
            return next(filter(None, (_text_problem(t, BUTTON_CHARS) for t in texts)), "")
        case _:
            return ""


def _text_problem(text: Any, longest: int) -> str:
    if not isinstance(text, dict) or text.get("type") not in ("mrkdwn", "plain_text"):
        return "text object expected"
    if not 1 <= len(str(text.get("text", ""))) <= longest:
        return f"text must have 1 to {longest} characters"
    return ""


def _text_chars(value: Any) -> int:
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_text_chars(one) for one in value.values())
    if isinstance(value, list):
        return sum(_text_chars(one) for one in value)
    return 0


def metadata_error(metadata: Any) -> str:
    """Return the error word for this metadata; empty when it is fine."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        return "invalid_metadata_format"
    kind = metadata.get("event_type")
    if not isinstance(kind, str) or not kind:
        return "invalid_metadata_format"
    return ""


def metadata_kept(metadata: Json) -> bool:
    """Return False where Slack silently drops metadata: its event type holds more than words."""
    return str(metadata["event_type"]).replace("_", "").isalnum()
