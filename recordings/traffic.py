"""What a hundred shoppers, a tester and some suppliers do: requests drawn from a seeded chance.

Times are seconds of the story, not of the clock. Sending is the business of `story`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

USERS: Final = 100
BROKEN_PRODUCT: Final = 113
CALM_PER_S: Final = 1.05
"""Requests per second of the story on an ordinary morning."""


class Visit(NamedTuple):
    """One request to one service of the shop."""

    service: str
    method: str
    path: str
    user: str = ""
    json: object = None
    data: bytes | None = None


Make = Callable[[random.Random], Visit]


def _user(chance: random.Random) -> str:
    return f"user{chance.randint(1, USERS)}"


def _sku(chance: random.Random) -> str:
    return f"P-{chance.choice([n for n in range(100, 160) if n != BROKEN_PRODUCT])}"


def _order(chance: random.Random, low: int, high: int, **extra: object) -> dict[str, object]:
    number, amount = chance.randint(10_000, 99_999_999), chance.randint(low, high)
    return {"order_id": f"o-{number}", "amount": amount, **extra}


def browse(chance: random.Random) -> Visit:
    """A shopper looks at a product."""
    return Visit("catalogue", "GET", f"/products/{_sku(chance)}", _user(chance))


def search(chance: random.Random) -> Visit:
    """A shopper searches."""
    return Visit("catalogue", "GET", f"/search?q=product%201{chance.randint(0, 5)}", _user(chance))


def add(chance: random.Random) -> Visit:
    """A shopper puts a product into the cart."""
    return Visit("checkout", "POST", "/cart/items", _user(chance), {"sku": _sku(chance)})


def cart(chance: random.Random) -> Visit:
    """A shopper looks into the cart."""
    return Visit("checkout", "GET", "/cart", _user(chance))


def order(chance: random.Random) -> Visit:
    """A shopper orders."""
    return Visit("checkout", "POST", "/orders", _user(chance), _order(chance, 900, 60_000))


def wallet(chance: random.Random) -> Visit:
    """A shopper looks at what was paid last."""
    user = _user(chance)
    return Visit("payment", "GET", f"/wallets/{user}", user)


def card(chance: random.Random) -> Visit:
    """A shopper has a new card checked."""
    content = {"card": f"4000-0000-0000-{chance.randint(0, 9999):04}"}
    return Visit("payment", "POST", "/cards", _user(chance), content)


ORDINARY: Final[dict[Make, int]] = {
    browse: 28, search: 9, add: 17, cart: 10, order: 18, wallet: 8, card: 10,
}  # fmt: skip
"""What shoppers do, and how often in a hundred."""


def broken_product(chance: random.Random) -> Visit:
    """A shopper looks at the one product whose weight somebody typed with a comma."""
    return Visit("catalogue", "GET", f"/products/P-{BROKEN_PRODUCT}", _user(chance))


def old_coupon(chance: random.Random) -> Visit:
    """The one shopper with a coupon of long ago orders."""
    return Visit("checkout", "POST", "/orders", "user17", _order(chance, 900, 60_000))


def risky_order(chance: random.Random) -> Visit:
    """A shopper orders for more than the risk limit."""
    return Visit("checkout", "POST", "/orders", _user(chance), _order(chance, 130_000, 900_000))


def wrapped_order(chance: random.Random) -> Visit:
    """A shopper chooses two kinds of wrapping, which only newer checkouts look at."""
    content = _order(chance, 900, 60_000, wrapping=["paper", "box"])
    return Visit("checkout", "POST", "/orders", _user(chance), content)


def old_feed(chance: random.Random) -> Visit:
    """A supplier sends a list of days ago."""
    path = f"/feeds/nordwind?age={chance.randint(26, 90)}"
    return Visit("catalogue", "POST", path, data=b"P-100;2500\nP-101;2525\n")


def latin_feed(chance: random.Random) -> Visit:
    """A supplier sends a list in an encoding of the last century."""
    rows = f"P-{chance.randint(100, 159)};Kr\u00e4mer;2500\n"
    return Visit("catalogue", "POST", "/feeds/suedkiste", data=rows.encode("latin-1"))


def odd_currency(chance: random.Random) -> Visit:
    """A shopper asks for a quote in a currency that the shop does not take."""
    path = f"/quotes?amount={chance.randint(5, 900)}.00&currency=CHF"
    return Visit("payment", "GET", path, _user(chance))


def staging_search(chance: random.Random) -> Visit:
    """The tester searches on staging."""
    return Visit("catalogue-staging", "GET", "/search?q=product%2012", "user1")


class Habit(NamedTuple):
    """A visit that comes back, about every so many seconds, between two minutes of the story."""

    make: Make
    first_min: float
    last_min: float
    every_s: float


AMBIENT: Final = (
    Habit(broken_product, 0.3, 22, 55),
    Habit(old_coupon, 0.8, 22, 120),
    Habit(risky_order, 2.0, 22, 200),
    Habit(old_feed, 1.2, 22, 240),
    Habit(staging_search, 1.5, 21, 100),
    Habit(wrapped_order, 7.4, 22, 48),
    Habit(latin_feed, 10.6, 19, 33),
    Habit(odd_currency, 12.2, 18, 27),
)
"""What goes wrong on any day; the last three begin at the deploy and inside the outage."""


def ordinary(
    seed: int,
    length_s: float,
    busier: tuple[float, float, float],
    habits: Mapping[Make, int] = ORDINARY,
) -> Iterator[tuple[float, Visit]]:
    """Yield (second of the story, visit) of the shoppers, in order of time.

    Args:
        seed: the same seed gives the same shoppers.
        length_s: length of the story.
        busier: from, to and how many times as many: people who try again.
        habits: what people do, and how often in a hundred.
    """
    chance = random.Random(seed)
    makers, weights = list(habits), list(habits.values())
    start, end, times = busier
    at = 0.0
    while True:
        rate = CALM_PER_S * (times if start <= at < end else 1.0)
        at += chance.expovariate(rate)
        if at >= length_s:
            return
        yield at, chance.choices(makers, weights)[0](chance)


def ambient(
    seed: int, length_s: float, habits: Sequence[Habit] = AMBIENT
) -> Iterator[tuple[float, Visit]]:
    """Yield (second of the story, visit) of every habit, in order of time."""
    planned: list[tuple[float, Visit]] = []
    for number, habit in enumerate(habits):
        chance = random.Random(seed * 1000 + number)
        at = habit.first_min * 60
        while at < min(habit.last_min * 60, length_s):
            planned.append((at, habit.make(chance)))
            at += habit.every_s * chance.uniform(0.6, 1.4)
    yield from sorted(planned, key=lambda entry: entry[0])
