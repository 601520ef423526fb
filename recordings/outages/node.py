"""The Node outage: a theatre of three services (Express, fetch) loses its ledger of seats."""

from __future__ import annotations

import random
from typing import Final

from recordings.labels import OUTAGE, Causes
from recordings.outages.plans import MINUTE_S, Plan, Service, Times
from recordings.traffic import Habit, Visit
from recordings.webhooks import Account

USERS: Final = 40
SHOW_WITHOUT_SUBTITLE: Final = 13


def _user(chance: random.Random) -> str:
    # user17 has a voucher of long ago and books only below.
    return f"user{chance.choice([n for n in range(1, USERS + 1) if n != 17])}"


def _booking(chance: random.Random, seat: str = "", **extra: object) -> dict[str, object]:
    seat = seat or f"{chance.choice('ABCDEFGH')}{chance.randint(1, 24)}"
    return {"show": chance.randint(20, 60), "seat": seat, "cents": 3500, **extra}


def show(chance: random.Random) -> Visit:
    """A visitor looks at a show."""
    return Visit("foyer", "GET", f"/shows/{chance.randint(20, 60)}", _user(chance))


def book(chance: random.Random) -> Visit:
    """A visitor books a seat."""
    return Visit("foyer", "POST", "/bookings", _user(chance), _booking(chance))


def tickets(chance: random.Random) -> Visit:
    """A visitor looks at the latest ticket."""
    user = _user(chance)
    return Visit("booking", "GET", f"/tickets/{user}", user)


def no_subtitle(chance: random.Random) -> Visit:
    """A visitor looks at the one show that has no subtitle."""
    return Visit("foyer", "GET", f"/shows/{SHOW_WITHOUT_SUBTITLE}", _user(chance))


def old_voucher(chance: random.Random) -> Visit:
    """The one visitor with a voucher of long ago books at the box office."""
    return Visit("booking", "POST", "/bookings", "user17", _booking(chance))


def old_plan(chance: random.Random) -> Visit:
    """A stagehand looks at the plan of a hall that was rebuilt."""
    return Visit("seats", "GET", "/halls/studio", _user(chance))


def stamp_card(chance: random.Random) -> Visit:
    """A visitor books with a card as old sites wrote it, which only newer foyers look at."""
    content = _booking(chance, card=f"stamps={chance.randint(1, 9)}")
    return Visit("foyer", "POST", "/bookings", _user(chance), content)


def odd_row(chance: random.Random) -> Visit:
    """An agency holds a seat in a row that the hall does not have."""
    content = _booking(chance, f"{chance.choice('XYZ')}{chance.randint(1, 24)}")
    return Visit("seats", "POST", "/holds", _user(chance), content)


def odd_day(chance: random.Random) -> Visit:
    """A visitor asks for a day that no calendar has."""
    path = f"/calendar?day=2026-13-{chance.randint(10, 28)}"
    return Visit("foyer", "GET", path, _user(chance))


def no_guests(chance: random.Random) -> Visit:
    """Somebody splits a bill among nobody."""
    content = {"cents": chance.randint(900, 9000), "guests": 0}
    return Visit("booking", "POST", "/bills", _user(chance), content)


PLAN: Final = Plan(
    folder="theatre",
    prepare=(("npm", "install", "--no-audit", "--no-fund", "--silent", "--no-package-lock"),),
    build=(),
    run=("node", "{program}.js"),
    sources=".",
    dependency=Service("ledger", "", "ledgerd"),
    services=(
        Service("seats", "seats@5.0.2", "seats"),
        Service("booking", "booking@1.12.0", "booking"),
        Service("foyer", "foyer@2.4.1", "foyer"),
    ),
    newer=Service("foyer", "foyer@2.5.0", "foyer"),
    start_iso="2026-11-18T18:00:00+00:00",
    times=Times(
        length_s=16 * MINUTE_S,
        deploy_s=5 * MINUTE_S,
        hang_s=7 * MINUTE_S,
        death_s=7 * MINUTE_S + 35,
        return_s=10 * MINUTE_S,
        loading_s=25,
    ),
    retries=1.4,
    account=Account("theatre.example", {4511: "seats", 4512: "booking", 4513: "foyer"}, "node"),
    causes=Causes(
        database=frozenset({"LedgerLoading", "TimeoutError"}),
        by_function={
            "askLedger": OUTAGE,
            "Object.posterLine": "ambient:no-subtitle",
            "posterLine": "ambient:no-subtitle",
            "voucherValue": "ambient:old-voucher",
            "stampCard": "ambient:stamp-card",
            "rowNumber": "ambient:odd-row",
            "Object.isoDay": "ambient:odd-day",
            "isoDay": "ambient:odd-day",
            "splitBill": "ambient:no-guests",
        },
        by_message={"Plan of hall": "ambient:old-plan"},
        drops_repeats=True,
    ),
    ordinary={show: 50, book: 35, tickets: 15},
    ambient=(
        Habit(no_subtitle, 0.4, 16, 50),
        Habit(old_voucher, 0.9, 16, 95),
        Habit(old_plan, 1.3, 16, 150),
        Habit(no_guests, 0.7, 16, 75),
        Habit(stamp_card, 5.3, 16, 45),
        Habit(odd_row, 8.1, 14, 35),
        Habit(odd_day, 8.9, 13, 30),
    ),
)
