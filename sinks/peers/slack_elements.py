"""What Slack refuses in the elements of blocks: buttons, menus, pickers, images. Pure.

Source: docs.slack.dev, Block Kit reference (block elements, composition objects).
"""

from __future__ import annotations

from typing import Any, Final

from sinks.peers.slack_check import Check, Json, Place

ACTION_ID_CHARS: Final = 255
LABEL_CHARS: Final = 75
VALUE_CHARS: Final = 2_000
URL_CHARS: Final = 3_000
ALT_CHARS: Final = 2_000
PLACEHOLDER_CHARS: Final = 150
OPTION_CHARS: Final = 75
OPTION_VALUE_CHARS: Final = 150
SELECT_OPTIONS: Final = 100
BOX_OPTIONS: Final = 10
OVERFLOW_OPTIONS: Final = (2, 5)

_PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
_MENUS = frozenset(
    {
        "static_select",
        "external_select",
        "users_select",
        "conversations_select",
        "channels_select",
    }
)
_MULTI = frozenset(f"multi_{one}" for one in _MENUS)
_BOXES = frozenset({"checkboxes", "radio_buttons"})
ACTIONS: Final = _PICKERS | _MENUS | _BOXES | {"button", "overflow", "workflow_button"}
"""What an actions block may hold."""
ACCESSORIES: Final = ACTIONS | _MULTI | {"image"}
"""What may stand beside a section."""
INPUTS: Final = (
    _PICKERS
    | _MENUS
    | _MULTI
    | _BOXES
    | {
        "plain_text_input",
        "rich_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "file_input",
    }
)
"""What an input block may hold."""


def check_element(
    check: Check, element: Any, at: Place, known: frozenset[str], seen: set[str] | None = None
) -> None:
    """Note what is wrong with one element.

    Args:
        check: takes the problems.
        element: as it was sent.
        at: where it stands.
        known: the types that may stand there.
        seen: the action ids of its block so far.
    """
    if not isinstance(element, dict):
        check.say("must provide an object", at)
        return
    kind = element.get("type")
    if kind is None:
        check.say("missing required field: type", at)
        return
    if not isinstance(kind, str) or kind not in known:
        check.say(f"unsupported type: {str(kind)[:40]}", at / "type")
        return
    if kind == "image":
        check_image(check, element, at)
        return
    _action_id(check, element, at, seen)
    if element.get("confirm") is not None:
        _confirm(check, element["confirm"], at / "confirm")
    if element.get("placeholder") is not None:
        check.plain(element["placeholder"], at / "placeholder", most=PLACEHOLDER_CHARS)
    if kind in ("button", "workflow_button"):
        _button(check, element, at, kind)
    elif kind == "overflow":
        check.only(element, at, "type", "action_id", "options", "confirm")
        _options(check, element, at, least=OVERFLOW_OPTIONS[0], most=OVERFLOW_OPTIONS[1])
    elif kind in _BOXES:
        _options(check, element, at, most=BOX_OPTIONS)
    elif kind in ("static_select", "multi_static_select") and "option_groups" not in element:
        _options(check, element, at, most=SELECT_OPTIONS)


def check_image(check: Check, image: Json, at: Place, *, block: bool = False) -> None:
    """Note what is wrong with an image, as an element or as a block of its own."""
    if not block:
        check.only(image, at, "type", "image_url", "slack_file", "alt_text")
    if image.get("image_url") is None and image.get("slack_file") is None:
        check.say("missing required field: image_url", at)
    if image.get("image_url") is not None:
        check.url(image["image_url"], at / "image_url", most=URL_CHARS)
    if check.required(image, at, "alt_text"):
        check.chars(image["alt_text"], at / "alt_text", most=ALT_CHARS)


def _action_id(check: Check, element: Json, at: Place, seen: set[str] | None) -> None:
    name = element.get("action_id")
    if name is None:
        return
    check.chars(name, at / "action_id", most=ACTION_ID_CHARS)
    if seen is None:
        return
    if str(name) in seen:
        check.say("`action_id` must be unique within the block", at / "action_id")
    seen.add(str(name))


def _button(check: Check, button: Json, at: Place, kind: str) -> None:
    own = ("workflow",) if kind == "workflow_button" else ("url", "value", "confirm")
    check.only(button, at, "type", "text", "action_id", "style", "accessibility_label", *own)
    if check.required(button, at, "text"):
        check.plain(button["text"], at / "text", most=LABEL_CHARS)
    if button.get("value") is not None:
        check.chars(button["value"], at / "value", most=VALUE_CHARS, least=0)
    if button.get("url") is not None:
        check.url(button["url"], at / "url", most=URL_CHARS)
    if button.get("style") is not None:
        check.one_of(button["style"], at / "style", "primary", "danger")
    if button.get("accessibility_label") is not None:
        check.chars(button["accessibility_label"], at / "accessibility_label", most=LABEL_CHARS)


def _confirm(check: Check, confirm: Any, at: Place) -> None:
    if not isinstance(confirm, dict):
        check.say("must provide an object", at)
        return
    check.only(confirm, at, "title", "text", "confirm", "deny", "style")
    for name, most in (("title", 100), ("confirm", 30), ("deny", 30)):
        if check.required(confirm, at, name):
            check.plain(confirm[name], at / name, most=most)
    if check.required(confirm, at, "text"):
        check.text(confirm["text"], at / "text", most=300)
    if confirm.get("style") is not None:
        check.one_of(confirm["style"], at / "style", "primary", "danger")


def _options(check: Check, element: Json, at: Place, *, most: int, least: int = 1) -> None:
    if not check.required(element, at, "options"):
        return
    options = element["options"]
    if isinstance(options, list) and 0 < len(options) < least:
        check.say(f"must have at least {least} items", at / "options")
    for place, one in check.items(options, at / "options", most=most):
        if not isinstance(one, dict):
            check.say("must provide an object", place)
            continue
        check.only(one, place, "text", "value", "description", "url")
        if check.required(one, place, "text"):
            check.text(one["text"], place / "text", most=OPTION_CHARS)
        if check.required(one, place, "value"):
            check.chars(one["value"], place / "value", most=OPTION_VALUE_CHARS)
        if one.get("description") is not None:
            check.text(one["description"], place / "description", most=OPTION_CHARS)
        if one.get("url") is not None:
            check.url(one["url"], place / "url", most=URL_CHARS)
