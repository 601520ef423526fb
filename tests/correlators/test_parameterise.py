"""The laws of parameterised text: variable parts vanish, constant ones stay, time stays linear."""

from __future__ import annotations

import base64
import time
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from correlators.parameterise import TEXT_READ, message_line, parameterise

WORDS = st.sampled_from(["could not reach", "order of", "failed:", "用户", "(", "=", "[", "", "é"])
SPACED = st.tuples(WORDS, st.sampled_from([" ", ": ", ", ", " - "]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail to bob.o'neil+x@example.co.uk failed", "mail to <email> failed"),
        ("GET https://shop.example/cart?id=7 timed out", "GET <url> timed out"),
        ("connect 10.0.0.1:8080 refused", "connect <ip> refused"),
        ("connect fe80::1 or 2001:db8::8a2e:370:7334", "connect <ip> or <ip>"),
        ("order 123e4567-e89b-12d3-a456-426614174000 lost", "order <uuid> lost"),
        ("trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "trace <traceparent>"),
        ("at 0x7ffee3b4 in 3a7f9c1", "at <hex> in <hex>"),
        ("com.shop.Cart@1a2b3c4d is closed", "com.shop.Cart@<hex> is closed"),
        ("took 12.5s of 300 ms, 2 days", "took <duration> of <duration>, <duration>"),
        ("since 2024-01-02T03:04:05.123Z", "since <date>"),
        ("since Mon, 02 Jan 2006 15:04:05 GMT", "since <date>"),
        ("count 4,150,908 of -7 and 3.14", "count <int> of <int> and <float>"),
        ("version 1.2.3-rc.1", "version <version>"),
        ("open /home/bob/shop/cart.py:12", "open <path>:<int>"),
        (r"open C:\Users\bob\cart.txt now", "open <path> now"),
        ("GET /orders/17/items", "GET /orders/<int>/items"),
        ("Parameter 'url' must not be \"null\"", "Parameter <quoted> must not be <quoted>"),
        ("invoice k9Mtd2gDcgG", "invoice <id>"),
        ("password=hunter2; Bearer abcdefgh.ijk", "<secret>; <secret>"),
        ("access_token=abc Cookie: a=b; c=d", "<secret> <secret>"),
        ("on Sun Jan 2 10:00:00 2024 at 12:30", "on <date> at <date>"),
        ("user bob123456 gone", "user bob<int> gone"),
        ("用户123不存在", "用户<int>不存在"),
    ],
)
def test_each_kind_of_variable_text_becomes_its_name(text: str, expected: str) -> None:
    assert parameterise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "can't decode with utf-8 or sha256 over HTTP/1.1",
        "Fee::add() has no member std::vector",
        "java.io.File cannot be cast to java.lang.String",
        "Connection refused by checkout service",
        "hipstershop.CartService/GetCart (rpc)",
        "and/or AbstractBeanFactory",
        "",
    ],
)
def test_constant_text_stays_as_it_is(text: str) -> None:
    assert parameterise(text) == text


def test_a_title_keeps_plain_names_in_quotes_and_nothing_else() -> None:
    text = "KeyError 'quantity' for 'bob@example.com' and 'a b 17'"
    assert parameterise(text, names=True) == "KeyError 'quantity' for <quoted> and <quoted>"


def test_text_behind_the_bound_is_not_read() -> None:
    assert len(parameterise("a" * 3 * TEXT_READ)) <= TEXT_READ


def test_a_message_is_its_first_two_lines_that_say_something() -> None:
    assert message_line("\n\n  first 1\r\n \nsecond\nthird") == "first <int> second"


LOCAL = st.from_regex(r"[a-z][a-z0-9._+\-]{2,20}[a-z0-9]", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z][a-z0-9\-]{1,12}[a-z0-9](\.[a-z]{2,6}){1,2}", fullmatch=True)


@given(SPACED, LOCAL, DOMAIN, st.booleans())
def test_no_mail_address_survives(
    before: tuple[str, str], local: str, domain: str, names: bool
) -> None:
    out = parameterise("".join(before) + f"{local}@{domain} said no", names=names)
    assert "@" not in out
    assert local not in out


@given(WORDS, st.sampled_from(["", " ", ":", "x", "_"]), st.ip_addresses(v=4), st.booleans())
def test_no_ipv4_address_survives(word: str, glue: str, address: object, names: bool) -> None:
    assert str(address) not in parameterise(f"{word}{glue}{address}: refused", names=names)


@given(WORDS, st.ip_addresses(v=6), st.booleans())
def test_no_ipv6_address_survives(word: str, address: object, names: bool) -> None:
    assume(len(str(address)) > 4)
    assert str(address) not in parameterise(f"{word} {address}, refused", names=names)


@given(WORDS, st.binary(min_size=18, max_size=64), st.sampled_from(["hex", "url", "std"]))
def test_no_long_random_id_survives(word: str, raw: bytes, form: str) -> None:
    match form:
        case "hex":
            token = raw.hex()
        case "url":
            token = base64.urlsafe_b64encode(raw).decode().rstrip("=").strip("-_")
        case _:
            token = base64.b64encode(raw).decode().replace("/", "x").replace("+", "y").rstrip("=")
    assume(sum(c.isdigit() for c in token) >= 2 and any(c.isalpha() for c in token))
    assert token not in parameterise(f"{word} {token} expired", names=True)


@given(WORDS, st.uuids(), st.uuids(), st.integers(), st.integers(), st.floats(1e-3, 1e6))
def test_texts_that_differ_only_in_ids_and_numbers_come_out_equal(
    word: str, one: uuid.UUID, two: uuid.UUID, left: int, right: int, number: float
) -> None:
    first = f"{word} order {one} of {left} took {number:.3f}s"
    second = f"{word} order {two} of {right} took 7.5s"
    assert parameterise(first) == parameterise(second)


@given(st.text(max_size=400), st.booleans())
def test_any_text_can_be_read(text: str, names: bool) -> None:
    assert isinstance(parameterise(text, names=names), str)


HOSTILE = [
    *"a1.-/@:'\"`=,_~<[(“«é \n",
    "a-",
    "a.",
    "1.",
    "/a",
    "a/",
    "::",
    "a:",
    "1:",
    "1,",
    "1,111",
]
HOSTILE += ["' ", '"\\', "a@", "0x", "deadbee", "a1", "aA", "Aa", "Jan ", "Mon, ", "eyJ", "\\\\a"]
HOSTILE += ["password=", "www.", "ab://", "1-", "00-", "12:", "1 ", "1/", "a'", "=' ", "bearer "]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_text_takes_more_than_linear_time(pattern: str) -> None:
    short, long = (_seconds((pattern * TEXT_READ)[:length]) for length in (1024, TEXT_READ))
    # Eight times the text: linear is 8 times as long, quadratic 64 times.
    assert long < 24 * short + 0.01


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        parameterise(text)
        best = min(best, time.process_time() - began)
    return best
