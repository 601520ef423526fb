"""The laws of the walk over a stack: when one frame is enough, and what counts when it is not."""

from __future__ import annotations

import msgspec
import pytest

from correlators.fingerprint import explain, signature
from correlators.reasons import Dropped
from correlators.types import Event, ExceptionValue, Frame


def app(function: str, module: str = "shop.Cart", *, filename: str = "") -> Frame:
    return Frame(function=function, module=module, filename=filename, in_app=True)


def library(function: str, module: str = "lib.Store") -> Frame:
    return Frame(function=function, module=module)


def event(*frames: Frame, kind: str = "E", value: str = "", platform: str = "java") -> Event:
    raised = ExceptionValue(type=kind, value=value, frames=frames)
    return Event(
        project="p",
        event_id="e",
        service="s",
        environment="x",
        platform=platform,
        exceptions=(raised,),
    )


def parts(*frames: Frame, **more: str) -> tuple[str, ...]:
    return signature(event(*frames, **more)).parts


@pytest.mark.parametrize("kind", ["IllegalArgumentException", "ParseException"])
def test_of_a_bad_argument_the_two_callers_count_that_gave_it(kind: str) -> None:
    stack = (app("main"), app("load"), app("read"), app("parse"))
    assert parts(*stack, kind=kind)[1:] == (
        "frame shop.Cart parse",
        "frame shop.Cart read",
        "frame shop.Cart load",
    )
    assert parts(*stack, kind="IllegalStateException")[1:] == ("frame shop.Cart parse",)


def test_a_bad_argument_of_a_library_was_given_by_the_frame_itself() -> None:
    stack = (app("load"), app("read"), library("parse"))
    assert parts(*stack, kind="IllegalArgumentException")[1:] == ("frame shop.Cart read",)
    index = parts(*stack, kind="IndexOutOfBoundsException")
    assert index[1:] == ("frame shop.Cart read", "frame shop.Cart load")


@pytest.mark.parametrize("platform", ["python", "javascript", "ruby", "go"])
def test_where_built_ins_leave_no_frame_no_giver_is_looked_for(platform: str) -> None:
    stack = (app("load"), app("read"), app("parse"))
    made = parts(*stack, kind="InvalidArgumentError", platform=platform)
    assert len(made) == 2
    assert made[1].endswith("parse")


def test_a_proxy_above_does_not_make_an_error_the_library_s() -> None:
    proxy = Frame(module="com.sun.proxy.$Proxy12", function="parse")
    stack = (app("load"), app("read"), proxy)
    assert len(parts(*stack, kind="IllegalArgumentException")) == 3


@pytest.mark.parametrize(
    "helper",
    [
        "handleUnexpectedToken",
        "missingInvocation",
        "enforceLimit",
        "wrapAndThrow",
        "notNull",
        "log_and_raise",
    ],
)
def test_behind_a_function_that_is_about_a_fault_its_caller_counts(helper: str) -> None:
    assert len(parts(app("charge"), app(helper, "shop.Util"))) == 3
    assert any("its caller" in line for line in explain(event(app("charge"), app(helper))))


@pytest.mark.parametrize(
    "worker", ["removeInvalidItems", "getErrors", "handleRequest", "doFilter", "unknownSizeOf"]
)
def test_a_function_that_works_on_faults_works(worker: str) -> None:
    assert len(parts(app("charge"), app(worker))) == 2


def test_where_no_function_is_named_the_callers_count_to_the_first_that_is() -> None:
    stack = [app(name, "", filename="main.js") for name in ("boot", "submit", "t", "pay/<")]
    made = parts(*stack, platform="javascript", value="no card")
    assert made == ("type E", "frame main.js", "frame main.js submit")


def test_where_no_frame_names_a_function_the_message_counts() -> None:
    stack = [app(name, "", filename="main.4f3a2b1c.js") for name in ("e.t", "t", "?")]
    made = parts(*stack, platform="javascript", value="no card 17")
    assert made == ("type E", "frame main.js", "message no card <int>")
    told = explain(event(*stack, platform="javascript", value="x"))
    assert any("no frame names a function" in line for line in told)


def test_browsers_agree_on_one_error() -> None:
    host, file = "https://shop.example/js/cart.4f3a2b1c.js", "cart.js"

    def browser(*frames: tuple[str, str]) -> tuple[str, ...]:
        stack = [app(function, "", filename=at) for function, at in frames]
        return parts(*stack, kind="TypeError", platform="javascript")

    chrome = browser(
        ("HTMLButtonElement.onclick", host), ("Array.map", "<anonymous>"), ("new Cart", host)
    )
    firefox = browser(("onclick", host), ("Cart", host))
    safari = browser(("onclick@", host), ("map", "[native code]"), ("Cart", host))
    assert chrome == firefox == safari == ("type TypeError", f"frame {file} Cart")


