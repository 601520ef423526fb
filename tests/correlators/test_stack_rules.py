"""Stack-trace rules in Sentry's syntax: what a line does to frames, in which order, what is
refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.sentry_rules.apply import Applied, Rules
from correlators.sentry_rules.fingerprint_rules import parse_fingerprint_rules
from correlators.sentry_rules.stack_rules import parse_stack_rules
from correlators.types import Event, ExceptionValue, Frame

BARE = Event(project="1", event_id="a", service="shop", environment="production")


def stack(*functions: str) -> tuple[Frame, ...]:
    """Frames from the oldest to the crash; one written +name is in-app."""
    return tuple(
        Frame(function=name.removeprefix("+"), in_app=name.startswith("+")) for name in functions
    )


def apply(text: str, event: Event, fingerprint_rules: str = "") -> Applied:
    found, problems = parse_stack_rules(text, "stack.rules")
    assert not problems
    return Rules(parse_fingerprint_rules(fingerprint_rules, "f.rules")[0], found).apply(event)


def after(text: str, *functions: str, platform: str = "", **exception: Any) -> list[str]:
    """The frames that are left, written as in `stack`."""
    raised = ExceptionValue(type="E", frames=stack(*functions))
    raised = msgspec.structs.replace(raised, **exception)
    event = msgspec.structs.replace(BARE, exceptions=(raised,), platform=platform)
    return written(apply(text, event).event.exceptions[0].frames)


def written(frames: tuple[Frame, ...]) -> list[str]:
    return [f"{'+' if frame.in_app else ''}{frame.function}" for frame in frames]


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("function:b +app", ["+a", "+b", "+c", "d"]),
        ("function:c -app", ["+a", "b", "c", "d"]),
        ("function:b -group", ["+a", "+c", "d"]),
        # ^ is toward the crash, v away from it; neither touches the frame itself.
        ("function:b ^-app", ["+a", "b", "c", "d"]),
        ("function:b ^+app", ["+a", "b", "+c", "+d"]),
        ("function:c v-app", ["a", "b", "+c", "d"]),
        ("function:b ^-group", ["+a", "b"]),
        ("function:b v-group", ["b", "+c", "d"]),
        ("function:b ^-group -group", ["+a"]),
        ("function:c ^-app -app ^-group -group", ["+a", "b"]),
        ("function:c v-group -group", ["d"]),
        ("function:c v+app -app ^-app", ["+a", "+b", "c", "d"]),
        ("function:* +app", ["+a", "+b", "+c", "+d"]),
        ("!function:b -group", ["b"]),
        ("function:[ab] -group", ["+c", "d"]),
        # Rules run from top to bottom, on what the ones before made of the frames.
        ("app:no +app\nfunction:[bd] -app", ["+a", "b", "+c", "d"]),
        ("function:b +app\napp:yes -app", ["a", "b", "c", "d"]),
        ("app:yes -app\nfunction:b +app", ["a", "+b", "c", "d"]),
        # A rule finds all its frames before it changes one.
        ("app:yes ^-app", ["+a", "b", "c", "d"]),
        ("function:* -group\nfunction:b +group", ["b"]),
        ("function:b +group\nfunction:* -group", []),
        # What is left out is decided by the frames as they are marked in the end.
        ("app:yes -group\nfunction:a -app", ["a", "b", "d"]),
        ("app:true -group", ["b", "d"]),
        ("app:0 -group", ["+a", "+c"]),
        ("function:b category=x\ncategory:x -group", ["+a", "+c", "d"]),
        ("category:x -group\nfunction:b category=x", ["+a", "+c", "d"]),
        ("function:b category=x\nfunction:b category=y\ncategory:x -group", ["+a", "b", "+c", "d"]),
        ("!category:x -group", []),
    ],
)
def test_what_a_rule_does_to_frames(rules: str, left: list[str]) -> None:
    assert after(rules, "+a", "b", "+c", "d") == left


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ("[ function:a ] | function:* -group", ["+a", "+c", "d"]),
        ("function:* | [ function:b ] -group", ["b", "+c", "d"]),
        # Both siblings make a range.
        ("[ function:a ] | function:* | [ function:c ] -group", ["+a", "+c", "d"]),
        ("[ function:a ] | function:* | [ function:d ] -group", ["+a", "b", "+c", "d"]),
        # A neighbour that is not there fits nothing, not even a negation.
        ("[ !function:x ] | function:* -group", ["+a"]),
        ("function:* | [ !function:x ] -group", ["d"]),
        ("[ app:yes ] | app:no -group", ["+a", "+c"]),
        ("[ function:a ] | function:b +app\n[ app:yes ] | function:c -app", ["+a", "+b", "c", "d"]),
        ("function:b category=t\n[ category:t ] | app:yes -group", ["+a", "b", "d"]),
    ],
)
def test_neighbours_of_a_frame(rules: str, left: list[str]) -> None:
    assert after(rules, "+a", "b", "+c", "d") == left


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        # Among in-app frames, as only they would be looked at; the last rule that says so wins.
        ("function:* max-frames=1", ["b", "+c", "d"]),
        ("function:* max-frames=2", ["+a", "b", "+c", "d"]),
        ("function:* max-frames=1\nfunction:a max-frames=2", ["+a", "b", "+c", "d"]),
        ("function:* max-frames=1\nfunction:a max-frames=0", ["+a", "b", "+c", "d"]),
        ("function:x max-frames=1", ["+a", "b", "+c", "d"]),
        ("function:* -app max-frames=1", ["d"]),
        ("function:* -app max-frames=2\nfunction:d -group", ["b", "c"]),
        ("function:* -app max-frames = 3", ["b", "c", "d"]),
    ],
)
def test_only_the_newest_frames_count(rules: str, left: list[str]) -> None:
    assert after(rules, "+a", "b", "+c", "d") == left


FULL = Frame(
    function="Go",
    module="shop.Jobs",
    package="/usr/lib/libcurl.so",
    abs_path=r"C:\Shop\generated\Go.js",
    filename="go.js",
)


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ("path:**/generated/**.JS", True),
        ("stack.abs_path:c:/shop/**", True),
        ("path:go.js", False),
        ("package:**/libcurl.*", True),
        ("stack.package:libcurl.so", False),
        ("module:shop.*", True),
        ("stack.module:SHOP.*", False),
        ("function:Go", True),
        ("stack.function:go", False),
        ("family:javascript", True),
        ("family:native,other", False),
        ("family:all", True),
        ("!family:other", True),
        ("error.type:Timeout*", True),
        ("type:timeout*", False),
        ('error.value:"late by *"', True),
        ("value:early*", False),
        ("error.mechanism:onerror", True),
        ("mechanism:generic", False),
        ("!mechanism:generic", True),
        ("function:Go module:shop.Jobs type:Timeout", True),
        ("function:Go module:other", False),
        ('"stack.function":"Go"', True),
    ],
)
def test_a_matcher_holds_as_sentry_says(matchers: str, expected: bool) -> None:
    raised = ExceptionValue(
        type="Timeout", value="late by 3 s", mechanism="onerror", frames=(FULL,)
    )
    event = msgspec.structs.replace(BARE, platform="javascript", exceptions=(raised,))
    (left,) = apply(f"{matchers} +app", event).event.exceptions[0].frames
    assert left.in_app is expected


def test_a_frame_has_a_platform_of_its_own_and_a_name_if_it_has_none() -> None:
    frames = (Frame(platform="native"), Frame())
    event = msgspec.structs.replace(BARE, platform="node", frames=frames)
    made = apply('family:native function:"<unknown>" +app', event).event
    assert [frame.in_app for frame in made.frames] == [True, False]


def test_a_stack_without_an_exception_has_an_unknown_one() -> None:
    event = msgspec.structs.replace(BARE, frames=stack("a"))
    assert written(apply('type:"<unknown>" -group', event).event.frames) == []
    assert written(apply("type:E -group", event).event.frames) == ["a"]


def test_every_exception_of_a_chain_has_its_own_stack() -> None:
    chain = (
        ExceptionValue(type="A", frames=stack("x", "y")),
        ExceptionValue(type="B", frames=stack("x", "y")),
    )
    event = msgspec.structs.replace(BARE, exceptions=chain)
    made = apply("type:A function:x -group", event).event
    assert [written(one.frames) for one in made.exceptions] == [["y"], ["x", "y"]]


def test_the_documented_examples_are_rules() -> None:
    text = r"""
