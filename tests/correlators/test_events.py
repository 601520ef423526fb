"""What `events.decode` makes of bytes: Sentry's real shapes, older ones, and anything at all."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.events import decode
from correlators.types import ChangeKind, Event, Level, StateChange, Unreadable
from correlators.wire import WireBody, WireChange
from correlators.wire_read import NotReadable, Reason, read_leniently

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sentry"
EVENT_ID = "5d2c9a4be1f04f0d8c7a6b5e4f3d2c1b"


def body_of(fixture: str) -> bytes:
    return (FIXTURES / f"{fixture}.json").read_bytes()


def read(resource: str, body: bytes) -> Event | StateChange | Unreadable:
    return decode(resource, body, default_environment="production")


def event_of(value: Any, resource: str = "event") -> Event:
    result = read(resource, value if isinstance(value, bytes) else json.dumps(value).encode())
    assert isinstance(result, Event)
    return result


def change_of(fixture: str) -> StateChange:
    result = read(fixture.split(".")[0], body_of(fixture))
    assert isinstance(result, StateChange)
    return result


def bare(**parts: Any) -> dict[str, Any]:
    return {"event_id": EVENT_ID, "project": 4507, "title": "t", **parts}


# ------------------------------------------------------------------------------- what Sentry sends


def test_an_error_webhook_gives_every_part_of_the_event() -> None:
    event = event_of(body_of("error.created"), "error")
    assert (event.project, event.event_id, event.service) == ("4507", EVENT_ID, "checkout")
    assert (event.environment, event.release) == ("production", "checkout@2.14.0")
    assert (event.level, event.platform, event.logger) == (Level.ERROR, "python", "checkout.api")
    assert event.transaction == event.culprit == "/api/checkout"
    assert event.occurred_ms == 1_791_188_130_123
    assert event.issue_id == "620114"
    assert event.web_url.endswith(f"/issues/620114/events/{EVENT_ID}/")
    assert event.issue_url == "https://sentry.io/api/0/organizations/acme/issues/620114/"
    assert event.sentry_fingerprint == ("{{ default }}",)
    assert event.sentry_hashes[0] == "8e1b0f1a2c3d4e5f60718293a4b5c6d7"
    assert event.trace_hash
    assert event.user_hash
    assert not event.sampled


def test_the_raised_exception_and_the_crashing_frame_are_last() -> None:
    event = event_of(body_of("error.created"), "error")
    assert [e.type for e in event.exceptions] == ["ConnectionRefusedError", "PaymentUnavailable"]
    raised = event.exceptions[-1].frames
    assert [f.function for f in raised] == ["dispatch", "post", "charge"]
    assert [f.in_app for f in raised] == [False, True, True]
    assert event.frames == ()


def test_an_alert_tells_the_same_event_but_only_a_sample_of_them() -> None:
    error = event_of(body_of("error.created"), "error")
    alert = event_of(body_of("event_alert.triggered"), "event_alert")
    assert alert.sampled
    assert msgspec.structs.replace(alert, sampled=False) == error


def test_a_message_event_is_read_from_its_tags_template_and_thread() -> None:
    event = event_of(body_of("event_alert.message"), "event_alert")
    assert event.message == "cache miss for key %s after %s ms"
    assert (event.environment, event.release) == ("staging", "catalogue@9f1c")
    assert event.level == Level.WARNING
    assert event.service == "catalogue"
    assert event.issue_id == "620200"
    assert [f.function for f in event.frames] == ["get"]
    assert event.user_hash == event_of(bare(user={"email": "joe@shop.example"})).user_hash
    assert event.trace_hash == 0
    assert event.occurred_ms == 1_791_188_162_000


@pytest.mark.parametrize("fixture", ["legacy_plugin", "service_hook"])
def test_older_hooks_tell_the_same_event(fixture: str) -> None:
    event = event_of(body_of(fixture))
    now = event_of(body_of("error.created"), "error")
    same = ("project", "event_id", "service", "environment", "release", "exceptions", "user_hash")
    assert [getattr(event, part) for part in same] == [getattr(now, part) for part in same]


def test_the_flat_plugin_names_its_issue_and_is_a_sample() -> None:
    event = event_of(body_of("legacy_plugin"))
    assert event.sampled
    assert event.issue_id == "620114"
    assert event.web_url.startswith("https://sentry.io/organizations/acme/issues/620114/")


@pytest.mark.parametrize(
    ("fixture", "kind", "issue_id", "service", "environment"),
    [
        ("issue.created", ChangeKind.ISSUE_CREATED, "620114", "checkout", ""),
        ("issue.resolved", ChangeKind.ISSUE_RESOLVED, "620114", "checkout", ""),
        ("issue.ignored", ChangeKind.ISSUE_IGNORED, "620114", "checkout", ""),
        ("metric_alert.critical", ChangeKind.METRIC_ALERT, "", "checkout", "production"),
        ("comment.created", ChangeKind.COMMENT, "620114", "checkout", ""),
        ("installation.created", ChangeKind.INSTALLATION, "", "", ""),
        ("seer.root_cause_completed", ChangeKind.OTHER, "620114", "", ""),
    ],
)
def test_every_other_webhook_is_a_state_change(
    fixture: str, kind: ChangeKind, issue_id: str, service: str, environment: str
) -> None:
    change = change_of(fixture)
    assert (change.kind, change.issue_id) == (kind, issue_id)
    assert (change.service, change.environment) == (service, environment)
    assert f"{change.resource}.{change.action}" == fixture


def test_a_metric_alert_says_which_rule_fires_over_which_projects() -> None:
    change = change_of("metric_alert.critical")
    assert (change.alert_rule, change.alert_firing, change.services) == (
        "19",
        "3301",
        ("checkout",),
    )
    assert (change.title, change.action) == ("Checkout failure rate", "critical")
    assert change.url.startswith("https://sentry.io/organizations/acme/alerts/")


def test_a_metric_alert_over_all_environments_stands_in_the_default_one() -> None:
    body = body_of("metric_alert.critical").replace(
        b'"environment": "production"', b'"environment": null', 1
    )
    found = decode("metric_alert", body, default_environment="live")
    assert isinstance(found, StateChange)
    assert found.environment == "live"


def test_a_metric_alert_over_several_projects_names_them_all_in_order() -> None:
    body = json.dumps({"data": {"metric_alert": {"projects": ["web", None, "api", "web"]}}})
    found = read("metric_alert", body.encode())
    assert isinstance(found, StateChange)
    assert found.services == ("api", "web")


def test_both_words_for_an_archived_issue_are_understood() -> None:
    body = body_of("issue.ignored").replace(b'"ignored"', b'"archived"', 1)
    result = read("issue", body)
    assert isinstance(result, StateChange)
    assert (result.action, result.kind) == ("archived", ChangeKind.ISSUE_IGNORED)


def test_the_same_change_told_twice_has_one_identity_and_another_has_another() -> None:
    assert change_of("issue.resolved").identity == change_of("issue.resolved").identity
    assert change_of("issue.resolved").identity != change_of("issue.ignored").identity


@pytest.mark.parametrize("resource", ["", "something_new", "billing"])
def test_an_unknown_resource_is_kept_as_a_state_change(resource: str) -> None:
    result = read(resource, b'{"action":"happened","data":{"what":1}}')
    assert isinstance(result, StateChange)
    assert (result.kind, result.action) == (ChangeKind.OTHER, "happened")


# ------------------------------------------------------------------- shapes of other days and SDKs


@pytest.mark.parametrize(
    "tags",
    [
        [["environment", "qa"], ["level", "fatal"]],
        {"environment": "qa", "level": "fatal"},
        [{"key": "environment", "value": "qa"}, {"key": "level", "value": "fatal"}],
        [["environment", "qa"], ["broken"], None, 7, ["level", "fatal"], ["n", 3]],
    ],
)
def test_tags_may_be_pairs_or_an_object(tags: Any) -> None:
    event = event_of(bare(tags=tags))
    assert (event.environment, event.level) == ("qa", Level.FATAL)


@pytest.mark.parametrize(
    "chain",
    [
        {"values": [{"type": "A"}, None, {"type": "B", "value": "v"}]},
        [{"type": "A"}, {"type": "B", "value": "v"}],
        [{"type": "A", "stacktrace": None}, {"type": "B", "value": "v", "mechanism": "odd"}],
    ],
)
def test_exceptions_may_be_a_list_or_values(chain: Any) -> None:
    event = event_of(bare(exception=chain))
    assert [(e.type, e.value) for e in event.exceptions] == [("A", ""), ("B", "v")]


@pytest.mark.parametrize("chain", [None, [], {"values": None}, {"values": []}, "text", 3])
def test_an_event_without_exceptions_is_still_an_event(chain: Any) -> None:
    assert event_of(bare(exception=chain)).message == "t"


def test_a_lone_exception_object_is_a_chain_of_one() -> None:
    event = event_of(bare(exception={"type": "A", "value": {"code": 3}}))
    assert [(e.type, e.value) for e in event.exceptions] == [("A", '{"code":3}')]


def test_null_frames_and_stacks_are_no_frames() -> None:
    values = [{"type": "A", "stacktrace": {"frames": None}}, {"type": "B", "stacktrace": None}]
    event = event_of(bare(exception={"values": values}))
    assert [e.frames for e in event.exceptions] == [(), ()]


@pytest.mark.parametrize(
    ("stamp", "occurred_ms"),
    [
        (1700000000.1234, 1_700_000_000_123),
        (1700000000.0006, 1_700_000_000_001),
        (1700000000, 1_700_000_000_000),
        ("1700000000.5", 1_700_000_000_500),
        ("2023-11-14T22:13:20.123456Z", 1_700_000_000_123),
        ("2023-11-14T22:13:20", 1_700_000_000_000),
        ("2023-11-15T00:13:20+02:00", 1_700_000_000_000),
        ("yesterday", 0),
        (-5, 0),
        (1e300, 0),
        (10**30, 0),
        (True, 0),
        ({"at": 1}, 0),
        (None, 0),
    ],
)
def test_times_come_as_numbers_or_text_and_nonsense_is_none(stamp: Any, occurred_ms: int) -> None:
    assert event_of(bare(timestamp=stamp)).occurred_ms == occurred_ms
    assert event_of(bare(timestamp=None, datetime=stamp)).occurred_ms == occurred_ms


@given(st.integers(min_value=1, max_value=253_402_300_799_999))
def test_a_time_in_float_seconds_gives_its_exact_millisecond(at_ms: int) -> None:
    assert event_of(bare(timestamp=at_ms / 1000)).occurred_ms == at_ms


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, Level.ERROR),
        ("", Level.ERROR),
        ("loud", Level.ERROR),
        ("FATAL", Level.FATAL),
        (40, Level.ERROR),
        (50, Level.FATAL),
        (7, Level.ERROR),
        ([], Level.ERROR),
    ],
)
def test_a_level_that_sentry_does_not_have_is_error(level: Any, expected: Level) -> None:
    assert event_of(bare(level=level)).level == expected


@pytest.mark.parametrize(
    "parts",
    [
        {"issue_id": "31"},
        {"issue_id": 31},
        {"issue_id": None, "issue_url": "https://sentry.io/api/0/issues/31/"},
        {"issue_url": "https://sentry.io/api/0/organizations/acme/issues/31/"},
        {"web_url": "https://sentry.io/organizations/acme/issues/31/events/77/"},
    ],
)
def test_the_issue_is_found_in_the_id_or_in_either_link(parts: dict[str, Any]) -> None:
    assert event_of(bare(**parts)).issue_id == "31"


@pytest.mark.parametrize(
    ("parts", "service"),
    [
        ({"url": "https://s.example/api/0/projects/acme/cart/events/1/"}, "cart"),
        ({"url": "https://s.example/api/0/projects/acme/cart", "project_slug": "no"}, "cart"),
        ({"project": "cart"}, "cart"),
        ({"project": {"id": 3, "slug": "cart"}}, "cart"),
        ({"project_slug": "cart"}, "cart"),
        ({"project": "4507"}, "4507"),
        ({}, "4507"),
        ({"project": None}, "unknown"),
    ],
)
def test_the_service_is_the_slug_else_the_id(parts: dict[str, Any], service: str) -> None:
    assert event_of(bare(**parts)).service == service


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_missing_environment_is_the_default_and_a_missing_release_is_empty(empty: Any) -> None:
    event = event_of(bare(environment=empty, release=empty))
    assert (event.environment, event.release) == ("production", "")


def test_the_top_level_wins_over_the_tag() -> None:
    tags = [["environment", "tagged"], ["release", "r-tag"], ["transaction", "t-tag"]]
    assert event_of(bare(tags=tags)).transaction == "t-tag"
    event = event_of(bare(environment="top", release="r-top", transaction="t-top", tags=tags))
    assert (event.environment, event.release, event.transaction) == ("top", "r-top", "t-top")


def test_users_are_counted_by_id_then_mail_then_name_then_address() -> None:
    def of(**user: Any) -> int:
        return event_of(bare(user=user)).user_hash

    everything = {"id": 7, "email": "a@b.c", "username": "ada", "ip_address": "10.0.0.1"}
    assert of(**everything) == of(id="7")
    assert of(**everything | {"id": None}) == of(email="a@b.c")
    assert of(username="ada", ip_address="10.0.0.1") == of(username="ada")
    assert of(ip_address="{{auto}}") == of() == 0
    kinds = {of(id="x"), of(email="x"), of(username="x"), of(ip_address="x")}
    assert len(kinds) == 4


@pytest.mark.parametrize(
    ("tag", "user"),
    [
        ("id:7", {"id": 7}),
        ("email:a@b.c", {"email": "a@b.c"}),
        ("ip:10.0.0.1", {"ip_address": "10.0.0.1"}),
    ],
)
def test_the_user_tag_is_the_same_user_as_the_object(tag: str, user: dict[str, Any]) -> None:
    tagged = event_of(bare(tags=[["user", tag]])).user_hash
    assert tagged == event_of(bare(user=user)).user_hash
    assert tagged


@pytest.mark.parametrize("trace", ["0" * 32, "short", "", 5, None])
def test_an_invalid_trace_id_is_none(trace: Any) -> None:
    assert event_of(bare(contexts={"trace": {"trace_id": trace}})).trace_hash == 0


def thread(function: str, **flags: Any) -> dict[str, Any]:
    return {"stacktrace": {"frames": [{"function": function}]}, **flags}


@pytest.mark.parametrize(
    ("threads", "chosen"),
    [
        ([thread("a"), thread("b", crashed=True), thread("c", current=True)], ["b"]),
        ([thread("a", crashed=True), thread("b", crashed=True), thread("c", current=True)], ["c"]),
        ([thread("a", current=True), thread("b")], ["a"]),
        ([thread("a")], ["a"]),
        ([thread("a"), thread("b")], []),
    ],
)
def test_one_thread_stands_for_an_event(threads: list[Any], chosen: list[str]) -> None:
    for form in (threads, {"values": threads}):
        assert [f.function for f in event_of(bare(threads=form)).frames] == chosen


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"logentry": {"message": "hi %s", "formatted": "hi ada"}, "message": "x"}, "hi %s"),
        ({"logentry": {"message": "", "formatted": "hi ada"}}, "hi ada"),
        ({"message": "plain"}, "plain"),
        ({"message": {"message": "old %s", "formatted": "old ada"}}, "old %s"),
        ({"sentry.interfaces.Message": {"message": "older %s"}}, "older %s"),
        ({"message": ""}, "t"),
    ],
)
def test_the_message_template_is_preferred(parts: dict[str, Any], message: str) -> None:
    assert event_of(bare(**parts)).message == message


def test_an_event_without_an_id_gets_the_same_one_whenever_it_comes() -> None:
    body = b'{"message": "no id here", "project": 1}'
    first, again = event_of(body), event_of(body)
    assert first.event_id == again.event_id
    assert len(first.event_id) == 32
    assert first.event_id != event_of(body + b" ").event_id


def test_both_spellings_of_an_id_are_one_event() -> None:
    dashed = "5D2C9A4B-E1F0-4F0D-8C7A-6B5E4F3D2C1B"
    assert event_of(bare(event_id=dashed)).event_id == EVENT_ID


def test_a_performance_transaction_is_no_event() -> None:
    result = read("event", json.dumps(bare(type="transaction")).encode())
    assert isinstance(result, StateChange)
    assert result.kind is ChangeKind.OTHER


# -------------------------------------------------------------------------------- anything at all


def test_long_text_is_cut_and_long_lists_keep_the_end_next_to_the_crash() -> None:
    frames = [{"function": f"f{n}" + "x" * 2000} for n in range(400)]
    values = [{"type": "T" * 5000, "value": "v" * 50_000, "stacktrace": {"frames": frames}}] * 80
    event = event_of(bare(exception=values, environment="e" * 500, release="r" * 500))
    assert len(event.exceptions) == 50
    assert len(event.exceptions[0].frames) == 250
    assert event.exceptions[0].frames[-1].function.startswith("f399")
    assert len(event.exceptions[0].value) == 8192
    assert (len(event.environment), len(event.release)) == (64, 250)


def test_names_stay_on_one_line() -> None:
    event = event_of(bare(release="1.2\n\x1b[31m3", environment="pro\x00d"))
    assert (event.release, event.environment) == ("1.2 [31m3", "pro d")


def test_a_link_that_no_browser_opens_is_dropped() -> None:
    for url in ("javascript:alert(1)", "ftp://x", "https://x/" + "a" * 3000, "https://x/ y", 5):
        assert event_of(bare(web_url=url, issue_url=url)).web_url == ""


def test_deep_nesting_where_nothing_matters_costs_nothing() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    body = b'{"extra": %s, "event_id": "%s", "message": "m"}' % (deep, EVENT_ID.encode())
    assert event_of(body).message == "m"


def test_text_that_is_not_quite_json_is_still_told() -> None:
    bodies = [
        b'{"event_id": "e1", "message": "bad \xff byte"}',
        b'{"event_id": "e1", "message": "lone \\ud800 half"}',
        b'{"event_id": "e1", "message": "m", "extra": NaN}',
        b'\xef\xbb\xbf{"event_id": "e1", "message": "line\nbreak"}',
        b'{"event_id": "e1", "message": "m", "extra": ' + b"9" * 10_000 + b"}",
    ]
    for body in bodies:
        event = event_of(body)
        assert event.message
        event.message.encode("utf-8")


@pytest.mark.parametrize(
    ("resource", "body", "reason"),
    [
        ("error", b"", Reason.EMPTY),
        ("error", b"  \n", Reason.EMPTY),
        ("error", b"not json", Reason.NOT_JSON),
        ("error", b'{"data": {"error": {"event_id": "1"', Reason.NOT_JSON),
        ("error", b"[" * 1_000_000, Reason.NOT_JSON),
        ("error", b"[1, 2]", Reason.NOT_AN_OBJECT),
        ("issue", b'"text"', Reason.NOT_AN_OBJECT),
        ("issue", b"\x00\x01", Reason.NOT_JSON),
        ("error", b"{}", Reason.NO_EVENT),
        ("event_alert", b'{"action": "triggered", "data": {"event": null}}', Reason.NO_EVENT),
        ("event", b'{"hello": "world"}', Reason.NO_EVENT),
    ],
)
def test_what_cannot_be_read_says_why(resource: str, body: bytes, reason: Reason) -> None:
    assert read(resource, body) == Unreadable(reason=reason)


def test_five_megabytes_of_quotes_are_read_in_linear_time() -> None:
    assert read("error", b'{"' + b'\\"' * 2_500_000) == Unreadable(reason=Reason.NOT_JSON)
    assert event_of(bare(message="x" * 5_000_000)).message == "x" * 8192


RESOURCES = st.sampled_from(["error", "event_alert", "event", "issue", "metric_alert", "", "new"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def check_never_raises(resource: str, body: bytes) -> None:
    result = read(resource, body)
    assert result == read(resource, body)
    if isinstance(result, Unreadable):
        assert result.reason in set(Reason) - {Reason.DECODER_FAILED}
    msgspec.json.encode(result)


@given(RESOURCES, st.binary(max_size=200))
def test_no_bytes_raise(resource: str, body: bytes) -> None:
    check_never_raises(resource, body)


FIELDS = sorted(f.encode_name for f in msgspec.structs.fields(WireBody))


@st.composite
def odd_bodies(draw: st.DrawFn) -> bytes:
    """A real body with some places, at any depth, replaced by anything."""
    fixture = draw(st.sampled_from(sorted(FIXTURES.glob("*.json"))))
    body = json.loads(fixture.read_bytes())
    for _ in range(draw(st.integers(1, 4))):
        here = body
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(here[key], dict | list) and draw(st.booleans()):
                here = here[key]
                continue
            here[key] = draw(JSON)
            break
    body |= draw(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2))
    return json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@given(RESOURCES, odd_bodies())
def test_no_odd_shape_raises(resource: str, body: bytes) -> None:
    check_never_raises(resource, body)


@given(odd_bodies())
def test_the_lenient_way_reads_the_same_as_the_strict_one(body: bytes) -> None:
    with suppress(ValueError):
        assert read_leniently(body, WireBody) == msgspec.json.decode(body, type=WireBody)
    with suppress(ValueError):
        assert read_leniently(body, WireChange) == msgspec.json.decode(body, type=WireChange)


@given(odd_bodies(), st.data())
def test_a_cut_body_is_unreadable_and_not_half_an_event(body: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(body) - 1))
    assert isinstance(read("error", body[:cut]), Unreadable)
    with pytest.raises(NotReadable):
        read_leniently(body[:cut], WireBody)


def test_what_rules_look_at_is_read_and_bounded() -> None:
    event = event_of(
        bare(
            logentry={"message": "no seat for %s", "formatted": "no seat for Ada"},
            tags=[["browser", "Firefox"], ["empty", ""]],
            sdk={"name": "sentry.javascript.node"},
            exception={
                "values": [
                    {
                        "type": "Oops",
                        "mechanism": {
                            "type": "onerror",
                            "handled": False,
                            "is_exception_group": True,
                            "exception_id": 1,
                            "parent_id": -7,
                        },
                        "stacktrace": {
                            "frames": [
                                {
                                    "package": "libc.so",
                                    "raw_function": "f(int)",
                                    "platform": "native",
                                }
                            ]
                        },
                    },
                    {"type": "Plain"},
                ]
            },
        )
    )
    assert (event.message, event.formatted) == ("no seat for %s", "no seat for Ada")
    assert event.tags == (("browser", "Firefox"),)
    assert event.sdk == "sentry.javascript.node"
    told, plain = event.exceptions
    assert (told.mechanism, told.handled, told.group) == ("onerror", False, True)
    assert (told.exception_id, told.parent_id) == (1, -1)
    assert (plain.mechanism, plain.handled, plain.group, plain.exception_id) == (
        "",
        True,
        False,
        -1,
    )
    (frame,) = told.frames
    assert (frame.package, frame.raw_function, frame.platform) == ("libc.so", "f(int)", "native")
