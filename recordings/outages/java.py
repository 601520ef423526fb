"""The Java outage: a parcel depot of three services (HTTP, JDBC) loses its database."""

from __future__ import annotations

import random
from typing import Final

from recordings.labels import OUTAGE, Causes
from recordings.outages.plans import MINUTE_S, Plan, Service, Times
from recordings.traffic import Habit, Visit
from recordings.webhooks import Account

USERS: Final = 40


def _user(chance: random.Random) -> str:
    return f"user{chance.randint(1, USERS)}"


def _parcel(chance: random.Random) -> str:
    return f"P{chance.randint(100, 999)}"


def track(chance: random.Random) -> Visit:
    """A receiver asks where a parcel is."""
    return Visit("portal", "GET", f"/track/{_parcel(chance)}", _user(chance))


def quote(chance: random.Random) -> Visit:
    """A sender asks what a parcel costs."""
    return Visit("portal", "GET", f"/quotes/{_parcel(chance)}", _user(chance))


def tariff(chance: random.Random) -> Visit:
    """A shop asks for the tariff of a zone."""
    return Visit("tariffs", "GET", f"/tariffs/Z{chance.randint(0, 9)}", _user(chance))


def odd_postcode(chance: random.Random) -> Visit:
    """A sender types a postcode of another country."""
    path = f"/zones/{chance.choice('EGNSW')}{chance.randint(1, 9)}{chance.choice('ABC')}"
    return Visit("portal", "GET", path, _user(chance))


def no_weight(chance: random.Random) -> Visit:
    """A sender prints a label for a parcel that was never weighed."""
    return Visit("parcels", "POST", "/labels", _user(chance), {"id": _parcel(chance)})


def fast_clock(chance: random.Random) -> Visit:
    """A scanner reports, and its clock is ahead."""
    content = {"scanner": "gate-3", "ahead": chance.randint(61, 300)}
    return Visit("parcels", "POST", "/scans", "", content)


def sunday(chance: random.Random) -> Visit:
    """A sender wants a pickup on a Sunday, for which newer portals have no slot."""
    return Visit("portal", "GET", "/pickups/sunday", _user(chance))


def far_island(chance: random.Random) -> Visit:
    """A sender asks for an island that nobody sails to."""
    island = chance.choice(["hooge", "langeness", "neuwerk"])
    return Visit("tariffs", "GET", f"/islands/{island}", _user(chance))


def odd_customs(chance: random.Random) -> Visit:
    """A shop declares goods of a class that customs do not know."""
    return Visit("tariffs", "GET", f"/customs/class{chance.randint(4, 99)}", _user(chance))


PLAN: Final = Plan(
    folder="depot",
    prepare=(("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"),),
    build=(("sh", "-c", "javac -g -d classes -cp 'lib/*' src/com/example/depot/*.java"),),
    run=("java", "-Xmx128m", "-cp", "classes:lib/*", "com.example.depot.{program}"),
    sources="src/com/example/depot",
    dependency=Service("database", "", "Database"),
    services=(
        Service("parcels", "parcels@4.7.0", "Parcels"),
        Service("tariffs", "tariffs@2.0.9", "Tariffs"),
        Service("portal", "portal@3.1.4", "Portal"),
    ),
    newer=Service("portal", "portal@3.2.0", "Portal"),
    start_iso="2026-11-19T07:30:00+00:00",
    times=Times(
        length_s=18 * MINUTE_S,
        deploy_s=4 * MINUTE_S,
        hang_s=8 * MINUTE_S,
        death_s=8 * MINUTE_S + 40,
        return_s=11 * MINUTE_S + 30,
        loading_s=30,
    ),
    retries=1.3,
    account=Account("depot.example", {4521: "parcels", 4522: "tariffs", 4523: "portal"}, "java"),
    causes=Causes(
        database=frozenset({"StorageFailed", "NoConnectionFree"}),
        by_function={
            "selectOne": OUTAGE,
            "zoneOf": "ambient:odd-postcode",
            "gramsOf": "ambient:no-weight",
            "slotOf": "ambient:sunday",
            "islandSurcharge": "ambient:far-island",
            "customsClass": "ambient:odd-customs",
        },
        by_message={"Clock of scanner": "ambient:fast-clock"},
    ),
    ordinary={track: 45, quote: 35, tariff: 20},
    ambient=(
        Habit(odd_postcode, 0.3, 18, 55),
        Habit(no_weight, 0.8, 18, 80),
        Habit(fast_clock, 1.4, 18, 170),
        Habit(sunday, 4.3, 18, 50),
        Habit(far_island, 9.2, 16, 40),
        Habit(odd_customs, 10.1, 15, 35),
    ),
)
