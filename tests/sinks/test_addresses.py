"""What is inside is never taken for public, however it is written."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.addresses import is_in, is_public

INSIDE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00:ec2::254",
    "ff0e::1",
    "2001:db8::1",
    "2001::1",
    "64:ff9b:1::1",
    "::127.0.0.1",
    "192.88.99.1",
    "168.63.129.16",
    "3fff::1",
    "5f00::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111"])
def test_what_is_outside_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "0x7f.1", "[::1]"])
def test_what_is_no_address_is_neither(text: str) -> None:
    assert not is_public(text)
    assert not is_in(text, [ip_network("0.0.0.0/0"), ip_network("::/0")])


@given(st.integers(0, 2**32 - 1))
def test_an_address_written_as_an_ipv6_one_is_judged_as_itself(number: int) -> None:
    address = IPv4Address(number)
    a, b = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    for written in (f"::ffff:{a}:{b}", f"64:ff9b::{a}:{b}", f"2002:{a}:{b}::1"):
        assert is_public(written) == is_public(str(address))
        assert is_in(written, [ip_network(f"{address}/32")])


def test_a_network_that_is_allowed_holds_its_own_addresses_alone() -> None:
    allowed = [ip_network("10.20.0.0/16"), ip_network("fd00::/8")]
    for inside in ("10.20.3.4", "::ffff:10.20.3.4", "fd00::1"):
        assert is_in(inside, allowed)
    for other in ("10.21.0.1", "127.0.0.1", "fe80::1", "169.254.169.254"):
        assert not is_in(other, allowed)
