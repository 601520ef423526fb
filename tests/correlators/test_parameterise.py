"""The laws of parameterised text: variable parts vanish, constant ones stay, time stays linear."""

from __future__ import annotations

import base64
import ipaddress
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from correlators.parameterise import TEXT_READ, message_line, parameterise
from correlators.parameterise_kinds import PATTERN
from correlators.parameterise_words import is_random
from tests.correlators.parameterise_texts import HOSTILE, ORDINARY
from tests.correlators.regex_steps import Steps

CASES = [
    line
    for line in (Path(__file__).parent / "parameterise_cases.txt").read_text("utf-8").splitlines()
    if line and not line.startswith(("# ", "## "))
]


@pytest.mark.parametrize("case", CASES)
def test_variable_text_becomes_its_kind_and_the_rest_stays(case: str) -> None:
    text, _, expected = case.partition(" => ")
    assert parameterise(text) == (expected or text)


@pytest.mark.parametrize("case", CASES)
def test_what_is_parameterised_stays_as_it_is(case: str) -> None:
    made = parameterise(case.partition(" => ")[0])
    assert parameterise(made) == made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count 1\u00a0234\u202f567 of", "count <int> of"),
        ("\x1b[31mfailed\x1b[0m", "failed"),
        ("", ""),
        ("\x00 42 \x00", "\x00 <int> \x00"),
        ("\ud800 42 \udfff", "\ud800 <int> \udfff"),
        ("\u202eorder 42\u202c", "\u202eorder <int>\u202c"),
        ("e\u0301te\u0301 42", "e\u0301te\u0301 <int>"),
        ("\U0001f600 42", "\U0001f600 <int>"),
    ],
)
def test_characters_that_a_table_cannot_show(text: str, expected: str) -> None:
    assert parameterise(text) == expected


def test_a_title_keeps_plain_names_in_quotes_and_nothing_else() -> None:
    text = "KeyError 'quantity' for 'bob@example.com' and 'a b 17'"
    assert parameterise(text, names=True) == "KeyError 'quantity' for <quoted> and <quoted>"


@pytest.mark.parametrize("text", ["user 'alice'", 'Access denied for user "alice"', "role `alice`"])
def test_no_title_keeps_the_name_of_a_person(text: str) -> None:
    assert "alice" not in parameterise(text, names=True)


def test_text_behind_the_bound_is_not_read() -> None:
    assert len(parameterise("a" * 3 * TEXT_READ)) <= TEXT_READ
    assert parameterise("ab 12 cd", chars=4) == "ab <int>"


def test_a_message_is_its_first_two_lines_that_say_something() -> None:
    assert message_line("\n\n  first 1\r\n \nsecond\nthird") == "first <int> second"


HEX = "0123456789abcdef"
BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MOMENT = st.integers(10**9, 4 * 10**9).map(lambda at: datetime.fromtimestamp(at, UTC))


def _like(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


LOCAL = _like(r"[a-z][a-z0-9._+\-]{2,20}[a-z0-9]")
DOMAIN = _like(r"[a-z][a-z0-9\-]{1,12}[a-z0-9](\.[a-z]{2,6}){1,2}")
KINDS: dict[str, st.SearchStrategy[str]] = {
    "mail": st.builds("{}@{}".format, LOCAL, DOMAIN),
    "url": _like(
        r"(https?|tcp|redis"
        r"|s3)://[a-z]{1,8}(\.[a-z]{2,5}){1,2}(:[1-9]\d{1,3})?(/[a-z0-9]{1,8}){0,3}"
    ),
    "host": _like(r"[a-z][a-z0-9]{1,8}(-[0-9]{1,3})?\.[a-z]{2,9}\.(com|net|org|internal|local)"),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv4 and port": st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535)),
    "ipv6": st.ip_addresses(v=6).map(str).filter(lambda text: len(text) > 4),
    "ipv6 and port": st.builds("[{}]:{}".format, st.ip_addresses(v=6), st.integers(1, 65535)),
    "ipv6 and zone": st.builds(
        "{}%eth{}".format,
        st.ip_addresses(v=6, network=ipaddress.ip_network("fe80::/10")),
        st.integers(0, 9),
    ),
    "mac": _like(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}"),
    "uuid": st.uuids().map(str),
    "uuid without dashes": st.uuids().map(lambda made: made.hex),
    "trace parent": _like(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]"),
    "x-ray": _like(r"1-[0-9a-f]{8}-[0-9a-f]{24}"),
    "sha1": st.text(HEX, min_size=40, max_size=40),
    "sha256": st.text(HEX, min_size=64, max_size=64),
    "address": _like(r"0x[0-9a-f]{6,16}").filter(
        lambda text: not text.startswith(("0x80", "0xc0000", "0x887", "0x8bad", "0xdead"))
    ),
    "rfc 3339": MOMENT.map(lambda moment: moment.isoformat()),
    "rfc 822": MOMENT.map(format_datetime),
    "http date": MOMENT.map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    "log4j": MOMENT.map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S,123")),
    "apache": MOMENT.map(lambda moment: moment.strftime("[%d/%b/%Y:%H:%M:%S +0100]")),
    "syslog": MOMENT.map(lambda moment: moment.strftime("%b %e %H:%M:%S")),
    "iso week": MOMENT.map(lambda moment: moment.strftime("%G-W%V-%u")),
    "ordinal": MOMENT.map(lambda moment: moment.strftime("%Y-%j")),
    "compact": MOMENT.map(lambda moment: moment.strftime("%Y%m%dT%H%M%SZ")),
    "javascript": MOMENT.map(
        lambda moment: moment.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")
    ),
    "java": MOMENT.map(lambda moment: moment.strftime("%a %b %d %H:%M:%S UTC %Y")),
    "12 hours": MOMENT.map(lambda moment: moment.strftime("%I:%M %p")),
    "python": MOMENT.map(lambda moment: repr(moment)),
    "duration": _like(r"[1-9][0-9]{0,5}(\.[0-9]{1,3})?( ?(ms|s|min|seconds|minutes|hours|days))"),
    "iso duration": _like(r"PT([1-9][0-9]?H)?[1-9][0-9]?M"),
    "size": _like(r"[1-9][0-9]{0,5}(\.[0-9]{1,3})? ?(B|KB|MiB|GB|bytes)"),
    "separated": st.integers(1000, 10**12).map("{:,}".format),
    "integer": st.integers(10, 10**7 - 1).map(str),
    "float": st.floats(1e-3, 1e12).map(repr),
    "version": _like(r"v?[1-9]?[0-9]\.[1-9]?[0-9]\.[1-9][0-9]{0,2}(-rc\.[1-9])?"),
    "unix path": _like(r"/(home|var|opt|usr)(/[a-z][a-z0-9_]{1,9}){1,4}(\.[a-z]{1,4})?"),
    "windows path": _like(r"[CD]:(\\[A-Za-z][A-Za-z0-9_]{1,9}){1,4}\.[a-z]{3}"),
    "quoted": _like(r"'[a-z 0-9@.]{1,20}'"),
    "ulid": st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26).filter(
        lambda text: sum(char.isdigit() for char in text) >= 3 and any(map(str.isalpha, text))
    ),
    "pod": _like(r"api-[bcdf2456789]{9}-[bcdfghjklmnpqrstvwxz2456789]{5}"),
    "arn": _like(r"arn:aws:[a-z0-9]{2,6}:(eu-west-1)?:[0-9]{12}:[a-z]{2,6}/[a-z0-9]{1,9}"),
    "instance": _like(r"i-0[0-9]{8}[a-f][0-9a-f]{7}"),
    "phone": _like(r"\+[1-9][0-9] [1-9][0-9]{2} [0-9]{7}"),
    "card": _like(r"4[0-9]{3}( [0-9]{4}){3}"),
    "jwt": st.binary(min_size=12, max_size=40).map(
        lambda raw: f"eyJh.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}.x"
    ),
    "aws key": _like(r"AKIA[A-Z0-9]{16}"),
    "password": _like(r"hunter[0-9]{1,4}").map("password={}".format),
}
BEFORE = st.sampled_from(["could not reach ", "ошибка: ", "用户 ", "(", "x=", "[", "", "é: "])
AFTER = st.sampled_from([" gone", ", retry", ") there", "", "; next", ": refused", " 不存在"])


