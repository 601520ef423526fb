"""Who says what is the same: the choice per service, rules on their way to a signature, caches."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators import fingerprint
from correlators.custom import custom_values
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.grouping import By, Grouper, Grouping
from correlators.sentry_rules.fingerprint_rules import parse_fingerprint_rules
from correlators.sentry_rules.stack_rules import parse_stack_rules
from correlators.types import Event, ExceptionValue, Frame, Level, SignatureKind

VERSION = fingerprint.VERSIONS[-1]
LOADER = Frame(function="load", module="shop.util", in_app=True)
CART = Frame(function="total", module="shop.cart", in_app=True)
EVENT = Event(
    project="1",
    event_id="a",
    service="shop",
    environment="production",
    exceptions=(ExceptionValue(type="KeyError", value="'a'", frames=(CART, LOADER)),),
    sentry_hashes=("0123456789abcdef0123456789abcdef", "f" * 32),
    issue_id="4711",
)


def grouping(fingerprint_rules: str = "", stack_rules: str = "", **chosen: Any) -> Grouping:
    by_fingerprint, bad = parse_fingerprint_rules(fingerprint_rules, "f.rules")
    by_stack, worse = parse_stack_rules(stack_rules, "s.rules")
    assert not [*bad, *worse]
    return Grouping(fingerprint_rules=by_fingerprint, stack_rules=by_stack, **chosen)


def signature(chosen: Grouping, event: Event = EVENT, **changed: Any) -> Any:
    return Grouper(chosen).signature(msgspec.structs.replace(event, **changed), version=VERSION)


def test_without_rules_and_choices_it_is_our_signature() -> None:
    assert grouping().plain
    assert signature(grouping()) == fingerprint.signature(EVENT, version=VERSION)
    assert not grouping(by=By.SENTRY_ISSUE).plain
    assert not grouping(services={"x": By.SENTRY_HASHES}).plain
    assert grouping(services={"x": By.SIGNATURE}).plain
    assert not grouping("type:A -> a").plain
    assert not grouping("", "app:no +app").plain


def test_the_primary_hash_or_the_issue_is_the_identity_where_it_is_chosen() -> None:
    chosen = grouping(
        by=By.SENTRY_HASHES, services={"billing": By.SENTRY_ISSUE, "new": By.SIGNATURE}
    )
    by_hash = signature(chosen)
    assert by_hash.kind is SignatureKind.SENTRY_HASH
    assert by_hash.parts == ("sentry hash 0123456789abcdef0123456789abcdef",)
    assert by_hash.title == fingerprint.title(EVENT)
    other_stack = (ExceptionValue(type="Other"),)
    assert signature(chosen, exceptions=other_stack).fingerprint == by_hash.fingerprint
    assert signature(chosen, sentry_hashes=("f" * 32,)).fingerprint != by_hash.fingerprint
    assert Grouper(chosen).explain(EVENT, version=VERSION) == [
        "decided by sentry_hash: grouping of shop is sentry_hashes",
        f"{by_hash.parts[0]}: what Sentry calls it",
    ]
    by_issue = signature(chosen, service="billing")
    assert by_issue.kind is SignatureKind.SENTRY_ISSUE
    assert by_issue.parts == ("sentry issue 4711",)
    assert signature(chosen, service="new") == fingerprint.signature(EVENT, version=VERSION)


@pytest.mark.parametrize("by", [By.SENTRY_HASHES, By.SENTRY_ISSUE])
def test_where_sentry_tells_none_it_is_our_signature_with_the_reason(by: By) -> None:
    bare = msgspec.structs.replace(EVENT, sentry_hashes=(), issue_id="")
    grouper = Grouper(grouping(by=by))
    assert grouper.signature(bare, version=VERSION) == fingerprint.signature(bare, version=VERSION)
    verdict, reason, *rest = grouper.explain(bare, version=VERSION)
    assert reason == f"grouping of shop is {by}, but the event tells none: signature"
    assert [verdict, *rest] == fingerprint.explain(bare, version=VERSION)


def test_an_identity_of_sentrys_shows_nothing_personal() -> None:
    made = signature(grouping(by=By.SENTRY_HASHES), sentry_hashes=("bob@shop.example",))
    assert "bob" not in str(made.parts)


def test_an_unknown_version_is_refused_also_with_rules() -> None:
    with pytest.raises(fingerprint.UnknownVersion):
        Grouper(grouping("type:A -> a")).signature(EVENT, version=99)


def test_rules_decide_and_explain_names_them() -> None:
    chosen = grouping(
        'type:KeyError -> lookup, {{ stack.function }} title="Lookup in {{ stack.module }}"',
        "module:shop.util ^-group -group",
    )
    made = signature(chosen)
    # The function is that of the frame which the other rule then leaves out.
    assert made.parts == ("custom lookup", "custom load")
    assert made.title == "Lookup in shop.util"
    assert Grouper(chosen).explain(EVENT, version=VERSION)[:3] == [
        f"signature version {VERSION}, decided by custom",
        "s.rules:1: 1 frame left out",
        "f.rules:1: its fingerprint replaces the event's own",
    ]


def test_a_rule_that_leaves_a_frame_out_moves_the_signature_to_its_caller() -> None:
    made = signature(grouping("", "function:load -group"))
    without = msgspec.structs.replace(EVENT.exceptions[0], frames=(CART,))
    left = msgspec.structs.replace(EVENT, exceptions=(without,))
    assert made == fingerprint.signature(left, version=VERSION) != signature(grouping())


def test_a_rule_with_the_default_divides_what_is_one() -> None:
    chosen = grouping("function:load -> {{ default }}, {{ transaction }}")
    one, two = (signature(chosen, transaction=name) for name in ("/cart", "/pay"))
    assert one.parts == ("custom /cart", *fingerprint.signature(EVENT, version=VERSION).parts)
    assert one.fingerprint != two.fingerprint


def test_a_rule_that_repeats_the_message_is_parameterised_like_the_clients() -> None:
    event = msgspec.structs.replace(EVENT, exceptions=(), message="job 7 died")
    replaced = msgspec.structs.replace(event, sentry_fingerprint=("{{ message }}",))
    made = signature(grouping("message:job* -> {{ message }}"), event)
    assert (
        made.parts
        == ("custom job <int> died",)
        == tuple(f"custom {value}" for value in custom_values(replaced)[0])
    )


# ---------------------------------------------------------------- caches

WORDS = st.sampled_from(["", "a", "b"])
EVENTS = st.builds(
    msgspec.structs.replace,
    st.just(EVENT),
    service=st.sampled_from(["shop", "billing", "legacy"]),
    release=WORDS,
    sdk=st.sampled_from(["", "sentry.python", "sentry.ruby.rails"]),
    message=WORDS,
    formatted=WORDS,
    tags=st.lists(st.tuples(st.sampled_from(["a", "b"]), WORDS), max_size=2).map(tuple),
    level=st.sampled_from([Level.ERROR, Level.INFO]),
    sentry_hashes=st.lists(WORDS, max_size=1).map(tuple),
    issue_id=WORDS,
    exceptions=st.lists(
        st.builds(ExceptionValue, type=WORDS, value=WORDS, mechanism=WORDS), max_size=1
    ).map(tuple),
)
CHOICES = [
    grouping(by=By.SENTRY_HASHES, services={"billing": By.SENTRY_ISSUE, "legacy": By.SIGNATURE}),
    grouping("release:a -> a\nsdk:sentry.python -> b\ntags.a:a -> {{ tags.b }}"),
    grouping('message:a -> a title="{{ message }}"\nlevel:info -> {{ message }}'),
    grouping("level:error -> a"),
    grouping('level:error -> {{ default }} title="{{ tags.b }} {{ release }} {{ sdk }}"'),
    grouping("", "type:a value:b -app\nmechanism:a function:load -group"),
]


@given(chosen=st.sampled_from(CHOICES), one=EVENTS, two=EVENTS)
def test_events_with_equal_keys_have_equal_signatures(
    chosen: Grouping, one: Event, two: Event
) -> None:
    grouper = Grouper(chosen)
    assert grouper.cache_key(one) == grouper.cache_key(msgspec.structs.replace(one))
    if grouper.cache_key(one) == grouper.cache_key(two):
        assert grouper.signature(one, version=VERSION) == grouper.signature(two, version=VERSION)


@given(
    chosen=st.sampled_from(CHOICES),
    base=EVENTS,
    field=st.sampled_from(
        ["service", "release", "sdk", "message", "formatted", "tags", "sentry_hashes", "issue_id"]
    ),
    other=EVENTS,
)
def test_a_key_covers_every_field_that_changes_a_signature(
    chosen: Grouping, base: Event, field: str, other: Event
) -> None:
    grouper = Grouper(chosen)
    changed = msgspec.structs.replace(base, **{field: getattr(other, field)})
    if grouper.signature(base, version=VERSION) != grouper.signature(changed, version=VERSION):
        assert grouper.cache_key(base) != grouper.cache_key(changed)


def test_a_key_leaves_out_what_no_rule_looks_at() -> None:
    grouper = Grouper(grouping("level:error -> a"))
    changed = msgspec.structs.replace(
        EVENT, release="x", tags=(("a", "b"),), formatted="y", sdk="z"
    )
    assert grouper.cache_key(EVENT) == grouper.cache_key(changed)


def test_texts_that_are_no_unicode_have_a_key_too() -> None:
    grouper = Grouper(grouping("tags.a:* -> {{ tags.a }}"))
    one, two = (
        msgspec.structs.replace(EVENT, tags=(("a", text),)) for text in ("\ud800", "\ud801")
    )
    assert grouper.cache_key(one) != grouper.cache_key(two)
    assert grouper.signature(one, version=VERSION) != grouper.signature(two, version=VERSION)


def bodies() -> list[bytes]:
    return [
        json.dumps(
            {
                "event_id": f"{number:032x}",
                "project": "shop",
                "release": f"1.{number % 2}",
                "tags": [["host", f"web-{number % 3}"]],
                "logentry": {"message": "lost %s", "formatted": f"lost {number % 4}"},
                "exception": {
                    "values": [
                        {
                            "type": "E",
                            "stacktrace": {
                                "frames": [{"function": "f", "module": "m", "in_app": True}]
                            },
                        }
                    ]
                },
            }
        ).encode()
        for number in range(24)
    ]


def test_law_6_with_rules_a_cache_of_any_size_gives_the_same_signatures() -> None:
    chosen = grouping(
        "release:1.1 -> new, {{ tags.host }}\nmessage:*2 -> two\ntags.host:web-0 -> zero",
        "function:f -app",
    )
    made = [
        [reader.read("event", body).signature for body in bodies()]
        for size in (0, 1, 5, 1_000)
        for reader in (Fingerprinter(Fingerprinting(cache_size=size, grouping=chosen)),)
    ]
    assert all(one == made[0] for one in made)
    assert len({one.fingerprint for one in made[0] if one is not None}) == 6


def test_a_plain_grouping_costs_no_step_of_its_own() -> None:
    reader = Fingerprinter(Fingerprinting(grouping=grouping()))
    assert (reader._key, reader._make) == (fingerprint.cache_key, None)


@pytest.mark.parametrize(
    ("rule", "field", "one", "two"),
    [
        ("release:a -> x", "release", "a", "b"),
        ("sdk:sentry.python -> x", "sdk", "sentry.python", "sentry.ruby"),
        ("message:a -> x", "formatted", "a", "b"),
        ("level:error -> {{ message }}", "formatted", "a", "b"),
        ("level:error -> 7", "formatted", "7", "8"),
        ("tags.a:x -> x", "tags", (("a", "x"),), ()),
        ("level:error -> {{ tags.a }}", "tags", (("a", "x"),), (("a", "y"),)),
        ('level:error -> x title="in {{ tags.a }}"', "tags", (("a", "x"),), (("a", "y"),)),
        ('level:error -> x title="in {{ message }}"', "formatted", "a", "b"),
    ],
)
def test_what_only_rules_look_at_is_in_the_key(rule: str, field: str, one: Any, two: Any) -> None:
    grouper = Grouper(grouping(rule))
    first, second = (msgspec.structs.replace(EVENT, **{field: value}) for value in (one, two))
    assert grouper.signature(first, version=VERSION) != grouper.signature(second, version=VERSION)
    assert grouper.cache_key(first) != grouper.cache_key(second)
