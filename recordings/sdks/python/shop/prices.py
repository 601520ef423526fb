"""Prices, with the mistakes that people make."""

from decimal import Decimal


# @moved
def parse(text):
    return int(float(text) * 100)


def percentage_of(name, text):
    return {name: Decimal(text) / 100}


def discount_of_discounts(depth):
    return discount_of_discounts(depth - 1) * 0.9 if depth else 1


def ping(depth):
    return pong(depth - 1) + 1


def pong(depth):
    return ping(depth - 1) + 1 if depth else 0


def make_rounder(digits):
    def rounder(value):
        return round(value, digits)

    return rounder


def running_totals(values):
    total = 0
    for value in values:
        total += value
        yield total


def totals_by_name(rows):
    return {row["name"].title(): sum(int(row["cents"]) for _ in range(2)) for row in rows}


def add_tax(net):
    return net + 19


def cheapest(offers):
    for offer in offers:
        best = offer
    return best


def compile_rule(rule):
    return compile(rule, "<rule>", "eval")


def rule_function(rule):
    space = {}
    exec(f"def price_rule(count):\n    return {rule}\n", space)
    return space["price_rule"]


def scale(value, factor):
    return value / factor


def checked(price):
    assert price >= 0, f"negative price {price}"
    return price