@pytest.mark.parametrize("kind", KINDS)
def test_no_variable_part_survives_in_a_sentence(kind: str) -> None:
    @given(BEFORE, KINDS[kind], KINDS[kind], AFTER, st.booleans())
    def check(before: str, one: str, two: str, after: str, names: bool) -> None:
        made = parameterise(before + one + after, names=names)
        if names and kind == "quoted":
            return
        assert one not in made
        assert made == parameterise(before + two + after, names=names)
        assert parameterise(made, names=names) == made

    # A mark in front may be part of a value: `(555)`, `x=secret`.
    check()


@given(
    st.text(BASE62, min_size=20, max_size=40), st.sampled_from(["order ", "id=", "(", "key: ", ""])
)
def test_no_long_random_id_survives(token: str, before: str) -> None:
    assume(sum(char.isdigit() for char in token) >= 2 and is_random(token))
    assert token not in parameterise(f"{before}{token} expired", names=True)


@pytest.mark.parametrize(("chars", "share"), [(11, 0.8), (20, 0.95), (26, 0.97)])
def test_nearly_every_random_id_is_known(chars: int, share: float) -> None:
    dice = Random(chars)
    made = ["".join(dice.choices(BASE62, k=chars)) for _ in range(2000)]
    assert sum(map(is_random, made)) > share * len(made)


@given(st.text(st.characters(categories=["Ll", "Lo", "Mn", "Mc"]), max_size=200))
def test_words_of_any_language_stay_as_they_are(text: str) -> None:
    assert parameterise(text.replace("a", " ")) == text.replace("a", " ")


@given(st.text(max_size=400), st.booleans())
@example("\ud800'\x00", True)
def test_any_text_can_be_read(text: str, names: bool) -> None:
    assert isinstance(parameterise(text, names=names), str)


@given(st.lists(st.sampled_from([*HOSTILE, *ORDINARY]), max_size=30).map("".join))
def test_any_mix_of_hostile_texts_can_be_read(text: str) -> None:
    assert isinstance(parameterise(text), str)


STEPS = Steps(PATTERN)


@pytest.mark.parametrize("text", [*ORDINARY[:9], *(pattern * 8 for pattern in HOSTILE)])
def test_steps_are_counted_on_the_same_matches_that_re_finds(text: str) -> None:
    assert list(STEPS.spans(text)) == [match.span() for match in PATTERN.finditer(text)]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_twice_the_text_takes_at_most_twice_the_steps(pattern: str) -> None:
    # Differences: what a text costs that is no longer than a bounded repeat does not count.
    short, middle, long = (_steps((pattern * 512)[:chars]) for chars in (100, 200, 300))
    assert long - middle <= 1.25 * (middle - short) + 1200
    assert long < 500 * 300


def test_a_careless_expression_takes_more_than_twice_the_steps() -> None:
    careless = Steps(re.compile(r"a+@"))
    short, middle, long = (_steps("a" * chars, careless) for chars in (100, 200, 300))
    assert long - middle > 1.25 * (middle - short) + 1200


def _steps(text: str, counted: Steps = STEPS) -> int:
    for _ in counted.spans(text):
        pass
    return counted.taken
