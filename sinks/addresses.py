"""Which addresses may be called that somebody only named: public ones, and those allowed. Pure.

Behind a public name may stand an address inside: a machine's own, its neighbours', the service
that hands out its cloud's keys. Whoever can name where messages go must not reach those by it.

Source: IANA's registries of special-purpose addresses, as `ipaddress` has them; RFC 6052 (NAT64),
RFC 3056 (6to4), RFC 4291 (IPv4-mapped).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_NAT64: Final = ip_network("64:ff9b::/96")
_RESERVED: Final = tuple(
    map(
        ip_network,
        (
            *("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48", "2001::/32"),
            *("3fff::/20", "5f00::/16"),
            "168.63.129.16/32",
        ),
    )
)
"""Not public, beside what `ipaddress` says. The last one hands out what a machine of Azure is to
know of itself, under an address that looks like any other."""


def is_public(address: str) -> bool:
    """Return True for an address that anybody on the internet may have; False for what is none."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _public(found)


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Return True for an address of one of these networks, also written as an IPv6 one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _embedded(found)
    return any(one in network for one in (found, inner) if one is not None for network in networks)


def _public(address: IPv4Address | IPv6Address) -> bool:
    inner = _embedded(address)
    if inner is not None:
        return _public(inner)
    if any(address in network for network in _RESERVED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to, None where it leads to none."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
