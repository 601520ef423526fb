"""Owners by service, path and tag, and the marks that carry no more than what was asked for."""

from __future__ import annotations

import json

from correlators.conditions import When
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.owners import OWNER, Owner, Team, marks_of, owners_of, path_mark
from correlators.partition import Partition
from correlators.rulings import Rule
from correlators.telling import Config
from correlators.types import DeltaBatch, Digest, Event, ExceptionValue, Frame
from tests.correlators.score import CHAT, first_progress

EVENT = Event(
    project="7",
    event_id="e",
    service="checkout",
    environment="production",
    tags=(("tier", "gold"), ("user", "ada@example.com")),
    exceptions=(
        ExceptionValue(
            type="Oops",
            frames=(
                Frame(filename="lib/http.py", in_app=False),
                Frame(
                    filename="src/billing/vat.py",
                    abs_path="/srv/app/src/billing/vat.py",
                    in_app=True,
                ),
            ),
        ),
    ),
)
LINES = (
    Owner(owner="pay", service="pay*"),
    Owner(owner="billing", path="src/billing/*"),
    Owner(owner="gold", tag="tier=g*"),
    Owner(owner="http", path="lib/*"),
)


def test_marks_are_the_conditions_that_hold_and_nothing_of_the_event() -> None:
    tags, paths = ("tier=*", "tier=silver", "user=*@*"), ("src/billing/*", "*/billing/*", "lib/*")
    found = marks_of(EVENT, tags, paths)
    assert found == (
        path_mark("*/billing/*"),
        path_mark("src/billing/*"),
        "tier=*",
        "user=*@*",
    )
    assert "ada" not in repr(found)
    assert marks_of(EVENT, (), ()) == ()


def test_owners_come_in_the_order_of_the_file_each_once() -> None:
    marks = marks_of(EVENT, ["tier=g*"], ["src/billing/*", "lib/*"])
    assert owners_of(LINES, ["checkout"], marks) == ("billing", "gold")
    assert owners_of((*LINES, *LINES), ["payment"], ()) == ("pay",)
    assert owners_of(LINES, ["checkout"], ()) == ()


def _told(config: Config, *tags: tuple[str, str]) -> list[Digest]:
    fingerprinter = Fingerprinter(Fingerprinting(tags=config.tags, paths=config.paths))
    for at, tag in enumerate(tags):
        frame = {"filename": "src/billing/vat.py", "function": "f", "in_app": True}
        body = {
            "event_id": f"{at:032x}",
            "project": "checkout",
            "environment": "production",
            "tags": [tag],
            "exception": {"values": [{"type": "Oops", "stacktrace": {"frames": [frame]}}]},
        }
        fingerprinter.add("event", json.dumps(body).encode(), 1_000_000)
    deltas, changes = fingerprinter.fold.flush()
    partition = Partition(config, first_progress())
    partition.receive(
        0,
        DeltaBatch(
            topic="events",
            partition=0,
            deltas=tuple(deltas),
            changes=tuple(changes),
            watermark_ms=1_100_000,
        ),
    )
    return partition.step(most_ticks=1_000).digests


def test_a_rule_over_a_tag_holds_as_soon_as_one_event_has_it() -> None:
    config = Config(
        rules=(
            Rule(name="gold", when=When(tag=("tier=gold",)), to=("slack:gold",)),
            Rule(name="rest", to=(CHAT,)),
        )
    )
    (plain,) = _told(config, ("tier", "silver"))
    (gold,) = _told(config, ("tier", "silver"), ("tier", "gold"))
    assert (plain.destination, gold.destination) == (CHAT, "slack:gold")


def test_the_owner_of_a_path_is_told() -> None:
    config = Config(
        rules=(Rule(name="own", to=(OWNER,)), Rule(name="rest", to=(CHAT,))),
        owners=LINES,
        teams={"billing": Team(("slack:billing",))},
    )
    (told,) = _told(config, ("tier", "silver"))
    assert told.destination == "slack:billing"
