"""Fingerprint rules in Sentry's syntax: what a line means, which rule wins, what is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.sentry_rules.apply import Applied, Rules
from correlators.sentry_rules.fingerprint_rules import parse_fingerprint_rules, sdk_of
from correlators.sentry_rules.syntax import LINE_CHARS, RULES_MOST
from correlators.types import Event, ExceptionValue, Frame, Level

MAIN = Frame(function="main", module="bot.run", filename="bot/run.py", in_app=True)
CONNECT = Frame(
    function="connect",
    module="bot",
    filename="bot/net.py",
    abs_path="/srv/My-Utils/net.js",
    package="/usr/lib/libcurl.so",
)
CAUSE = ExceptionValue(type="OSError", value="[Errno 111] refused", frames=(CONNECT,))
RAISED = ExceptionValue(
    type="ConnectionError", value="Connection error: gone", frames=(MAIN, CONNECT)
)
EVENT = Event(
    project="1",
    event_id="a",
    service="shop",
    environment="production",
    release="bot@1.2.3",
    level=Level.WARNING,
    platform="python",
    logger="com.myapp.mypackage.Jobs",
    transaction="/cart",
    message="sync of %s failed",
    formatted="Sync of seven failed",
    exceptions=(CAUSE, RAISED),
    tags=(("server_name", "canary-7.mycompany.internal"),),
    sdk="sentry.python.flask",
    sentry_fingerprint=("of the client",),
)
BARE = Event(project="1", event_id="a", service="shop", environment="production")


def rules(text: str) -> Rules:
    found, problems = parse_fingerprint_rules(text, "rules.txt")
    assert not problems
    return Rules(found, ())


def apply(text: str, event: Event = EVENT, **changed: Any) -> Applied:
    return rules(text).apply(msgspec.structs.replace(event, **changed))


def holds(matchers: str, event: Event = EVENT, **changed: Any) -> bool:
    applied = apply(f"{matchers} -> yes", event, **changed)
    return applied.event.sentry_fingerprint == ("yes",)


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        # Any exception of the chain; the type with its case, the value without.
        ("error.type:ConnectionError", True),
        ("type:OSError", True),
        ("type:oserror", False),
        ("type:Conn*", True),
        ('error.value:"connection error: *"', True),
        ('value:"CONNECTION ERROR: *"', True),
        (r'value:"\[errno 111\]*"', True),
        ('value:"[errno 111]*"', False),
        # The message: as it was formatted, and the values of exceptions.
        ('message:"sync of seven failed"', True),
        ('message:"sync of %s failed"', False),
        ('message:"connection error*"', True),
        ("logger:com.myapp.mypackage.*", True),
        ("logger:COM.myapp.*", False),
        ("level:WARNING", True),
        ("level:error", False),
        ('tags.server_name:"canary-*.mycompany.internal"', True),
        ('"tags.server_name":canary-*', True),
        ("tags.server_name:Canary-*", False),
        ("tags.other:*", False),
        # Paths: without case, * stops at /, both paths count, a relative one also from its root.
        ("stack.abs_path:**/my-utils/*.js", True),
        ("path:**/bot/net.py", True),
        ("path:/bot/net.py", True),
        ("path:/srv/*.js", False),
        ("path:/srv/**.js", True),
        # Modules and functions: with case, * is anything.
        ("stack.module:bot", True),
        ("module:BOT", False),
        ("stack.function:conn*", True),
        ("function:Conn*", False),
        ("stack.package:**/LIBCURL.so", True),
        ("package:*/libcurl.so", False),
        ("release:BOT@1.*", True),
        ("release:bot@2.*", False),
        ("family:other", True),
        ("family:javascript,native", False),
        ("family:native,other", True),
        ("family:all", True),
        ("sdk:sentry.python", True),
        ("sdk:sentry.ruby,sentry.python", True),
        ("sdk:sentry.javascript", False),
        ("app:yes", True),
        ("app:no", True),
    ],
)
def test_a_matcher_holds_as_sentry_says(matchers: str, expected: bool) -> None:
    assert holds(matchers) is expected


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        # Both on one frame.
        ("function:connect module:bot", True),
        ("function:connect module:bot.run", False),
        ("app:yes function:main", True),
        ("app:yes function:connect", False),
        ("path:**/my-utils/** package:**/libcurl.so", True),
        # Both on one exception.
        ("type:OSError value:*refused", True),
        ("type:OSError value:*gone", False),
        # The message and the values are one kind of thing, and each of them is one of its own.
        ("message:*seven* message:*failed", True),
        ("message:*seven* message:*gone", False),
        # Different kinds need not have anything to do with each other.
        ("type:OSError function:main logger:com.* level:warning family:other", True),
        ("type:OSError function:main logger:org.*", False),
        # Negation asks for one thing that is otherwise.
        ("!type:OSError", True),
        ("!type:*Error", False),
        ("!function:connect", True),
        ("!module:bot*", False),
        ("function:connect !module:bot.run", True),
        ("!level:warning", False),
        ("!logger:org.*", True),
        ("!tags.other:*", True),
        ("!release:bot@1.*", False),
        ("!family:native", True),
        ("!sdk:sentry.python", False),
    ],
)
def test_matchers_hold_together_on_one_thing(matchers: str, expected: bool) -> None:
    assert holds(matchers) is expected


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ("type:*", False),
        ("!type:X", False),  # no exception is otherwise, as there is none
        ("!function:x", False),
        ("message:*", False),
        ("logger:*", False),
        ("!logger:x", True),
        ("!release:x", True),
        ("release:*", False),
        ("sdk:other", True),
        ("level:error", True),
    ],
)
def test_what_an_event_does_not_tell_matches_nothing(matchers: str, expected: bool) -> None:
    assert holds(matchers, BARE) is expected


def test_a_frame_without_a_function_is_unknown() -> None:
    assert holds('function:"<unknown>"', BARE, frames=(Frame(module="a"),))
    assert holds("function:main", BARE, frames=(MAIN,))


def test_the_message_of_an_event_without_parameters_is_its_message() -> None:
    assert holds('message:"plain text"', BARE, message=" plain text ")


def test_blanks_around_what_is_matched_do_not_count() -> None:
    raised = (ExceptionValue(type="E", value=" gone\n"),)
    assert holds("value:gone message:gone", BARE, exceptions=raised)
    assert holds("release:a tags.b:c", BARE, release=" a", tags=(("b", "c "),))


@pytest.mark.parametrize(
    ("platform", "family"),
    [
        ("javascript", "javascript"),
        ("node", "javascript"),
        ("cocoa", "native"),
        ("c", "native"),
        ("python", "other"),
        ("java", "other"),
        ("", "other"),
    ],
)
def test_a_family_is_that_of_the_platform(platform: str, family: str) -> None:
    assert holds(f"family:{family}", BARE, platform=platform)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("sentry.python.flask", "sentry.python"),
        ("sentry-python", "sentry.python"),
        ("sentry.javascript.react", "sentry.javascript.react"),
        ("sentry.native.android.flutter", "sentry.native.android"),
        ("raven-js", "other"),
        ("", "other"),
    ],
)
def test_an_sdk_is_called_as_sentry_does(name: str, called: str) -> None:
    assert sdk_of(name) == called


@pytest.mark.parametrize(
    ("right", "values", "title"),
    [
        ("system-down", ["system-down"], ""),
        ("connection-error, {{ transaction }}", ["connection-error", "{{ transaction }}"], ""),
        ("{{default}},{{ tags.a }}", ["{{default}}", "{{ tags.a }}"], ""),
        ("a b,c", ["a", "b", "c"], ""),
        ('"a, b" c', ["a, b", "c"], ""),
        (r'"say \"no\""', ['say "no"'], ""),
        (
            'error-logger, {{ logger }} title="Error from {{ logger }}"',
            ["error-logger", "{{ logger }}"],
            "Error from {{ logger }}",
        ),
        ('title="T" a', ["a"], "T"),
    ],
)
def test_the_right_side_is_values_and_a_title(right: str, values: list[str], title: str) -> None:
    (rule,), problems = parse_fingerprint_rules(f"type:X -> {right}", "f")
    assert not problems
    assert (list(rule.values), rule.title) == (values, title)


def test_comments_and_empty_lines_are_no_rules_and_places_count_them() -> None:
    text = "\ufeff# first\r\n\r\n   # second\n  type:A ->a\ntype:B   ->   b\n"
    found, problems = parse_fingerprint_rules(text, "f")
    assert not problems
    assert [(rule.place, rule.values) for rule in found] == [("f:4", ("a",)), ("f:5", ("b",))]


def test_the_first_rule_that_holds_wins_replaces_the_clients_and_is_named() -> None:
    applied = apply("type:KeyError -> key\ntype:Conn* -> first\ntype:ConnectionError -> second\n")
    assert applied.event.sentry_fingerprint == ("first",)
    assert applied.notes == ["rules.txt:2: its fingerprint replaces the event's own"]
    untouched = apply("type:KeyError -> key\n")
    assert untouched.event == EVENT
    assert untouched.notes == []


def test_a_title_is_filled_in_and_shows_nothing_personal() -> None:
    told = apply('type:* -> a title="{{ error.type }} in {{ logger }} for {{ tags.who }} {{ x }}"')
    who = "ConnectionError in com.myapp.mypackage.Jobs for <no-value-for-tag-who> {{ x }}"
    assert told.title == who
    mailed = apply('type:* -> a title="for {{ tags.who }}"', tags=(("who", "bob@shop.example"),))
    assert mailed.title == "for <email>"


BAD = [
    ("type:A", "expected -> and values, with a blank before it, found the end of the line"),
    ("type:A ->", "expected at least one value"),
    ('type:A -> title="T"', "expected at least one value"),
    ("-> a", "expected matcher:pattern ... -> value, ..., found `-> a`"),
    ("typo:A -> a", 'unknown matcher "typo"; allowed: type, value, message, logger, level,'),
    ("category:ui -> a", 'unknown matcher "category"; allowed: type,'),
    ("tags.:x -> a", 'unknown matcher "tags."'),
    ("type: -> a", "expected a pattern right behind type:, found `-> a`"),
    ("type:A->a", "expected -> and values, with a blank before it, found the end"),
    ("type:", "expected a pattern right behind type:, found the end"),
    ("just words -> a", "expected matcher:pattern, found `just words -> a`"),
    ("type:[ab -> a", "the pattern of type is no glob: a [ that is not closed"),
    ('value:"{a" -> a', "the pattern of value is no glob: a { that is not closed"),
    ("app:maybe -> a", 'app takes yes, true, 1, no, false or 0, found "maybe"'),
    ("family:java -> a", 'unknown family "java"; allowed: javascript, native, other, all'),
    ('type:A -> a name="T"', 'unknown attribute "name"; allowed: title'),
    ("type:A -> {{ default", "expected a value, "),
    ('message:"no end -> a', "expected a closing quote in "),
    ("[ function:a ] | function:b -> c", "are for stack-trace rules"),
    ("function:b | [ function:a ] -> c", "are for stack-trace rules"),
    ("type:A -> " + "v " * 33, "expected at most 32 values"),
    ("type:A " * 33 + "-> a", "expected at most 32 matchers"),
    ("type:" + "x" * 501 + " -> a", "longer than 500 characters"),
    ("type:" + "x" * LINE_CHARS + " -> a", f"expected at most {LINE_CHARS} characters in a line"),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_what_is_no_rule_is_refused_by_file_and_line(line: str, says: str) -> None:
    _, (problem,) = parse_fingerprint_rules(f"# a comment\n{line}\ntype:A -> a", "my.rules")
    assert problem.startswith("my.rules:2: ")
    assert says in problem


def test_every_bad_line_is_told_up_to_a_bound() -> None:
    _, problems = parse_fingerprint_rules("typo:A -> a\n" * 100, "f")
    assert [problem.partition(" ")[0] for problem in problems] == [f"f:{n}:" for n in range(1, 21)]


def test_a_file_has_a_most_of_rules() -> None:
    found, (problem,) = parse_fingerprint_rules("type:A -> a\n" * (RULES_MOST + 50), "f")
    assert len(found) == RULES_MOST
    assert problem == f"f:{RULES_MOST + 1}: expected at most {RULES_MOST} rules in a file"


WORDS = st.sampled_from(["a", "b", "ab", ""])
FRAMES = st.builds(Frame, function=WORDS, module=WORDS, in_app=st.booleans())
EXCEPTIONS = st.builds(
    ExceptionValue, type=WORDS, value=WORDS, frames=st.lists(FRAMES, max_size=3).map(tuple)
)
EVENTS = st.builds(
    msgspec.structs.replace,
    st.just(BARE),
    exceptions=st.lists(EXCEPTIONS, max_size=3).map(tuple),
    logger=WORDS,
)
MATCHERS = st.tuples(
    st.booleans(), st.sampled_from(["function", "module", "type", "value", "logger"]), WORDS
)
RULES = st.lists(st.lists(MATCHERS, min_size=1, max_size=3), min_size=1, max_size=4)
Given = list[list[tuple[bool, str, str]]]


def reference(given_rules: Given, event: Event) -> int | None:
    """The number of the first rule that holds, looked for in the dumbest way: prefixes only."""
    frames = [frame for one in event.exceptions for frame in one.frames]
    things: dict[str, list[Any]] = {
        "frame": [{"function": f.function or "<unknown>", "module": f.module} for f in frames],
        "exception": [{"type": e.type, "value": e.value} for e in event.exceptions],
        "log": [{"logger": event.logger}],
    }
    for number, matchers in enumerate(given_rules):
        used = {name for _, name, _ in matchers}
        if all(
            any(
                all(
                    (thing[name] != "" and thing[name].startswith(word)) != negated
                    for negated, name, word in matchers
                    if name in thing
                )
                for thing in things[kind]
            )
            for kind, names in KINDS.items()
            if used & names
        ):
            return number
    return None


KINDS = {"frame": {"function", "module"}, "exception": {"type", "value"}, "log": {"logger"}}


@given(given_rules=RULES, event=EVENTS)
def test_the_rule_that_wins_is_the_first_that_holds(given_rules: Given, event: Event) -> None:
    lines = [
        " ".join(f'{"!" * negated}{name}:"{word}*"' for negated, name, word in matchers)
        + f" -> rule-{number}"
        for number, matchers in enumerate(given_rules)
    ]
    applied = rules("\n".join(lines)).apply(event)
    number = reference(given_rules, event)
    expected = () if number is None else (f"rule-{number}",)
    assert applied.event.sentry_fingerprint == expected
