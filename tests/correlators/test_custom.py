"""Sentry's custom fingerprint: what its values and variables mean."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.custom import custom_values, filled_in
from correlators.fingerprint import cache_key, signature
from correlators.types import Event, ExceptionValue, Frame, Level, SignatureKind

CRASH = Frame(
    function="connect",
    module="shop.db",
    filename="shop/db.py",
    abs_path="/srv/shop/db.py",
    package=r"C:\lib\libdb.dll",
    in_app=True,
)
LIBRARY = Frame(function="recv", module="socket", filename="socket.py")
CAUSE = ExceptionValue(type="OSError", value="gone", frames=(LIBRARY,))
RAISED = ExceptionValue(type="DbError", value="no answer", frames=(CRASH, LIBRARY))
EVENT = Event(
    project="1",
    event_id="a",
    service="shop",
    environment="production",
    level=Level.WARNING,
    logger="shop.db",
    transaction="/cart",
    message="lost %s",
    formatted="lost replica",
    exceptions=(CAUSE, RAISED),
    tags=(("server_name", "web"), ("a:b", "c")),
)
EMPTY = Event(project="1", event_id="a", service="shop", environment="production")


def values(event: Event, *given: str) -> list[str]:
    return custom_values(msgspec.structs.replace(event, sentry_fingerprint=given))[0]


@pytest.mark.parametrize(
    ("variable", "value", "missing"),
    [
        ("transaction", "/cart", "<no-transaction>"),
        ("error.type", "DbError", "<no-type>"),
        ("type", "DbError", "<no-type>"),
        ("error.value", "no answer", "<no-value>"),
        ("value", "no answer", "<no-value>"),
        ("stack.function", "connect", "<no-function>"),
        ("function", "connect", "<no-function>"),
        ("stack.module", "shop.db", "<no-module>"),
        ("module", "shop.db", "<no-module>"),
        ("stack.filename", "shop/db.py", "<no-filename>"),
        ("stack.package", "libdb.dll", "<no-package>"),
        ("package", "libdb.dll", "<no-package>"),
        ("logger", "shop.db", "<no-logger>"),
        ("level", "warning", "error"),
        ("message", "lost replica", "<no-message>"),
        ("tags.server_name", "web", "<no-value-for-tag-server_name>"),
        ("tags.a:b", "c", "<no-value-for-tag-a:b>"),
    ],
)
def test_a_variable_is_filled_in_or_told_as_missing(
    variable: str, value: str, missing: str
) -> None:
    assert values(EVENT, f"{{{{ {variable} }}}}") == [value]
    assert values(EVENT, f"{{{{{variable}}}}}") == [value]
    assert values(EMPTY, f"{{{{ {variable} }}}}") == [missing]


def test_the_path_is_absolute_else_the_file_name_and_the_file_name_else_the_path() -> None:
    for name in ("path", "stack.abs_path"):
        # An absolute path is variable text, so it is shown with its hash.
        assert filled_in(EVENT, f"{{{{ {name} }}}}") == "/srv/shop/db.py"
        assert values(EMPTY, f"{{{{ {name} }}}}") == ["<no-abs-path>"]
    only = msgspec.structs.replace(EMPTY, frames=(LIBRARY,))
    assert filled_in(only, "{{ path }}") == filled_in(only, "{{ stack.filename }}") == "socket.py"
    absolute = msgspec.structs.replace(EMPTY, frames=(Frame(abs_path="/a.py"),))
    assert filled_in(absolute, "{{ stack.filename }}") == "/a.py"


def test_errors_are_of_what_was_raised_and_the_stack_of_its_newest_in_app_frame() -> None:
    assert values(EVENT, "{{ type }}", "{{ function }}") == ["DbError", "connect"]
    # Without an in-app frame it is the newest one; without a stack of its own the thread's.
    cause = msgspec.structs.replace(EVENT, exceptions=(RAISED, CAUSE))
    assert values(cause, "{{ type }}", "{{ function }}") == ["OSError", "recv"]
    bare = msgspec.structs.replace(
        EVENT, exceptions=(ExceptionValue(type="DbError"),), frames=(CRASH,)
    )
    assert values(bare, "{{ function }}") == ["connect"]


def test_only_a_whole_value_is_a_variable_and_unknown_ones_stay() -> None:
    given = ("pay-{{ level }}", "{{ release }}", "{{ environment }}", "{{ }}", " {{ level }}")
    assert values(EVENT, *given) == list(given)


def test_default_custom_and_hybrid() -> None:
    def kind(*given: str) -> SignatureKind:
        return signature(msgspec.structs.replace(EVENT, sentry_fingerprint=given)).kind

    assert custom_values(EVENT) == ([], True)
    assert kind() is kind("{{ default }}") is kind("{{default}}") is SignatureKind.STACK
    assert kind("a") is kind("{{ default }}", "a") is SignatureKind.CUSTOM
    custom = signature(msgspec.structs.replace(EVENT, sentry_fingerprint=("a",)))
    hybrid = signature(msgspec.structs.replace(EVENT, sentry_fingerprint=("a", "{{ default }}")))
    assert custom.parts == ("custom a",)
    assert hybrid.parts == ("custom a", *signature(EVENT).parts)


def test_a_value_that_repeats_the_message_does_not_make_a_group_of_every_event() -> None:
    for number in (1, 2):
        text = f"order {number} of bob@shop.example failed"
        one = msgspec.structs.replace(EMPTY, exceptions=(ExceptionValue(value=text),))
        two = msgspec.structs.replace(EMPTY, message="order %d failed", formatted=text)
        for event in (one, two):
            assert values(event, text) == ["order <int> of <email> failed"]
            assert values(event, "{{ message }}") == ["order <int> of <email> failed"]


def test_values_with_variable_text_stay_different_and_show_nothing_personal() -> None:
    tagged = [
        msgspec.structs.replace(EMPTY, tags=(("who", mail),))
        for mail in ("bob@shop.example", "amy@shop.example")
    ]
    one, two = (values(event, "{{ tags.who }}")[0] for event in tagged)
    assert one != two
    assert one.startswith("<email> #")
    assert two.startswith("<email> #")


VARIABLES = ["{{ default }}", "{{ tags.a }}", "{{ message }}", "{{ value }}", "{{ x }}", "b", "c"]
TEXT = st.sampled_from(["", "a", "b", "c", "{{ default }}", "{{ tags.a }}"])
EVENTS = st.builds(
    msgspec.structs.replace,
    st.just(EMPTY),
    message=TEXT,
    formatted=TEXT,
    tags=st.lists(st.tuples(st.just("a"), TEXT), max_size=1).map(tuple),
    exceptions=st.lists(st.builds(ExceptionValue, value=TEXT), max_size=1).map(tuple),
    sentry_fingerprint=st.lists(st.sampled_from(VARIABLES), max_size=2).map(tuple),
)


@given(one=EVENTS, two=EVENTS)
def test_events_with_equal_cache_keys_have_equal_signatures(one: Event, two: Event) -> None:
    if cache_key(one) == cache_key(two):
        assert signature(one) == signature(two)


@pytest.mark.parametrize(
    ("value", "field", "one", "two"),
    [
        ("{{ tags.a }}", "tags", (("a", "x"),), (("a", "y"),)),
        ("{{ message }}", "formatted", "a", "b"),
        ("7", "formatted", "7", "8"),
    ],
)
def test_what_only_custom_values_look_at_is_in_the_key(
    value: str, field: str, one: Any, two: Any
) -> None:
    event = msgspec.structs.replace(EMPTY, sentry_fingerprint=(value,))
    first, second = (msgspec.structs.replace(event, **{field: given}) for given in (one, two))
    assert signature(first) != signature(second)
    assert cache_key(first) != cache_key(second)
    plain = [msgspec.structs.replace(one, sentry_fingerprint=()) for one in (first, second)]
    assert cache_key(plain[0]) == cache_key(plain[1])
