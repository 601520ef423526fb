"""The rule that would merge a pair: what both have, written so that nothing in it is a wildcard by
accident, and what else it would catch."""

from __future__ import annotations

import fnmatch
import re

from correlators.fingerprint import signature
from correlators.similarity import Rarity, Shape, pair_of, shape_of
from correlators.suggestions import PATTERN_CHARS, rule_of
from correlators.types import ExceptionValue, Frame
from tests.correlators.test_similarity import event, shape


def rule(left: Shape, right: Shape, *others: Shape) -> str:
    shapes = [left, right, *others]
    found = rule_of(pair_of(left, right, Rarity(shapes)), shapes)
    assert found is not None
    return found.text


def test_a_rule_names_the_type_and_the_frame_nearest_to_the_crash_that_both_have() -> None:
    left, right = shape("query", "load", "main"), shape("retry", "query", "load", "main")
    assert rule(left, right) == (
        'error.type:"TimeoutError" stack.module:"shop.db" stack.function:"query" '
        "-> TimeoutError-query"
    )


def test_a_type_that_differs_is_not_named() -> None:
    left, right = shape("query", name="l"), shape("query", name="r", error="Refused")
    assert rule(left, right) == 'stack.module:"shop.db" stack.function:"query" -> query'


def test_names_that_differ_in_numbers_become_a_wildcard() -> None:
    left, right = shape("lambda$12", name="l"), shape("lambda$7", name="r")
    assert 'stack.function:"lambda$*"' in rule(left, right)
    assert 'stack.function:"v*_run*"' in rule(shape("v1_run", name="l"), shape("v_run2", name="r"))


def test_a_rule_with_numbers_in_it_catches_these_numbers_only() -> None:
    left, right = shape("f1", "load"), shape("f1", "again", "load")
    shapes = [left, right, shape("f2", "load")]
    found = rule_of(pair_of(left, right, Rarity(shapes)), shapes)
    assert found is not None
    assert found.also == 0


def test_without_a_stack_the_words_that_both_messages_have_are_named() -> None:
    left = shape(value="disk sda is full", error="Full", name="l")
    right = shape(value="disk sdb is nearly full", error="Full", name="r")
    assert rule(left, right) == 'error.type:"Full" message:"*disk*is*full*" -> Full-disk-is-full'


def test_a_file_stands_for_a_module_that_is_not_told() -> None:
    frames = (Frame(function="go", filename="src/app/main.js", in_app=True),)
    made = event(exceptions=(ExceptionValue(type="E", value="x", frames=frames),))
    found = shape_of(made, signature(made))
    assert found is not None
    assert 'stack.abs_path:"**main.js" stack.function:"go"' in rule(found, found)


def test_where_nothing_is_shared_there_is_no_rule() -> None:
    left, right = shape("a", value="one"), shape("b", value="two", error="Refused")
    assert rule_of(pair_of(left, right, Rarity([left, right])), [left, right]) is None


def test_what_else_a_rule_would_catch_is_counted() -> None:
    left, right = shape("query", "load"), shape("query", "again", "load")
    caught = shape("x", "query", "main")
    spared = [shape("x", "main"), shape("query", "z", error="Refused")]
    shapes = [left, right, caught, *spared]
    found = rule_of(pair_of(left, right, Rarity(shapes)), shapes)
    assert found is not None
    assert found.also == 1


def test_no_character_of_a_name_has_a_meaning_in_the_pattern() -> None:
    hostile = 'op*["\\x\n]{?}->!'
    found = rule(shape(hostile, name="l"), shape(hostile, name="r"))
    assert "\n" not in found
    patterns = re.findall(r':"([^"]*)"', found)
    assert len(patterns) == 3
    assert not set("*[]{}\\!") & set(patterns[2])
    assert fnmatch.fnmatchcase(hostile, patterns[2])
    assert re.fullmatch(r"[\w.-]+", found.rsplit(" -> ", 1)[1])


def test_a_long_name_is_cut_and_still_matches() -> None:
    long = "f" * 400
    found = rule(shape(long, name="l"), shape(long, name="r"))
    pattern = re.findall(r'stack.function:"([^"]*)"', found)[0]
    assert len(pattern) == PATTERN_CHARS + 1
    assert fnmatch.fnmatchcase(long, pattern)
