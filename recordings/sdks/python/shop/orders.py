"""Orders, with the mistakes that people make."""

import contextlib
import functools
import json
import sqlite3


class SettingsError(Exception):
    """The settings cannot be used."""


# @moved
def place(order):
    return reserve(order["sku"], int(order["count"]))


def reserve(sku, count):
    return {sku: count}


def load_settings(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError("settings of the shop are broken") from error


def cancel(order):
    try:
        return {}[order]
    except KeyError:
        return refund(order, amount=None)


def refund(order, amount):
    if amount < 0:
        raise ValueError(f"refund of {amount} for order {order}")
    return amount


def audited(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@audited
@audited
def audited_refund(order, amount):
    return refund(order, amount)


@contextlib.contextmanager
def reserved(sku):
    stock = {sku: 1}
    try:
        yield stock
    finally:
        stock.clear()


def release(sku):
    return sku


def customer_of(order):
    return order.customer.name


def from_database(query, number):
    with sqlite3.connect(":memory:") as connection:
        return connection.execute(query, (number,)).fetchone()


def insert_twice(key):
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table carts (id text unique)")
        for _ in range(2):
            connection.execute("insert into carts values (?)", (key,))


def from_orm(number):
    import sqlalchemy

    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        query = sqlalchemy.text("select * from customers where id = :id")
        return connection.execute(query, {"id": number}).all()


class Record:
    """A record whose fields are attributes."""

    def __init__(self, fields):
        self._fields = fields

    def __getattr__(self, name):
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"record has no {name}") from None


class Shipment:
    """What every shipment does."""

    def ship(self):
        return self.carrier().upper()

    def carrier(self):
        raise NotImplementedError(type(self).__name__)


class Express(Shipment):
    """Nobody wrote its carrier."""


def read_feed(raw):
    return raw.decode("utf-8")
