"""Mail as it is read from the file, shown by `check`, and made a sink."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sinks.email import EmailSink
from streams.describe import describe, missing_for_sinks
from streams.settings import Settings, SettingsError, load
from streams.sink_config import make_sinks

PASSWORD = "smtp_secret"
WHOLE = (
    "host: mail.shop.test, user: storm, from: Stormfold <storm@shop.test>, "
    "lists: {payments: [ada@shop.test, bob@shop.test], ops: [ops@shop.test]}"
)


def read(folder: Path, text: str, **environ: str) -> Settings:
    path = folder / "stormfold.yaml"
    path.write_text(f"sinks:\n  console:\n  email: {{{text}}}\n")
    return load(path, environ)


def shown(settings: Settings) -> dict[str, object]:
    found = describe(settings)["destinations"]
    assert isinstance(found, list)
    return {str(one["destination"]): one for one in found if isinstance(one, dict)}


async def test_each_list_is_a_destination_that_can_be_told(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE, SMTP_PASSWORD=PASSWORD)
    places = ("email:payments", "email:ops", "console:default")
    assert settings.sinks.chats == places
    assert settings.routes.tell == places
    assert missing_for_sinks(settings) == []
    sinks = {one.name: one for one in make_sinks(settings)}
    assert isinstance(sinks["email"], EmailSink)
    assert sinks["email"].destinations == ("email:payments", "email:ops")
    for one in sinks.values():
        await one.close()


def test_check_shows_the_server_and_neither_password_nor_addresses(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE, SMTP_PASSWORD=PASSWORD)
    line = str(shown(settings)["email:payments"])
    assert "2 addresses" in line
    assert "mail.shop.test:587 with STARTTLS, from Stormfold <storm@shop.test>" in line
    assert "SMTP_PASSWORD" in line
    assert PASSWORD not in line
    assert "ada@shop.test" not in line
    assert "1 address'" in str(shown(settings)["email:ops"])


def test_a_password_that_is_not_there_is_missed_where_somebody_logs_in(tmp_path: Path) -> None:
    assert "SMTP_PASSWORD" in str(missing_for_sinks(read(tmp_path, WHOLE)))
    nobody = read(tmp_path, WHOLE.replace("user: storm, ", ""))
    assert missing_for_sinks(nobody) == []
    assert shown(nobody)["email:ops"]["secret"] is None  # type: ignore[index]


@pytest.mark.parametrize(("tls", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_port_is_the_usual_one_of_the_way(tmp_path: Path, tls: str, port: int) -> None:
    email = read(tmp_path, f"{WHOLE.replace('user: storm, ', '')}, tls: {tls}").sinks.email
    assert email is not None
    assert email.port == port


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        ("storm@shop.test", "storm@shop.test"),
        ("Stormfold <storm@shop.test>", "Stormfold <storm@shop.test>"),
        ("'Störme, Inc. <storm@shop.test>'", '"Störme, Inc." <storm@shop.test>'),
    ],
)
async def test_a_sender_has_a_name_or_none(tmp_path: Path, written: str, sender: str) -> None:
    settings = read(
        tmp_path, WHOLE.replace("Stormfold <storm@shop.test>", written), SMTP_PASSWORD="x"
    )
    assert settings.sinks.email is not None
    assert settings.sinks.email.sender == sender
    assert [one.name for one in make_sinks(settings)] == ["email", "console"]


def test_an_address_counts_once_and_its_domain_is_as_dns_has_it(tmp_path: Path) -> None:
    text = WHOLE.replace("ops@shop.test", "ops@müller.test, OPS@müller.test, zoë@shop.test")
    email = read(tmp_path, text).sinks.email
    assert email is not None
    assert email.lists["ops"] == ("OPS@xn--mller-kva.test", "zoë@shop.test")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("host: h, lists: {a: [a@x.io]}", "sinks.email.from: is missing"),
        ("host: h, from: a@x.io", "sinks.email.lists: is missing"),
        ("from: a@x.io, lists: {a: [a@x.io]}", "sinks.email.host: is missing"),
        (WHOLE.replace("ada@shop.test", "ada"), "sinks.email.lists.payments[0]: expected an addr"),
        (WHOLE.replace("ada@shop.test", "'a b@x.io'"), "sinks.email.lists.payments[0]"),
        (WHOLE.replace("ada@shop.test", '"a@x.io\\r\\nBcc: e@x"'), "sinks.email.lists.payments[0]"),
        (WHOLE.replace("ada@shop.test", '"<a@x.io>"'), "sinks.email.lists.payments[0]"),
        (WHOLE.replace("[ops@shop.test]", "[]"), "sinks.email.lists.ops: expected from 1 to 50"),
        (WHOLE.replace("ops:", "o/ps:"), "sinks.email.lists: expected a name"),
        (WHOLE.replace("Stormfold <storm@shop.test>", "zoë@shop.test"), "sinks.email.from"),
        (WHOLE.replace("Stormfold <", "St<orm <"), "sinks.email.from"),
        (WHOLE + ", tls: none", "sinks.email.tls: expected starttls or tls"),
        (WHOLE + ", tls: maybe", "sinks.email.tls: expected one of starttls, tls, none"),
        (WHOLE + ", list_id: 'a b'", "sinks.email.list_id"),
        (WHOLE + ", port: 0", "sinks.email.port: expected an integer from 1"),
        (WHOLE + ", cc: x", "sinks.email.cc: unknown key"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        read(tmp_path, text)


def test_a_list_that_is_none_is_told_once_and_still_a_destination(tmp_path: Path) -> None:
    text = WHOLE.replace("[ops@shop.test]", "ops@shop.test")
    with pytest.raises(SettingsError) as wrong:
        read(tmp_path, text)
    assert len(str(wrong.value).splitlines()) == 1


def test_a_local_server_may_be_logged_in_to_in_clear(tmp_path: Path) -> None:
    email = read(tmp_path, WHOLE.replace("mail.shop.test", "127.0.0.1") + ", tls: none").sinks.email
    assert email is not None
    assert email.user == "storm"
