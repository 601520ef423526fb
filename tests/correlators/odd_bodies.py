"""Bodies of events drawn by Hypothesis, one like the other, odd in every way that a body may be.

Of a body every field may be missing, null, empty, of another type, there twice, or written with
escapes; the bytes may be damaged.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

AT_MS = 1_790_000_000_000

_FRAME = {"function": "charge", "module": "shop.pay", "filename": "shop/pay.py", "in_app": True}
_LIBRARY = {"function": "send", "module": "httpx", "in_app": False, "lineno": 3, "vars": {"n": "1"}}


def _chain(kind: str, text: Any, *frames: Any) -> dict[str, Any]:
    return {"values": [{"type": kind, "value": text, "stacktrace": {"frames": list(frames)}}]}


CHOICES: dict[str, list[Any]] = {
    "event_id": [
        *("5d2c9a4be1f04f0d8c7a6b5e4f3d2c1b", "00000000000000000000000000000001", "B" * 32),
        *("5d2c9a4b-e1f0-4f0d-8c7a-6b5e4f3d2c1b", "", None, 5, "a b", "z" * 80, "é" * 3, "1" * 32),
    ],
    "project": [4507, "4507", "checkout", {"id": 1, "slug": "a"}, None, "", " ", -3, 1.5, 10**30],
    "project_slug": [None, "other", 3],
    "project_id": [None, 4508],
    "url": [
        "https://s.example/api/0/projects/acme/checkout/events/5d2c/",
        "https://s.example/api/0/projects/acme/checkout/",
        "https://s.example/api/0/projects/acme/events/events/5d2c/",
        *("https://s.example/projects/acme/pay?x=/events/1", "", None, 7),
    ],
    "web_url": ["https://s.example/issues/17/events/5d2c/", "ftp://x", "", None, 3],
    "issue_url": ["https://s.example/api/0/issues/18/", "", None],
    "issue_id": ["620114", 620114, 0, "", " ", None, 7.5, "x" * 40],
    "group_id": [None, 71, "72"],
    "environment": ["production", "", "  ", None, "stäge", 3, "x" * 90],
    "release": ["shop@1", "shop@2", "", None, "\t", 2],
    "level": ["error", "fatal", "warning", "", None, 40, "ERROR ", True, "none"],
    "platform": ["python", "javascript", "java", "native", None, "", 1],
    "logger": ["", "app.pay", None, 4],
    "transaction": ["/pay/{id}", "/orders/17", "", None],
    "culprit": ["shop.pay in charge", "/orders/17", "", None, []],
    "title": ["TimeoutError: no answer", "", None, 3],
    "message": ["", "no answer for 17", None, 5, {"message": "no %s", "formatted": "no 17"}, []],
    "logentry": [None, {"formatted": "no 18"}, {"message": "no %s", "params": [1]}, "x", {}],
    "fingerprint": [
        ["{{ default }}"],
        [],
        None,
        ["own", "{{ default }}"],
        "own",
        [None],
        ["{{default}}"],
        5,
    ],
    "tags": [
        [["region", "eu"]],
        [["level", "fatal"], ["user", "id:7"], ["trace", "b" * 32]],
        *([[name, "tagged"]] for name in ("environment", "release", "logger", "transaction")),
        *([["level", "fatal"]], [["user", "id:7"]], [["trace", "b" * 32]], {"logger": "x"}),
        *([["sentry:release", "shop@9"]], {"sentry:user": "id:9"}),
        *(
            None,
            [],
            [["a", 1]],
            [["a"]],
            "x",
            [["logger", None]],
            [{"key": "logger", "value": "k"}],
        ),
        [["path", 'C:\\u "quoted"'], ["url", "x" * 300]],
    ],
    "user": [
        {"id": "7", "email": "ann@shop.example"},
        *({"id": 7}, {"id": ""}, {"id": "{{auto}}", "ip_address": "10.0.0.1"}, {"username": "ann"}),
        *(None, {}, {"id": {"a": 1}, "email": "a@b.c"}, "ann", {"id": " 7 "}, {"id": True}),
    ],
    "contexts": [
        {"trace": {"trace_id": "c" * 32}},
        *({"trace": {"trace_id": "0" * 32}}, {"trace": {"trace_id": "C" * 32}}, {"trace": None}),
        *({"trace": {"trace_id": "g" * 32}}, {"trace": {"trace_id": 5}}, None, {}, {"trace": "x"}),
        *({"trace": {"trace_id": " " + "c" * 31}}, {"trace": {"trace_id": "c" * 31 + "é"}}),
    ],
    "timestamp": [
        AT_MS / 1000,
        *(AT_MS // 1000, AT_MS / 1000 - 200, AT_MS / 1000 + 9, None, "", 0.0001, 1e300, True),
        *("2026-09-21T10:00:00Z", str(AT_MS / 1000 - 300), -5.0, [1]),
    ],
    "datetime": [None, "2026-09-21T10:00:00.000000Z", "2020-01-01T00:00:00Z", "x", 5],
    "exception": [
        _chain("TimeoutError", "no answer for 17", _LIBRARY, _FRAME),
        _chain("TimeoutError", "no answer for 18", _LIBRARY, _FRAME),
        _chain("KeyError", "'id'", _FRAME, {**_LIBRARY, "function": None, "lineno": -1}),
        *(_chain("Failed", "it is 5 past"), _chain("Failed", {"a": [1, {"b": 2}]}, _FRAME)),
        *({"values": []}, {"values": [None]}, None, [], {"type": "Alone", "value": "x"}, 5),
        *(
            _chain("Failed", "x", None, 7, "frame"),
            _chain("Failed", "x", {"function": 5, "module": 7}),
        ),
        _chain("Failed", "[" * 40, _FRAME),
    ],
    "threads": [
        None,
        {"values": [{"crashed": True, "stacktrace": {"frames": [_FRAME]}}]},
        {"values": [{"current": True, "stacktrace": {"frames": [_LIBRARY]}}]},
        5,
    ],
    "stacktrace": [None, {"frames": [_FRAME]}, {"frames": [_LIBRARY]}, "x"],
    "sentry.interfaces.Exception": [None, _chain("OldError", "x", _FRAME)],
    "sentry.interfaces.Stacktrace": [None, {"frames": [_FRAME]}],
    "sentry.interfaces.Message": [None, {"message": "old %s"}],
    "sentry.interfaces.User": [None, {"id": "70"}],
    "request": [
        {"url": "https://shop.example/pay/17?token=x", "method": "POST"},
        *(
            None,
            {"url": "/orders/18"},
            {"url": 5},
            "x",
            {"url": "https://s.example/a%40b.c/", "method": 3},
        ),
    ],
    "sentry.interfaces.Http": [None, {"url": "/old", "method": "GET"}],
    "type": [None, "error", "transaction"],
    "sdk": [None, {"name": "sentry.python"}, 3],
    "hashes": [None, ["d" * 32], 5],
    "extra": [None, {"deep": [[[[{"exception": 5}]]]]}, 'a "exception": b', 10**400, 1e-5],
}
"""What may stand in a field; the first is what is usual."""

_OFTEN = ("exception", "timestamp", "event_id", "user", "contexts", "issue_id", "message", "tags")


class Written(NamedTuple):
    """A record as it comes from Kafka."""

    resource: str
    body: bytes


def _text(value: Any, draw: st.DrawFn, odd: bool) -> str:
    """Return the JSON text; odd ones have blanks, escaped letters, and keys that come twice."""
    if not odd:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, dict):
        items = [f"{_word(key, draw)} : {_text(part, draw, odd)}" for key, part in value.items()]
        if items and draw(st.integers(0, 3)) == 0:
            items.insert(
                draw(st.integers(0, len(items))), items[draw(st.integers(0, len(items) - 1))]
            )
        return "{" + " ,\n".join(items) + "}"
    if isinstance(value, list):
        return "[ " + ",".join(_text(part, draw, odd) for part in value) + " ]"
    return _word(value, draw) if isinstance(value, str) else json.dumps(value)


def _word(word: str, draw: st.DrawFn) -> str:
    if draw(st.integers(0, 9)):
        return json.dumps(word, ensure_ascii=draw(st.booleans()))
    return '"' + "".join(f"\\u{ord(char):04x}" for char in word) + '"'


def _damaged(body: bytes, draw: st.DrawFn) -> bytes:
    at = draw(st.integers(0, len(body)))
    put = draw(
        st.sampled_from(
            [b"", b'"', b"\xff", b"\xe2", b"{", b"]", b"\\", b"\x00", b",", b"9", b"\\ud800"]
        )
    )
    return body[:at] + put + body[at + draw(st.integers(0, 2)) :]


def _around(event: dict[str, Any], form: str, text: str) -> tuple[str, str]:
    """Return the resource and the body of an event in one of its forms."""
    head = '{"action":"created","installation":{"uuid":"u"},'
    match form:
        case "error":
            return "error", f'{head}"data":{{"error":{text}}},"actor":null}}'
        case "alert":
            return "event_alert", f'{head}"data":{{"event":{text},"triggered_rule":"r"}}}}'
        case "ruled":
            return "event", f'{{"triggering_rules":["r"],"id":"5","data":{{"event":{text}}}}}'
        case "oddly ruled":
            return "event", f'{{"triggering_rules":{{"r":1}},"data":{{"event":{text}}}}}'
        case "both":
            return "error", f'{{"data":{{"event":{{}},"error":{text}}},"level":"fatal","url":"x"}}'
        case "twice":
            return "error", f'{{"data":{{"error":5}},"data":{{"error":{text}}}}}'
        case "legacy":
            return "legacy", f'{{"event":{text},"id":"9","url":"https://s.example/issues/5/"}}'
        case "upper":
            return " Error ", f'{head}"data":{{"error":{text}}}}}'
        case "unknown":
            return "something", f'{head}"data":{{"error":{text}}}}}'
    return "event", text


@st.composite
def records(draw: st.DrawFn) -> list[Written]:
    """Draw records of which most look like the one before."""
    event = {
        name: choices[0]
        for name, choices in CHOICES.items()
        if choices[0] is not None or draw(st.booleans())
    }
    found: list[Written] = []
    form = draw(
        st.sampled_from(
            ["error", "error", "alert", "ruled", "oddly ruled", "both", "twice", "legacy", "bare"]
        )
    )
    for _ in range(draw(st.integers(2, 8))):
        for name in draw(st.lists(st.sampled_from([*CHOICES, *_OFTEN, *_OFTEN]), max_size=3)):
            event[name] = draw(st.sampled_from(CHOICES[name]))
        if draw(st.integers(0, 4)) == 0:
            event.pop(draw(st.sampled_from(sorted(CHOICES))), None)
        if draw(st.integers(0, 9)) == 0:
            event = dict(reversed(event.items()))
        if draw(st.integers(0, 9)) == 0:
            form = draw(st.sampled_from(["error", "alert", "upper", "unknown", "both"]))
        resource, text = _around(event, form, _text(event, draw, odd=draw(st.integers(0, 3)) == 0))
        body = text.encode("utf-8", "surrogatepass")
        if draw(st.integers(0, 6)) == 0:
            body = _damaged(body, draw)
        found.append(Written(resource, body))
    return found
