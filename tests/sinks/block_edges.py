"""Each rule of Slack's blocks at its edge: what is taken, what is refused, how and where."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def mrkdwn(chars: int = 1) -> Json:
    return {"type": "mrkdwn", "text": "x" * chars}


def plain(chars: int = 1) -> Json:
    return {"type": "plain_text", "text": "x" * chars}


def section(**more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **more}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain(), "action_id": "a", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def buttons(count: int) -> Json:
    return actions(*(button(action_id=f"a{n}") for n in range(count)))


def confirm(**more: Any) -> Json:
    return {"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain(), **more}


def image(**more: Any) -> Json:
    return {"type": "image", "image_url": "https://a.test/x.png", "alt_text": "x", **more}


def overflow(count: int, **more: Any) -> Json:
    options = [{"text": plain(), "value": str(n), **more} for n in range(count)]
    return {"type": "overflow", "action_id": "o", "options": options}


def line(text: str, pointer: str) -> str:
    return f"{text} [json-pointer:{pointer}]"


EDGES: list[tuple[Json, Json, str, str]] = [
    (
        {"type": "section", "text": mrkdwn(3_000)},
        {"type": "section", "text": mrkdwn(3_001)},
        "must be less than 3001 characters",
        "/blocks/0/text/text",
    ),
    (
        section(),
        {"type": "section", "text": mrkdwn(0)},
        "must be more than 0 characters",
        "/blocks/0/text/text",
    ),
    (section(), {"type": "section"}, "missing required field: text", "/blocks/0"),
    (
        {"type": "section", "fields": [mrkdwn(2_000)] * 4},
        {"type": "section", "fields": [mrkdwn(2_001)]},
        "must be less than 2001 characters",
        "/blocks/0/fields/0/text",
    ),
    (
        {"type": "section", "fields": [plain()] * 10},
        {"type": "section", "fields": [plain()] * 11},
        "no more than 10 items allowed",
        "/blocks/0/fields",
    ),
    (
        {"type": "header", "text": plain(150)},
        {"type": "header", "text": plain(151)},
        "must be less than 151 characters",
        "/blocks/0/text/text",
    ),
    (
        {"type": "header", "text": plain()},
        {"type": "header", "text": mrkdwn()},
        "must be a plain_text object",
        "/blocks/0/text/type",
    ),
    (
        {"type": "context", "elements": [mrkdwn()] * 9 + [image()]},
        {"type": "context", "elements": [mrkdwn()] * 11},
        "no more than 10 items allowed",
        "/blocks/0/elements",
    ),
    (
        {"type": "context", "elements": [mrkdwn()]},
        {"type": "context", "elements": [button()]},
        "unsupported type: button",
        "/blocks/0/elements/0/type",
    ),
    (buttons(25), buttons(26), "no more than 25 items allowed", "/blocks/0/elements"),
    (buttons(1), actions(), "must have at least 1 item", "/blocks/0/elements"),
    (
        actions(button(text=plain(75))),
        actions(button(text=plain(76))),
        "must be less than 76 characters",
        "/blocks/0/elements/0/text/text",
    ),
    (
        actions(button()),
        actions(button(text=mrkdwn())),
        "must be a plain_text object",
        "/blocks/0/elements/0/text/type",
    ),
    (
        actions(button(value="x" * 2_000)),
        actions(button(value="x" * 2_001)),
        "must be less than 2001 characters",
        "/blocks/0/elements/0/value",
    ),
    (
        actions(button(url="https://" + "x" * 2_992)),
        actions(button(url="https://" + "x" * 2_993)),
        "must be less than 3001 characters",
        "/blocks/0/elements/0/url",
    ),
    (
        actions(button(url="https://a.test")),
        actions(button(url="javascript:x")),
        "must be a valid URL",
        "/blocks/0/elements/0/url",
    ),
    (
        actions(button(action_id="x" * 255)),
        actions(button(action_id="x" * 256)),
        "must be less than 256 characters",
        "/blocks/0/elements/0/action_id",
    ),
    (
        actions(button(), button(action_id="b")),
        actions(button(), button()),
        "`action_id` must be unique within the block",
        "/blocks/0/elements/1/action_id",
    ),
    (
        actions(button(style="danger")),
        actions(button(style="loud")),
        "must be a valid enum value",
        "/blocks/0/elements/0/style",
    ),
    (
        actions(button(confirm=confirm(title=plain(100), text=mrkdwn(300)))),
        actions(button(confirm=confirm(title=plain(101)))),
        "must be less than 101 characters",
        "/blocks/0/elements/0/confirm/title/text",
    ),
    (
        actions(button(confirm=confirm())),
        actions(button(confirm=confirm(text=mrkdwn(301)))),
        "must be less than 301 characters",
        "/blocks/0/elements/0/confirm/text/text",
    ),
    (
        actions(overflow(5)),
        actions(overflow(6)),
        "no more than 5 items allowed",
        "/blocks/0/elements/0/options",
    ),
    (
        actions(overflow(2)),
        actions(overflow(1)),
        "must have at least 2 items",
        "/blocks/0/elements/0/options",
    ),
    (
        section(accessory=image()),
        section(accessory={"type": "image", "image_url": "https://a.test/x.png"}),
        "missing required field: alt_text",
        "/blocks/0/accessory",
    ),
    (
        image(alt_text="x" * 2_000),
        image(alt_text="x" * 2_001),
        "must be less than 2001 characters",
        "/blocks/0/alt_text",
    ),
    (
        section(block_id="x" * 255),
        section(block_id="x" * 256),
        "must be less than 256 characters",
        "/blocks/0/block_id",
    ),
    (
        {"type": "divider"},
        {"type": "divider", "text": plain()},
        "invalid additional property: text",
        "/blocks/0",
    ),
    (
        section(),
        section(text={**mrkdwn(), "emoji": True}),
        "invalid additional property: emoji",
        "/blocks/0/text",
    ),
    (section(), {"type": "carousel"}, "unsupported type: carousel", "/blocks/0/type"),
    (section(), {"text": mrkdwn()}, "missing required field: type", "/blocks/0"),
    (
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 20]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]},
        "no more than 20 items allowed",
        "/blocks/0/rows/0",
    ),
]
