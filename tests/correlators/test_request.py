"""The HTTP request of an event: method and path, nothing that names people or opens doors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.event_parts import REQUEST_CHARS, request_of
from correlators.wire import WireRequest
from tests.correlators.score import event, run
from tests.correlators.test_events import bare, event_of


@pytest.mark.parametrize(
    ("method", "url", "said"),
    [
        ("POST", "https://shop.test/charges/17?card=4111#x", "POST /charges/17"),
        ("get", "http://ada:secret@shop.test:8080/a/b", "GET /a/b"),
        ("GET", "//shop.test/a", "GET /a"),
        ("GET", "/a?token=x", "GET /a"),
        ("GET", "/users/ada%40x.test", "GET /users/ada@x.test"),
        ("GET", "/a%0Ab%E2%80%AE", "GET /a b"),
        (None, "/a", "/a"),
        ("G T", "/a", "/a"),
        ("X" * 11, "/a", "/a"),
        ("GET", "https://shop.test", ""),
        ("GET", "about:blank", ""),
        ("GET", "[Filtered]", ""),
        ("GET", "/a\nb", ""),
        ("GET", "", ""),
        ("GET", None, ""),
    ],
)
def test_a_request_is_its_method_and_path(method: str | None, url: str | None, said: str) -> None:
    assert request_of(WireRequest(method, url)) == said


def test_an_event_without_a_request_has_none() -> None:
    assert request_of(None) == ""


@given(st.text(), st.text(max_size=3_000))
def test_a_request_is_one_short_line_without_a_query(method: str, url: str) -> None:
    said = request_of(WireRequest(method, url))
    assert len(said) <= REQUEST_CHARS
    assert said.isprintable()
    assert said == said.strip()
    hidden = request_of(WireRequest(method, f"https://shop.test/a?{url}"))
    assert hidden == request_of(WireRequest(method, "/a"))


@pytest.mark.parametrize(
    "field", [{"request": None}, {"request": 7}, {"request": {"url": 7, "method": []}}]
)
def test_a_request_that_is_none_leaves_the_event_as_it_is(field: dict[str, Any]) -> None:
    without = event_of(bare())
    assert msgspec.structs.replace(event_of(bare(**field)), event_id=without.event_id) == without


def test_the_old_name_of_a_request_is_read() -> None:
    told = {"sentry.interfaces.Http": {"method": "PUT", "url": "/a"}}
    assert event_of(bare(**told)).request == "PUT /a"


def test_what_a_digest_says_of_a_request_is_parameterised() -> None:
    path = "/users/ada@x.test/charges/17?card=4111"
    wire = WireRequest("POST", f"https://shop.test{path}")
    push = event(0)
    assert push.event is not None
    it = msgspec.structs.replace(push.event, request=request_of(wire))
    (told, *_) = run(replace(push, event=it), until=60).to()
    assert told.request == "POST /users/<email>/charges/<int>"
