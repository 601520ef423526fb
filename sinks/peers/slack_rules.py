"""What Slack refuses in a message beside its blocks: text, attachments, metadata. Pure.

Source: docs.slack.dev, methods chat.postMessage and chat.update, message metadata. No number is
given for the size of metadata; the one here is ours.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sinks.peers.slack_blocks import BLOCK_TEXT_CHARS, blocks_problems

Json = dict[str, Any]

TEXT_CHARS: Final = 40_000
"""A longer text is cut there, and the answer says so."""
SPLIT_CHARS: Final = 4_000
"""A longer text without blocks becomes several messages."""
UPDATE_TEXT_CHARS: Final = 4_000
"""A longer text is refused in an edit."""
ATTACHMENTS: Final = 100
METADATA_BYTES: Final = 8_000


def parts_of(text: str) -> list[str]:
    """Return the messages that a text without blocks becomes."""
    text = text[:TEXT_CHARS]
    return [text[at : at + SPLIT_CHARS] for at in range(0, len(text), SPLIT_CHARS)] or [""]


def blocks_error(blocks: Any) -> tuple[str, str]:
    """Return the error word for these blocks and the first line about it; both empty when fine."""
    error, lines = blocks_problems(blocks)
    return error, lines[0] if lines else ""


def content_error(
    text: str, blocks: Any, attachments: Any, *, most_chars: int = BLOCK_TEXT_CHARS
) -> tuple[str, list[str]]:
    """Return the error's word and Slack's lines about it; both empty when the content is fine."""
    if not text and not blocks and not attachments:
        return "no_text", []
    if blocks:
        error, lines = blocks_problems(blocks, most_chars=most_chars)
        if error:
            return error, lines
    if attachments is None:
        return "", []
    if not isinstance(attachments, list):
        return "invalid_attachments", []
    if len(attachments) > ATTACHMENTS:
        return "too_many_attachments", []
    for number, one in enumerate(attachments):
        if not isinstance(one, dict):
            return "invalid_attachments", []
        if one.get("blocks"):
            at = f"/attachments/{number}/blocks"
            error, lines = blocks_problems(one["blocks"], at=at, most_chars=most_chars)
            if error:
                return "invalid_attachments", lines
    return "", []


def metadata_error(metadata: Any) -> str:
    """Return the error word for this metadata; empty when it is fine."""
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        return "invalid_metadata_format"
    kind = metadata.get("event_type")
    if not isinstance(kind, str) or not kind:
        return "invalid_metadata_format"
    if not set(metadata) <= {"event_type", "event_payload", "entities"}:
        return "invalid_metadata_format"
    if not all(_plain(one) or _flat(one) for one in metadata["event_payload"].values()):
        return "invalid_metadata_schema"
    if len(json.dumps(metadata).encode()) > METADATA_BYTES:
        return "metadata_too_large"
    return ""


def metadata_kept(metadata: Json) -> bool:
    """Return False where Slack silently drops metadata: its event type holds more than words."""
    return str(metadata["event_type"]).replace("_", "").isalnum()


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _flat(value: Any) -> bool:
    """Return True for one level of plain values."""
    found = list(value.values()) if isinstance(value, dict) else value
    return isinstance(found, list) and all(_plain(one) for one in found)
