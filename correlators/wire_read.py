"""Bytes to the typed structs of `wire`: strictly and fast, else leniently.

The strict way is one typed decode. What it refuses (an older shape, a number where a word belongs,
text that is not quite JSON) is read again leniently, and only the part that cannot be understood is
dropped. Both ways give the same value for anything that the strict one takes. What the values mean
is no business of this module.

The errors:
    NotReadable             with the word for why
    ├── NotJson
    └── NotAnObject
"""

from __future__ import annotations

import json
import math
import re
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from msgspec import inspect

from correlators.wire import WireBody, WireChange, WireInsert

DEPTH_READ: Final = 64
"""Containers nested deeper than this are read as null; nothing that matters lies below depth 12."""

_EXACT_DIGITS: Final = 4_000
_BRACKETS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)

T = TypeVar("T", WireBody, WireChange, WireInsert)

_BODY: Final = msgspec.json.Decoder(WireBody)
_CHANGE: Final = msgspec.json.Decoder(WireChange)
_SHAPES: Final = {shape: inspect.type_info(shape) for shape in (WireBody, WireChange, WireInsert)}


class Reason(StrEnum):
    """Why a record cannot be read. The word is the `Unreadable.reason` and the metric label."""

    EMPTY = "empty"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NOT_AN_ARRAY = "not_an_array"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_OPERATION = "unknown_operation"
    NO_EVENT = "no_event"
    NO_DEPLOY = "no_deploy"
    DECODER_FAILED = "decoder_failed"


class NotReadable(Exception):
    """The bytes cannot be read; the text of the exception says nothing of their content."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class NotJson(NotReadable):
    """The bytes are no JSON, not even leniently."""

    def __init__(self) -> None:
        super().__init__(Reason.NOT_JSON)


class NotAnObject(NotReadable):
    """The bytes are JSON, but not an object."""

    def __init__(self) -> None:
        super().__init__(Reason.NOT_AN_OBJECT)


def read_body(body: bytes) -> WireBody:
    """Return what matters of a body that may carry an event.

    Raises:
        NotJson: the bytes are no JSON.
        NotAnObject: they are some other JSON value.
    """
    try:
        return _BODY.decode(body)
    except (ValueError, RecursionError):
        return read_leniently(body, WireBody)


def read_change(body: bytes) -> WireChange:
    """Return what matters of a body that tells a change of state.

    Raises:
        NotJson: the bytes are no JSON.
        NotAnObject: they are some other JSON value.
    """
    try:
        return _CHANGE.decode(body)
    except (ValueError, RecursionError):
        return read_leniently(body, WireChange)


def read_leniently(body: bytes, into: type[T]) -> T:
    """Return the body with every value dropped or converted that does not have its field's type.

    For a body that the strict decoder takes, the result is the same as its own.

    Raises:
        NotJson: the bytes are no JSON.
        NotAnObject: they are some other JSON value.
    """
    return fitted(json_of(body), into)


def json_of(body: bytes) -> object:
    """Return the JSON value, read leniently; what is nested below `DEPTH_READ` is null in it.

    Raises:
        NotJson: the bytes are no JSON.
    """
    text = _shallow(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    try:
        return json.loads(text, strict=False, parse_int=_int)
    except (ValueError, RecursionError):
        raise NotJson from None


def fitted(value: object, into: type[T]) -> T:
    """Return the JSON object with every value dropped or converted that does not fit its field.

    Raises:
        NotAnObject: it is some other JSON value.
    """
    if not isinstance(value, dict):
        raise NotAnObject
    return msgspec.convert(_fit(value, _SHAPES[into]), into)


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _EXACT_DIGITS else math.inf


def _shallow(text: str) -> str:
    """Return the JSON text without the containers below `DEPTH_READ`, so that it needs no stack."""
    if text.count("[") + text.count("{") <= DEPTH_READ:
        return text
    kept: list[str] = []
    depth = start = 0
    for token in _BRACKETS.finditer(text):
        sign = text[token.start()]
        if sign in "[{":
            depth += 1
            if depth == DEPTH_READ + 1:
                kept.append(text[start : token.start()] + "null")
        elif sign in "]}":
            depth -= 1
            if depth == DEPTH_READ:
                start = token.end()
    if depth <= DEPTH_READ:
        kept.append(text[start:])
    return "".join(kept)


def _fit(value: object, shape: inspect.Type) -> object:
    """Return the value in the form that the shape asks for; None where there is no such form."""
    if isinstance(shape, inspect.AnyType):
        return value
    options = shape.types if isinstance(shape, inspect.UnionType) else (shape,)
    if isinstance(value, dict):
        return _fit_object(value, options)
    if isinstance(value, list):
        return _fit_list(value, options)
    return _fit_scalar(value, {type(option) for option in options})


def _fit_scalar(value: object, options: set[type[inspect.Type]]) -> object:
    words = inspect.StrType in options
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if words else None
    if isinstance(value, bool):
        if inspect.BoolType in options:
            return value
        return str(value).lower() if words else None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        if inspect.FloatType in options:
            return value
        if not value.is_integer():
            return str(value) if words else None
        value = int(value)
    if isinstance(value, int):
        if inspect.IntType in options:
            return value
        if inspect.BoolType in options:
            return bool(value)
        return str(value) if words else None
    return None


def _fit_object(value: dict[str, object], options: tuple[inspect.Type, ...]) -> object:
    for option in options:
        match option:
            case inspect.StructType(fields=fields):
                found = {
                    f.encode_name: _fit(value[f.encode_name], f.type)
                    for f in fields
                    if f.encode_name in value
                }
                return {name: part for name, part in found.items() if part is not None}
            case inspect.DictType(value_type=value_type):
                return {
                    str(_fit(key, inspect.StrType())): _fit(part, value_type)
                    for key, part in value.items()
                }
            case inspect.TupleType(item_types=(_, second)):
                return _fit_pair([value.get("key"), value.get("value")], second)
            case _:
                continue
    return None


def _fit_list(value: list[object], options: tuple[inspect.Type, ...]) -> object:
    for option in options:
        match option:
            case inspect.ListType(item_type=item_type):
                parts = [_fit(part, item_type) for part in value]
                nullable = isinstance(item_type, inspect.UnionType | inspect.AnyType)
                return parts if nullable else [part for part in parts if part is not None]
            case inspect.TupleType(item_types=(_, second)):
                return _fit_pair(value, second)
            case _:
                continue
    return None


def _fit_pair(value: list[object], second: inspect.Type) -> list[object] | None:
    if len(value) != 2:
        return None
    key = _fit(value[0], inspect.StrType())
    return None if key is None else [key, _fit(value[1], second)]
