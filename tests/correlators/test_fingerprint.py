"""The laws of signatures: the same error is one, different errors are two, nothing raises."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprint import UnknownVersion, cache_key, explain, fingerprint, signature
from correlators.types import Event, ExceptionValue, Frame, Level, SignatureKind

TEXT = st.text(max_size=30) | st.sampled_from(["?", "lambda$x$1", "a.b", "{{ default }}", "\ud800"])
NAMES = st.from_regex(r"[a-z]{3,9}(_[a-z]{3,9})?", fullmatch=True)
FRAMES = st.builds(
    Frame,
    function=TEXT,
    module=TEXT,
    filename=TEXT,
    abs_path=TEXT,
    lineno=st.integers(0, 9999),
    in_app=st.booleans(),
    context_line=TEXT,
)
EXCEPTIONS = st.builds(
    ExceptionValue,
    type=TEXT,
    value=TEXT,
    module=TEXT,
    synthetic=st.booleans(),
    frames=st.lists(FRAMES, max_size=6).map(tuple),
)
EVENTS = st.builds(
    Event,
    project=TEXT,
    event_id=TEXT,
    service=TEXT,
    environment=TEXT,
    release=TEXT,
    level=st.sampled_from(Level),
    platform=st.sampled_from(["python", "javascript", "java", ""]),
    logger=TEXT,
    transaction=TEXT,
    culprit=TEXT,
    message=TEXT,
    exceptions=st.lists(EXCEPTIONS, max_size=7).map(tuple),
    frames=st.lists(FRAMES, max_size=4).map(tuple),
    sentry_fingerprint=st.lists(TEXT, max_size=3).map(tuple),
)


def frame(function: str, module: str = "shop.orders", *, in_app: bool = True) -> Frame:
    return Frame(function=function, module=module, in_app=in_app)


def error(*frames: Frame, kind: str = "ValueError", value: str = "") -> ExceptionValue:
    return ExceptionValue(type=kind, value=value, frames=frames)


def event(*exceptions: ExceptionValue, **fields: object) -> Event:
    base = {"project": "p", "event_id": "e", "service": "s", "environment": "production"}
    return msgspec.convert({**base, "exceptions": exceptions, **fields}, Event)


def key(*exceptions: ExceptionValue, **fields: object) -> str:
    return signature(event(*exceptions, **fields)).fingerprint


@given(EVENTS)
def test_every_event_has_a_signature_with_reasons(any_event: Event) -> None:
    made = signature(any_event)
    assert len(made.fingerprint) == 32
    assert made.parts
    assert made.title
    assert len(made.title) <= 402
    told = explain(any_event)
    assert told[0].startswith("signature version 2, decided by")
    assert [line.rpartition(": ")[0] for line in told[1 : 1 + len(made.parts)]] == list(made.parts)
    assert all(line.startswith("  ") for line in told[1 + len(made.parts) :])
    assert cache_key(any_event)


@given(EVENTS, EVENTS)
def test_equal_cache_keys_mean_equal_signatures(one: Event, two: Event) -> None:
    unread = msgspec.structs.replace(
        one, event_id=two.event_id, release=two.release, service=two.service, user_hash=7
    )
    assert cache_key(unread) == cache_key(one)
    assert signature(unread) == signature(one)
    if signature(one) != signature(two):
        assert cache_key(one) != cache_key(two)


READ = ["platform", "logger", "transaction", "culprit", "message", "exceptions", "frames"]
READ += ["level", "sentry_fingerprint"]


@given(EVENTS, EVENTS, st.sampled_from(READ))
def test_the_cache_key_covers_every_field_that_is_read(one: Event, two: Event, field: str) -> None:
    mixed = msgspec.structs.replace(one, **{field: getattr(two, field)})
    if signature(mixed) != signature(one):
        assert cache_key(mixed) != cache_key(one)


@given(
    st.lists(NAMES, min_size=1, max_size=6),
    st.lists(st.integers(0, 9999), min_size=6, max_size=6),
    st.sampled_from(["/srv/a1/", "/home/x/", "C:\\build\\7\\", "https://cdn.example/9f/"]),
    st.uuids(),
    st.integers(),
)
def test_lines_folders_ids_and_releases_do_not_count(
    functions: list[str], lines: list[int], folder: str, some_id: object, number: int
) -> None:
    def build(root: str, linenos: list[int], text: str, release: str) -> str:
        frames = tuple(
            Frame(
                function=name,
                filename=f"{root}orders.py",
                abs_path=f"{root}orders.py",
                lineno=lineno,
                in_app=True,
            )
            for name, lineno in zip(functions, linenos, strict=False)
        )
        return key(ExceptionValue(type="ValueError", value=text, frames=frames), release=release)

    assert build(folder, lines, f"order {some_id} of {number}", "shop@2") == build(
        "/app/", [1] * 6, "order 123e4567-e89b-12d3-a456-426614174000 of 7", "shop@1"
    )


@given(NAMES, NAMES, NAMES)
def test_the_raising_function_its_module_the_type_and_the_cause_count(
    one: str, two: str, module: str
) -> None:
    base = error(frame("entry"), frame(one + "_x"))
    keys = {
        key(base),
        key(error(frame("entry"), frame(two + "_y"))),
        key(error(frame("entry"), frame(one + "_x", module + ".other"))),
        key(error(frame("entry"), frame(one + "_x"), kind="KeyError")),
        key(error(frame("connect"), kind="OSError"), base),
        key(error(frame("listen"), kind="OSError"), base),
        key(error(frame("listen"), kind="IOError"), base),
    }
    assert len(keys) == 7


@pytest.mark.parametrize(
    ("platform", "one", "two"),
    [
        ("java", "lambda$charge$0", "lambda$charge$17"),
        ("java", "CGLIB$charge$3", "charge"),
        ("go", "(*Cart).Charge.func1", "(*Cart).Charge.func2.1"),
        ("rust", "shop::charge::h0123456789abcdef", "shop::charge::hfedcba9876543210"),
        ("csharp", "<ChargeAsync>d__4.MoveNext", "<ChargeAsync>d__9.MoveNext"),
        ("ruby", "block (2 levels) in charge", "charge"),
        ("php", "class@anonymous/srv/a.php:3$0::charge", "class@anonymous/opt/b.php:9$1::charge"),
        ("javascript", "Object.charge", "charge"),
        ("javascript", "async charge", "charge [as onClick]"),
        ("native", "charge(int, char const*)", "charge"),
        ("python", "outer.<locals>.charge", "charge"),
        ("native", "charge+0x1f", "charge+0x2f"),
    ],
)
def test_generated_parts_of_a_function_do_not_count(platform: str, one: str, two: str) -> None:
    assert key(error(frame(one)), platform=platform) == key(error(frame(two)), platform=platform)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Frame(module="a.Cart$$EnhancerBySpringCGLIB$$1a2b"), Frame(module="a.Cart")),
        (Frame(module="a.Cart$Mock$1"), Frame(module="a.Cart$Mock$2")),
        (Frame(module="a.Cart$$Lambda$14/0x0000800"), Frame(module="a.Cart")),
        (Frame(filename="/srv/r1/main.4f3a2b1c.js"), Frame(filename="https://c/x/main.js?v=2")),
        (Frame(filename="assets/index-DiwrgTda.js"), Frame(filename="assets/index-Bx91kQ_z.js")),
        (Frame(filename=r"C:\app\Cart.cs"), Frame(filename="/srv/app/cart.cs")),
    ],
)
def test_generated_parts_of_a_place_do_not_count(one: Frame, two: Frame) -> None:
    keys = {
        key(error(msgspec.structs.replace(some, function="charge", in_app=True)))
        for some in (one, two)
    }
    assert len(keys) == 1


def test_a_message_does_not_count_where_the_stack_tells() -> None:
    stack = (frame("entry"), frame("charge"))
    assert key(error(*stack, value="card is stolen")) == key(error(*stack, value="no such card"))


def test_a_message_counts_where_there_is_no_stack() -> None:
    assert key(error(value="card is stolen")) != key(error(value="no such card"))
    assert key(error(value="card 17 is stolen")) == key(error(value="card 18 is stolen"))
    assert signature(event(error(value="x y"))).kind is SignatureKind.MESSAGE


def test_a_message_counts_with_the_stack_of_the_place_that_wrote_it() -> None:
    frames = (frame("entry"), frame("log_it"))
    assert key(message="card is stolen", frames=frames) != key(message="no card", frames=frames)


@pytest.mark.parametrize("helper", ["checkState", "require_positive", "notNull", "newLimitError"])
def test_behind_a_frame_that_only_raises_its_caller_counts(helper: str) -> None:
    module = "shop.Assert" if helper == "notNull" else "shop.util"
    one = error(frame("charge"), frame(helper, module))
    two = error(frame("refund"), frame(helper, module))
    assert key(one) != key(two)
    assert any("its caller" in line for line in explain(event(one)))


@pytest.mark.parametrize("worker", ["checkout", "reporter", "validated", "failover", "charge"])
def test_behind_a_frame_that_works_no_caller_counts(worker: str) -> None:
    assert key(error(frame("web"), frame(worker))) == key(error(frame("batch"), frame(worker)))


def test_a_checking_frame_that_called_a_library_failed_itself() -> None:
    library = frame("connect", "socket", in_app=False)
    one = error(frame("charge"), frame("check_stock"), library)
    two = error(frame("refund"), frame("check_stock"), library)
    assert key(one) == key(two)


def test_where_a_frame_raises_what_it_is_told_the_plain_words_count() -> None:
    stack = (frame("charge"), frame("raise_error"))
    assert key(error(*stack, value="card is stolen")) != key(error(*stack, value="no such card"))
    assert key(error(*stack, value="card A17 of 'bob' is stolen")) == key(
        error(*stack, value="card B99 of 'amy' is stolen")
    )


def test_system_frames_count_only_where_none_is_in_app() -> None:
    one, two = (frame(name, "lib", in_app=False) for name in ("recv", "send"))
    assert key(error(one)) != key(error(two))
    assert key(error(frame("charge"), one)) == key(error(frame("charge"), two))


def test_the_depth_of_a_recursion_and_where_it_stopped_do_not_count() -> None:
    cycle = (frame("walk"), frame("visit"))
    one = error(*cycle * 40, kind="RecursionError")
    two = error(frame("entry"), *cycle * 73, frame("walk"), kind="RecursionError")
    assert key(one) == key(two)


def test_how_often_a_group_holds_the_same_failure_does_not_count() -> None:
    child, root = error(frame("fetch")), error(frame("gather"), kind="ExceptionGroup")
    assert key(child, child, root) == key(child, child, child, root)


def test_a_type_that_the_sdk_made_up_does_not_count() -> None:
    made_up = [ExceptionValue(type=t, value="no card", synthetic=True) for t in ("A", "B")]
    assert key(made_up[0]) == key(made_up[1])


def test_a_custom_fingerprint_overrules_and_a_hybrid_one_adds() -> None:
    one, two = error(frame("charge")), error(frame("refund"))
    assert key(one, sentry_fingerprint=("pay",)) == key(two, sentry_fingerprint=("pay",))
    assert key(one, sentry_fingerprint=("pay",)) != key(one, sentry_fingerprint=("ship",))
    hybrid = ("{{ default }}", "tenant-7")
    assert key(one, sentry_fingerprint=hybrid) != key(two, sentry_fingerprint=hybrid)
    assert key(one, sentry_fingerprint=hybrid) != key(one)
    assert key(one, sentry_fingerprint=("{{default}}",)) == key(one)
    assert signature(event(one, sentry_fingerprint=("pay",))).kind is SignatureKind.CUSTOM


def test_custom_values_that_differ_only_in_ids_stay_two_and_show_no_mail() -> None:
    one, two = (
        signature(event(sentry_fingerprint=(mail,))) for mail in ("bob@a.example", "amy@a.example")
    )
    assert one.fingerprint != two.fingerprint
    assert "bob" not in "".join(one.parts)


def test_variables_of_a_custom_fingerprint_stand_for_the_event() -> None:
    want = ("{{ transaction }}", "{{ error.type }}")
    made = signature(event(error(frame("x")), transaction="/cart", sentry_fingerprint=want))
    assert made.parts == ("custom /cart", "custom ValueError")


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (
            event(error(kind="KeyError", value="'sku' for bob@a.example")),
            "KeyError: 'sku' for <email>",
        ),
        (event(error(kind="OSError")), "OSError"),
        (event(message="card 17\nis stolen"), "card <int> is stolen"),
        (event(culprit="shop.orders in charge"), "shop.orders in charge"),
        (event(), "Event without a description"),
    ],
)
def test_a_title_names_the_error_and_nobody(made: Event, title: str) -> None:
    assert signature(made).title == title


def test_parts_cannot_run_into_each_other_or_into_the_version() -> None:
    lists = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], []]
    assert len({fingerprint(version, parts) for version in (1, 11) for parts in lists}) == 10


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(UnknownVersion, match="signature version 99"):
        signature(event(), version=99)


def test_fingerprints_of_version_1_never_change() -> None:
    made = signature(event(error(frame("entry"), frame("charge"))), version=1)
    assert made.parts == ("type ValueError", "frame shop.orders charge")
    assert made.fingerprint == fingerprint(1, made.parts)
    assert made.fingerprint == "8294bc8f2a4758984c66dc673721eced"


PROGRAM = """
import msgspec
from correlators.fingerprint import cache_key, signature
from correlators.types import Event, ExceptionValue, Frame
stack = tuple(Frame(function=n, module="m", in_app=True) for n in ("a", "check_it", "raise_error"))
cycle = tuple(Frame(function=n, module="m", in_app=True) for n in ("x", "y")) * 9
kinds = (("RecursionError", cycle), ("E", stack))
errors = tuple(ExceptionValue(type=kind, frames=frames) for kind, frames in kinds)
e = Event(project="p", event_id="e", service="s", environment="x", exceptions=errors)
print(signature(e), cache_key(e).hex())
"""


def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert "RecursionError" in said.pop()