# mark all functions in the std namespace to be outside the app
family:native stack.function:std::*       -app
stack.abs_path:**/node_modules/**         -app
stack.abs_path:**/generated/**.js         -group
family:javascript,native stack.abs_path:**/generated/**  -group
[ category:telemetry ] | app:yes -group
category:system | [ app:yes ] -group
stack.abs_path:**src/getsentry/src/getsentry/** +app
family:native max-frames=3
stack.function:fetchSavedSearches v-group
stack.abs_path:**/app/views/**.jsx stack.function:fetchData ^-group
family:native stack.function:SpawnThread v-app -app
family:native stack.function:_NSRaiseError ^-group -app
stack.function:std::panicking::begin_panic       ^-app -app ^-group -group
family:native function:"-\[NSISEngine*" category=ui  # a remark at the end
family:native function:*_block_invoke* app:no category=internals
[ !category:system ] | category:system | [ !category:system ] category=indirection
"""
    rules, problems = parse_stack_rules(text, "f")
    assert not problems
    assert len(rules) == 16
    assert rules[-3].place == "f:16"


def test_frames_are_marked_before_a_fingerprint_is_chosen_and_left_out_after() -> None:
    event = msgspec.structs.replace(BARE, frames=stack("+a", "b"))
    made = apply(
        "function:b +app\nfunction:b -group", event, "app:yes function:b -> {{ function }}, b"
    )
    assert made.event.sentry_fingerprint == ("b", "b")
    assert written(made.event.frames) == ["+a"]
    assert made.notes == [
        "stack.rules:1: 1 frame in-app",
        "stack.rules:2: 1 frame left out",
        "f.rules:1: its fingerprint replaces the event's own",
    ]


def test_notes_name_the_rule_and_what_it_changed_and_nothing_of_the_event() -> None:
    event = msgspec.structs.replace(BARE, frames=stack("+a", "+b", "+c"))
    rules = "function:a -app\nfunction:a -app\nfunction:* max-frames=1\nfunction:x -group"
    assert apply(rules, event).notes == [
        "stack.rules:1: 1 frame not in-app",
        "stack.rules:3: only the newest 1 count",
        "stack.rules:3: 1 frame is beyond max-frames=1",
    ]


def test_rules_that_change_nothing_give_the_same_event() -> None:
    event = msgspec.structs.replace(BARE, exceptions=(ExceptionValue(frames=stack("+a", "b")),))
    made = apply("function:a +app\nfunction:b +group -app", event)
    assert made.event == event
    assert made.notes == []


BAD = [
    ("function:a", "expected at least one action; allowed: +app, -app, +group, -group"),
    ("-app", "expected matcher:pattern ... action ..., found `-app`"),
    ("function:a +ap", "expected an action, found `+ap`; allowed: +app, -app,"),
    ("function:a +apps", "expected an action, found `+apps`"),
    ("function:a +sentinel", "expected an action, found `+sentinel`"),
    ("function:a max-frames=x", "expected an action, found `max-frames=x`"),
    ("function:a max-frames=1001", "expected max-frames from 0 to 1000"),
    ("function:a min-frames=1", "expected an action, found `min-frames=1`"),
    ("function:a category=", "expected an action, found `category=`"),
    ("function:a app", "expected matcher:pattern, found `app`"),
    (
        "func:a -app",
        'unknown matcher "func"; allowed: family, path, module, function, package,',
    ),
    ("tags.a:b -app", 'unknown matcher "tags.a"; allowed: family,'),
    ("logger:a -app", 'unknown matcher "logger"; allowed: family,'),
    ("app:maybe -app", 'app takes yes, true, 1, no, false or 0, found "maybe"'),
    ("family:java -app", 'unknown family "java"; allowed: javascript, native, other, all'),
    ("function:{a -app", "the pattern of function is no glob: a { that is not closed"),
    ("[ function:a | function:b -app", "expected one matcher between [ and ]"),
    ("[ function:a ] function:b -app", "expected | behind the caller's ], found `function:b -app`"),
    ("[ function:a ] | -app", "expected matcher:pattern ... action ..., found `-app`"),
    ("function:a | function:b -app", "expected [ matcher:pattern ] behind |"),
    ("[ type:A ] | function:b -app", "type is of the exception: it stands outside [ ]"),
    ("function:a" + " -app" * 17, "expected at most 16 actions"),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_what_is_no_rule_is_refused_by_file_and_line(line: str, says: str) -> None:
    _, (problem,) = parse_stack_rules(f"\n# comment\n{line}\nfunction:a -app", "my.rules")
    assert problem.startswith("my.rules:3: ")
    assert says in problem


NAMES = st.sampled_from("abc")
MATCHERS = st.tuples(st.booleans(), st.sampled_from(["function", "app", "category"]), NAMES)
ACTIONS = st.tuples(st.sampled_from(["", "^", "v"]), st.sampled_from("+-"), NAMES)
GIVEN = st.lists(
    st.tuples(
        st.none() | MATCHERS,
        st.lists(MATCHERS, min_size=1, max_size=2),
        st.none() | MATCHERS,
        st.lists(
            st.tuples(
                st.sampled_from(["", "^", "v"]),
                st.booleans(),
                st.sampled_from(["app", "group", "x", "y"]),
            ),
            min_size=1,
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=5,
)
Drawn = list[tuple[Any, list[Any], Any, list[tuple[str, bool, str]]]]


def pattern(name: str, word: str) -> str:
    return {"app": {"a": "yes"}.get(word, "no"), "category": {"a": "x"}.get(word, "y")}.get(
        name, word
    )


def as_text(rules: Drawn) -> str:
    def one(drawn: Any) -> str:
        negated, name, word = drawn
        return f"{'!' if negated else ''}{name}:{pattern(name, word)}"

    return "\n".join(
        (f"[ {one(caller)} ] | " if caller else "")
        + " ".join(map(one, here))
        + (f" | [ {one(callee)} ]" if callee else "")
        + "".join(
            f" category={name}" if name in "xy" else f" {way}{'+' if flag else '-'}{name}"
            for way, flag, name in actions
        )
        for caller, here, callee, actions in rules
    )


def reference(rules: Drawn, frames: tuple[Frame, ...]) -> list[str]:
    """What is left, worked out frame by frame in the dumbest way."""
    names = [frame.function for frame in frames]
    app = [frame.in_app for frame in frames]
    category = [""] * len(frames)
    group = [True] * len(frames)

    def holds(drawn: Any, at: int) -> bool:
        if drawn is None:
            return True
        if not 0 <= at < len(names):
            return False
        negated, name, word = drawn
        value = {
            "function": names[at],
            "app": "yes" if app[at] else "no",
            "category": category[at],
        }[name]
        return bool((value == pattern(name, word)) != negated)

    for marking in (True, False):
        for caller, here, callee, actions in rules:
            found = [
                at
                for at in range(len(names))
                if holds(caller, at - 1)
                and all(holds(one, at) for one in here)
                and holds(callee, at + 1)
            ]
            for at in found:
                for way, flag, name in actions:
                    if marking == (name == "group"):
                        continue
                    if name in "xy":
                        category[at] = name
                        continue
                    flags = app if name == "app" else group
                    for other in range(len(names)):
                        if (other > at) - (other < at) == {"": 0, "^": 1, "v": -1}[way]:
                            flags[other] = flag
    return [f"{'+' if a else ''}{name}" for name, a, g in zip(names, app, group, strict=True) if g]


@given(
    rules=GIVEN,
    frames=st.lists(st.sampled_from(["a", "b", "c", "+a", "+b", "+c"]), max_size=5),
)
def test_rules_do_what_they_do_one_by_one(rules: Drawn, frames: list[str]) -> None:
    assert after(as_text(rules), *frames) == reference(rules, stack(*frames))


def test_rules_look_at_so_many_frames_of_an_event_and_say_so() -> None:
    chain = tuple(
        ExceptionValue(type=f"E{number}", frames=stack("+a", "b") * 125) for number in range(9)
    )
    event = msgspec.structs.replace(BARE, exceptions=chain)
    made = apply("function:a -group", event, "type:E0 function:a -> a")
    assert [len(one.frames) for one in made.event.exceptions] == [250] + [125] * 8
    assert made.notes[0] == "rules look at 2000 frames of an event: older stacks are as sent"
    assert made.event.sentry_fingerprint == ("a",)
    hidden = (ExceptionValue(type="E0", frames=stack("hidden")), *chain)
    unseen = apply("", msgspec.structs.replace(BARE, exceptions=hidden), "function:hidden -> a")
    assert unseen.event.sentry_fingerprint == ()
