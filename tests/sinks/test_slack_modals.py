"""Dialogs: whatever stands in them, Slack takes them, and what is filled in is read back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.peers.slack_back import checked_view
from sinks.slack_buttons import About, Press
from sinks.slack_modals import (
    LENGTHS,
    Asked,
    Choice,
    Filled,
    asked_of,
    assign_view,
    choice_view,
    filled,
    silence_view,
    told_view,
)
from sinks.words import clean
from tests.sinks.hostile import TEXT

INC = "inc-4bb0c3f1a2d95e77"
VALUE = About(INC, 3, 7).value
ASKED = st.builds(
    Asked,
    st.sampled_from([Press.SILENCE, Press.ASSIGN, Press.SPLIT, Press.MERGE]),
    st.just(VALUE),
    st.just("C0INC"),
    st.just("1790000000.000100"),
    TEXT.map(lambda text: clean(text)[:250]),
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)
CHOICES = st.lists(
    st.builds(Choice, st.just(INC), TEXT.map(lambda text: clean(text) or "?")), max_size=120
)


@given(ASKED, st.none() | st.lists(TEXT, max_size=20), st.lists(NAMES, max_size=6))
def test_slack_takes_every_silence_that_is_asked_for(
    asked: Asked, would: list[str] | None, services: list[str]
) -> None:
    assert asked_of(checked_view(silence_view(asked, would=would, services=services))) == asked


@given(ASKED, st.none() | CHOICES, TEXT.map(lambda text: clean(text)[:120]))
def test_slack_takes_every_other_dialog(
    asked: Asked, choices: list[Choice] | None, name: str
) -> None:
    for view in (
        assign_view(asked, name=name),
        choice_view(asked, choices, none="Nothing else is open there."),
        told_view(asked, "It is done."),
    ):
        assert asked_of(checked_view(view)) == asked


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"callback_id": "stormfold"},
        {"callback_id": "stormfold", "private_metadata": "{"},
        {"callback_id": "stormfold", "private_metadata": '{"press": "page", "value": "x@1@0"}'},
        {"callback_id": "stormfold", "private_metadata": '{"press": "silence", "value": "x"}'},
        {"callback_id": "theirs", "private_metadata": ""},
    ],
)
def test_a_dialog_of_somebody_else_is_none_of_ours(view: dict[str, Any]) -> None:
    assert asked_of(view) is None


def test_what_is_filled_in_is_read_and_what_is_not_offered_is_not() -> None:
    asked = Asked(Press.SILENCE, VALUE)
    values = {
        "for": {"for": {"selected_option": {"value": str(LENGTHS[2][1])}}},
        "what": {"what": {"selected_option": {"value": "service:mail"}}},
        "why": {"why": {"value": "late"}},
    }
    assert filled(asked, {"values": values}) == Filled(asked, 7_200_000, "service:mail", "late")
    values["for"] = {"for": {"selected_option": {"value": "31536000000"}}}
    assert filled(asked, {"values": values}).length_ms == 0
    odd: dict[str, Any]
    for odd in ({}, {"values": []}, {"values": {"for": 1, "what": {"what": "x"}}}):
        assert filled(asked, odd) == Filled(asked)
