"""Webhooks as they are read from the file, shown by `check`, and made a sink."""

from __future__ import annotations

import base64
from ipaddress import ip_network
from pathlib import Path

import pytest

from streams.describe import describe, missing_for_sinks
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks

URL = "https://mender.test/hook?token=s3cr3t"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
ONE = 'endpoints: {mender: {url: "${URL}", secrets: ["${NEW}", "${OLD}"]}}'
THERE = {"URL": URL, "NEW": SECRET, "OLD": SECRET}


def read(folder: Path, webhook: str, *, more: str = "", **environ: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(f"sinks: {{webhook: {{{webhook}}}, console: {{}}}}\n{more}")
    return load(path, environ)


async def test_each_endpoint_is_a_destination_with_all_its_secrets(tmp_path: Path) -> None:
    settings = read(tmp_path, ONE + ", internal: [10.20.0.0/16, 'fd00::/8']", **THERE)
    assert settings.sinks.chats == ("webhook:mender", "console:default")
    assert settings.sinks.webhook is not None
    networks = (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert settings.sinks.webhook.internal == networks
    assert missing_for_sinks(settings) == []
    made = make_sinks(settings)
    assert made[0].destinations == ("webhook:mender",)
    for one in made:
        await one.close()


def test_check_shows_neither_address_nor_secret(tmp_path: Path) -> None:
    settings = read(tmp_path, ONE, **THERE)
    shown = str(describe(settings)) + repr(settings.sinks) + repr(make_sinks(settings))
    assert "'destination': 'webhook:mender'" in shown
    assert "signed by 2" in shown
    for hidden in ("s3cr3t", "mender.test", SECRET):
        assert hidden not in shown


def test_what_is_missing_or_wrong_is_said_unseen(tmp_path: Path) -> None:
    lines = missing_for_sinks(read(tmp_path, ONE))
    assert [name for name in THERE if any(name in line for line in lines)] == list(THERE)
    lines = missing_for_sinks(read(tmp_path, ONE, URL="mender", NEW="short", OLD=SECRET))
    assert len(lines) == 2
    assert "is no address such as https://" in lines[0]
    assert "is no secret of the form: whsec_ and base64 of 24 to 64 bytes" in lines[1]
    assert "short" not in str(lines)
    for wrong in ("https://[::1/x", "https://a:99999/x", "https://:1/x"):
        there = {**THERE, "URL": wrong}
        assert len(missing_for_sinks(read(tmp_path, ONE, **there))) == 1


def test_where_only_somebody_else_is_told_nothing_is_missing(tmp_path: Path) -> None:
    settings = read(tmp_path, ONE, more="shadow: {to: console:default}\n")
    assert missing_for_sinks(settings) == []


@pytest.mark.parametrize(
    ("webhook", "says"),
    [
        ("", "expected at least one"),
        ("endpoints: {}", "expected at least one"),
        ("endpoints: {'a b': {url: x, secrets: [y]}}", "expected a name of at most 40"),
        ("endpoints: {a: {secrets: [y]}}", "expected the address of a receiver"),
        ("endpoints: {a: {url: x}}", "expected a list of 1 to 4 secrets"),
        (
            "endpoints: {a: {url: x, secrets: y}}",
            r"secrets: expected a list of secrets, found a text\Z",
        ),
        ("endpoints: {a: {url: x, secrets: [1y, 2y, 3y, 4y, 5y]}}", "found 5"),
        ("endpoints: {a: {url: x, secret: y}}", "unknown key; allowed: secrets, url"),
        (ONE + ", internal: [everything]", "expected a network such as"),
        (ONE + ", internal: [10.20.0.1/16]", "no bits beside the mask"),
    ],
)
def test_wrong_webhooks_are_refused(tmp_path: Path, webhook: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(tmp_path, webhook)
