"""The keys `sinks.email` of `stormfold.yaml`: the mail server, in whose name, and the lists."""

from __future__ import annotations

import re
from email.headerregistry import Address
from typing import Final

from yaml.nodes import Node

from sinks.smtp_words import Tls
from streams.mailing import Email
from streams.settings_inputs import HOST
from streams.settings_words import word
from streams.yaml_reader import Reader

LISTS_MOST: Final = 200
ADDRESSES_MOST: Final = 50
"""Of one list: a mail server takes a hundred recipients, and each takes an answer."""
PASSWORD: Final = "${SMTP_PASSWORD}"
PORTS: Final = {Tls.STARTTLS: 587, Tls.TLS: 465, Tls.NONE: 25}

_PATH: Final = "sinks.email"
_KEYS: Final = ("host", "port", "tls", "user", "password", "from", "list_id", "lists")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_USER: Final = re.compile(r"[^\x00-\x1f\x7f]{0,256}")
_SPECIAL: Final = r"""[^\s@<>()\[\]\\,;:"\x00-\x1f\x7f-\x9f]"""
_DOMAIN: Final = r"[^\W_](?:[\w.-]{0,251}[^\W_])?"
_ADDRESS: Final = re.compile(rf"(?!\.){_SPECIAL}{{1,64}}(?<!\.)@{_DOMAIN}")
_SAYS: Final = "an address such as ada@example.com"
_FROM: Final = re.compile(
    r"""(?P<name>[^<>"\\\x00-\x1f\x7f]{1,80})<(?P<of>[!-~]+@[!-~]+)>|(?P<bare>[!-~]+@[!-~]+)"""
)
_FROM_SAYS: Final = (
    "an address of ASCII such as stormfold@example.com or Stormfold <stormfold@example.com>"
)
_LIST_ID: Final = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def email_of(reader: Reader, node: Node) -> Email:
    """Return what the file says of mail; what is wrong is noted in the reader."""
    key = reader.section(node, _PATH, _KEYS)
    for needed in ("host", "from", "lists"):
        if needed not in key:
            reader.problem(node, f"{_PATH}.{needed}", "is missing")
    tls = Tls(word(reader, key.get("tls"), f"{_PATH}.tls", Tls.STARTTLS.value, [*Tls]))
    host = reader.text(key.get("host"), f"{_PATH}.host", "localhost", HOST, "a host or an address")
    user = reader.text(key.get("user"), f"{_PATH}.user", "", _USER, "a user's name")
    if user and tls is Tls.NONE and host not in _LOOPBACK:
        says = "expected starttls or tls: a password does not go over the network in clear"
        reader.problem(key["tls"], f"{_PATH}.tls", says)
    return Email(
        host=host,
        port=reader.integer(key.get("port"), f"{_PATH}.port", PORTS[tls], 1, 65_535),
        tls=tls,
        user=user,
        password=reader.secret(key.get("password"), f"{_PATH}.password", PASSWORD),
        sender=_sender(reader, key.get("from")),
        list_id=reader.text(
            key.get("list_id"), f"{_PATH}.list_id", "", _LIST_ID, "a name such as lists.example.com"
        ),
        lists=_lists(reader, key.get("lists")),
    )


def _sender(reader: Reader, node: Node | None) -> str:
    """Return in whose name mails are sent, as it stands in them."""
    path = f"{_PATH}.from"
    text = reader.text(node, path, "", _FROM, _FROM_SAYS).strip()
    found = _FROM.fullmatch(text)
    if found is None:
        return "stormfold@localhost"
    bare = found["of"] or found["bare"]
    if _ADDRESS.fullmatch(bare) is None and node is not None:
        reader.problem(node, path, f"expected {_FROM_SAYS}")
        return "stormfold@localhost"
    return str(Address(display_name=(found["name"] or "").strip(), addr_spec=bare))


def _lists(reader: Reader, node: Node | None) -> dict[str, tuple[str, ...]]:
    path = f"{_PATH}.lists"
    named = reader.section(node, path, None)
    if node is not None and not named:
        says = "expected at least one, such as {payments: [ada@example.com]}, found none"
        reader.problem(node, path, says)
    if node is not None and len(named) > LISTS_MOST:
        reader.problem(node, path, f"expected at most {LISTS_MOST}")
    found: dict[str, tuple[str, ...]] = {}
    for name, entry in named.items():
        at = f"{path}.{name}"
        if not _NAME.fullmatch(name):
            says = "expected a name of at most 40 of a-z, A-Z, 0-9, '_' and '-' as the key"
            reader.problem(entry, path, says)
            continue
        before = reader.noted
        people = reader.entries(entry, at, "addresses") or []
        if reader.noted == before and not 1 <= len(people) <= ADDRESSES_MOST:
            reader.problem(entry, at, f"expected from 1 to {ADDRESSES_MOST} addresses")
        read = (
            _written(reader.text(one, f"{at}[{place}]", "", _ADDRESS, _SAYS))
            for place, one in enumerate(people)
        )
        # An address that stands there twice is one.
        found[name] = tuple({one.lower(): one for one in read if one}.values())
    return found


def _written(address: str) -> str:
    """Return the address with its domain as DNS has it, so that fewer servers need SMTPUTF8."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}" if at else ""
    except UnicodeError:
        return address


def address_of(text: str) -> str:
    """Return the address as mail servers write it, empty where the text is none."""
    return _written(text) if _ADDRESS.fullmatch(text) else ""