def test_browsers_agree_on_a_recursion() -> None:
    cycle = [app(name, "", filename="a.js") for name in ("walk", "visit")] * 9
    one = parts(
        *cycle,
        kind="RangeError",
        value="Maximum call stack size exceeded.",
        platform="javascript",
    )
    two = parts(
        *cycle[:-1], kind="InternalError", value="too much recursion", platform="javascript"
    )
    assert one == two == ("type RangeError", "frame a.js visit", "frame a.js walk")


def test_without_in_app_frames_what_only_raises_and_the_runtime_do_not_count() -> None:
    stack = (library("serve"), library("open"), library("abort"))
    assert parts(*stack)[1:] == ("frame lib.Store open", "frame lib.Store serve")
    runtime = Frame(module="java.util.ArrayList", function="get")
    assert parts(*stack[:2], runtime) == parts(*stack)
    assert parts(runtime) == ("type E", "frame java.util.ArrayList get")
    assert any("runtime's own" in line for line in explain(event(*stack[:2], runtime)))


def test_a_crash_by_a_signal_goes_by_its_stack_and_without_one_by_the_signal() -> None:
    made = [parts(app("total", ""), kind=kind, platform="native") for kind in ("SIGSEGV", "SIGBUS")]
    assert made == [("frame total",), ("frame total",)]
    assert parts(kind="SIGSEGV", platform="native") == ("type SIGSEGV",)


def test_a_base_class_does_not_count_where_the_function_has_a_telling_name() -> None:
    old, new = (app("computeObjectiveValue", f"a.b.{name}") for name in ("BaseFit", "AbstractFits"))
    assert parts(old) == parts(new)
    assert parts(app("get", "a.b.BaseFit")) != parts(app("get", "a.b.AbstractFits"))
    assert parts(app("decodeAllBytes", "a.b.Base64")) != parts(app("decodeAllBytes", "a.b.Base32"))


def test_an_explanation_tells_what_was_dropped_and_cleaned() -> None:
    told = explain(event(app("lambda$pay$3"), Frame(module="a.$Proxy1", function="x", in_app=True)))
    assert "  cleaned lambda$pay$3 to pay: a numbered lambda" in told
    assert any(line.startswith("  dropped frame a.$Proxy1 x: generated") for line in told)


def test_of_what_is_thrown_and_is_no_error_the_text_counts() -> None:
    frames = (app("sendUnhandledPromise", "sdk.integrations"),)

    def made(value: str, platform: str) -> tuple[str, ...]:
        one = ExceptionValue(type="E", value=value, synthetic=True, frames=frames)
        base = event(platform=platform)
        return signature(msgspec.structs.replace(base, exceptions=(one,))).parts

    assert made("no card", "node") != made("no stock", "node")
    assert made("no card 17", "node") == made("no card 18", "node")
    assert made("no card", "native") == made("no stock", "native")


def test_browsers_agree_on_a_message_that_one_of_them_calls_uncaught() -> None:
    frame = app("?", "", filename="worker.js")
    said = ["Uncaught Error: no card", "Error: no card", "uncaught exception: Error: no card"]
    assert len({parts(frame, platform="javascript", value=text) for text in said}) == 1


def test_a_function_of_clojure_without_a_name_lets_its_caller_count() -> None:
    unnamed = app("invoke", "shop.main$fn__288$fn__289")
    one, two = (parts(app("invoke", f"shop.main${name}"), unnamed) for name in ("load", "save"))
    assert one != two


@pytest.mark.parametrize(
    ("platform", "newest", "why"),
    [
        ("native", Frame(function="sentry_panic::panic_handler::{{closure}}"), Dropped.SDK),
        ("native", Frame(function="<sentry_core::hub::Hub as T>::f"), Dropped.SDK),
        ("native", Frame(function="__rustc::rust_begin_unwind"), Dropped.RUNTIME),
        ("java", Frame(module="io.sentry.Sentry", function="captureException"), Dropped.SDK),
        ("python", Frame(module="sentry_sdk.utils", function="wrap"), Dropped.SDK),
        ("go", Frame(module="github.com/getsentry/sentry-go", function="Recover"), Dropped.SDK),
    ],
)
def test_the_sdk_that_reports_and_the_panic_itself_are_not_the_program(
    platform: str, newest: Frame, why: Dropped
) -> None:
    own = app("parse", "shop.prices")
    called = msgspec.structs.replace(newest, in_app=True)
    with_it, alone = event(own, called, platform=platform), event(own, platform=platform)
    for version, same in ((1, False), (2, True)):
        found = [signature(one, version=version).fingerprint for one in (with_it, alone)]
        assert (found[0] == found[1]) is same
    assert any(str(why) in line for line in explain(with_it, version=2))
