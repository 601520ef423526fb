"""The step of FINGERPRINT: what it refuses before the first record, and the names of an event."""

from __future__ import annotations

import msgspec
import pytest

from correlators import names
from correlators.fingerprint import VERSIONS, UnknownVersion
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.grouping import By, Grouping
from correlators.names import taken
from correlators.types import Delta, Event, Signature
from tests.stand_in import NEW, OLD, install, signature


@pytest.fixture
def two_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the release have exactly two versions."""
    install(monkeypatch)


def test_a_version_that_it_cannot_make_stops_it_before_the_first_event() -> None:
    Fingerprinter(Fingerprinting(signature_version=VERSIONS[-1]))
    with pytest.raises(UnknownVersion):
        Fingerprinter(Fingerprinting(signature_version=VERSIONS[-1] + 1))


BODY = b"""{"event_id": "%s", "project": "shop", "platform": "python",
 "exception": {"values": [{"type": "%s", "value": "no answer"}]}}"""


def _body(event_id: int, error: str = "TimeoutError") -> bytes:
    return BODY % (f"{event_id:032x}".encode(), error.encode())


def _read(reader: Fingerprinter, body: bytes) -> Signature:
    found = reader.read("event", body).signature
    assert found is not None
    return found


@pytest.mark.usefixtures("two_versions")
@pytest.mark.parametrize(("version", "other"), [(OLD, NEW), (NEW, OLD)])
def test_an_event_has_a_name_under_every_version_of_the_release(version: int, other: int) -> None:
    reader = Fingerprinter(Fingerprinting(signature_version=version))
    found = _read(reader, _body(1))
    event = reader.read("event", _body(1)).event
    assert event is not None
    assert (found.version, found.fingerprint) == (
        version,
        signature(event, version=version).fingerprint,
    )
    assert found.aliases == ((other, signature(event, version=other).fingerprint),)


@pytest.mark.usefixtures("two_versions")
def test_names_are_made_once_for_all_events_that_are_signed_the_same() -> None:
    reader = Fingerprinter(Fingerprinting(signature_version=OLD))
    assert _read(reader, _body(1)) is _read(reader, _body(2))
    assert reader.cache_results == {"miss": 1, "hit": 1}


@pytest.mark.usefixtures("two_versions")
def test_a_delta_carries_its_version_and_its_other_names() -> None:
    by_old, by_new = (_delta(_body(1), version) for version in (OLD, NEW))
    assert (by_old.version, by_new.version) == (OLD, NEW)
    assert by_old.aliases == ((NEW, by_new.key.fingerprint),)
    assert taken(by_old, NEW).key == by_new.key
    assert taken(by_new, OLD).key == by_old.key


@pytest.mark.usefixtures("two_versions")
def test_events_that_one_version_tells_apart_are_deltas_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def coarse(event: Event, *, version: int) -> Signature:
        made = signature(event, version=version)
        return made if version == NEW else msgspec.structs.replace(made, fingerprint="one for all")

    monkeypatch.setattr(names, "signature", coarse)
    reader = Fingerprinter(Fingerprinting(signature_version=OLD))
    for number, error in enumerate(("TimeoutError", "KeyError", "KeyError")):
        reader.add("event", _body(number, error), 1_700_000_000_000)
    deltas = reader.fold.flush()[0]
    assert [delta.key.fingerprint for delta in deltas] == ["one for all"] * 2
    assert len({delta.aliases for delta in deltas}) == 2
    assert {delta.key.fingerprint for delta in (taken(one, NEW) for one in deltas)} == {
        name for delta in deltas for _, name in delta.aliases
    }


@pytest.mark.usefixtures("two_versions")
def test_a_version_that_is_not_taken_and_cannot_sign_costs_no_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one_only(event: Event, *, version: int) -> Signature:
        if version != OLD:
            raise ValueError
        return signature(event, version=version)

    monkeypatch.setattr(names, "signature", one_only)
    reader = Fingerprinter(Fingerprinting(signature_version=OLD))
    assert _read(reader, _body(1)).aliases == ()


def _delta(body: bytes, version: int) -> Delta:
    reader = Fingerprinter(Fingerprinting(signature_version=version))
    reader.add("event", body, 1_700_000_000_000)
    (delta,) = reader.fold.flush()[0]
    return delta


def test_a_delta_of_an_old_release_is_of_the_first_version_and_has_no_other_name() -> None:
    fields = msgspec.to_builtins(_delta(_body(1), 1))
    stored = {name: value for name, value in fields.items() if name not in ("version", "aliases")}
    old = msgspec.convert(stored, Delta)
    assert (old.version, old.aliases) == (1, ())
    assert taken(old, 2) == old


def test_what_sentry_groups_has_one_name_under_every_version() -> None:
    grouping = Grouping(by=By.SENTRY_HASHES)
    body = _body(1)[:-1] + b', "hashes": ["0123456789abcdef0123456789abcdef"]}'
    deltas = []
    for version in (VERSIONS[0], VERSIONS[-1]):
        reader = Fingerprinter(Fingerprinting(signature_version=version, grouping=grouping))
        reader.add("event", body, 1_700_000_000_000)
        deltas += reader.fold.flush()[0]
    old, new = deltas
    assert old.key == new.key
    assert taken(old, VERSIONS[-1]) == new
    assert taken(new, VERSIONS[0]) == old
