"""The cases: a small shop that fails in many ways. An uncaught error reaches the SDK's hook."""

import asyncio
import concurrent.futures
import contextlib
import functools
import json
import logging
import random
import socket
import subprocess
import sys
import threading
import uuid
from typing import Generic, TypeVar

import sentry_sdk

# @moved
from shop import orders, prices, tasks, web

T = TypeVar("T")
log = logging.getLogger("shop.billing")


def uncaught_value() -> None:
    orders.place({"sku": "tea", "count": f"{random.randrange(100)} boxes"})


def chained_from() -> None:
    orders.load_settings('{"currency": "EUR", ')


def chained_context() -> None:
    orders.cancel(str(uuid.uuid4()))


def key_in_library() -> None:
    prices.percentage_of("tea", "12,5")


def only_library() -> None:
    # No frame of the application: the thread's target is the library's own function.
    thread = threading.Thread(target=json.loads, args=("{broken",), name="loader")
    thread.start()
    thread.join()


def exception_group() -> None:
    asyncio.run(tasks.refresh_all(["tea", "coffee", "cocoa"]))


def exception_group_once() -> None:
    asyncio.run(tasks.refresh_all(["tea"]))


def async_await() -> None:
    asyncio.run(tasks.nested(4))


def task_never_awaited_for() -> None:
    asyncio.run(tasks.fire_and_forget())


def async_timeout() -> None:
    asyncio.run(tasks.slow_supplier())


def recursion() -> None:
    prices.discount_of_discounts(random.randrange(5000, 9000))


def recursion_mutual() -> None:
    prices.ping(random.randrange(2000, 9000))


def lambda_key() -> None:
    sorted([{"price": 1}, {"prize": 2}], key=lambda item: item["price"])


def closure() -> None:
    prices.make_rounder("two")(3.14159)


def decorated() -> None:
    orders.audited_refund(order=random.randrange(10**6), amount=-5)


def generator() -> None:
    list(prices.running_totals([3, 4, None, 5]))


def comprehension() -> None:
    prices.totals_by_name([{"name": "tea", "cents": "120"}, {"name": None}])


def context_manager() -> None:
    with orders.reserved("tea"):
        raise RuntimeError(f"payment {random.randrange(10**8)} was declined")


def generic_class() -> None:
    class Box(Generic[T]):
        def __init__(self, content: T) -> None:
            self.content = content

        def unpack(self) -> int:
            return self.content.weight  # type: ignore[attr-defined]

    Box[str]("tea").unpack()


def type_error() -> None:
    prices.add_tax("100")


def attribute_of_none() -> None:
    orders.customer_of(None)


def unbound_local() -> None:
    prices.cheapest([])


def syntax_error() -> None:
    prices.compile_rule(f"price * 1.19 +* {random.randrange(99)}")


def template_error() -> None:
    web.render_receipt({"order": None})


def generated_code() -> None:
    prices.rule_function(f"1 / (count - {random.randrange(5, 50)} + 1) + missing_name")(7)


def sqlite_missing_table() -> None:
    orders.from_database("select total from orders_2025 where id = ?", random.randrange(99))


def sqlite_unique() -> None:
    orders.insert_twice(str(uuid.uuid4()))


def sqlalchemy_error() -> None:
    orders.from_orm(random.randrange(1000))


def connection_refused() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    web.supplier_stock(f"http://127.0.0.1:{port}/stock/{random.randrange(10**6)}")


def socket_refused() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    socket.create_connection(("127.0.0.1", port), timeout=2)


def web_request() -> None:
    web.request(f"/orders/{random.randrange(10**6)}/pay")


def thread_dies() -> None:
    thread = threading.Thread(target=tasks.ship, args=(random.randrange(10**6),))
    thread.start()
    thread.join()


def executor() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(prices.parse, ["1.00", "2.00", "three"]))


def subprocess_failed() -> None:
    subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=True)


def partial_function() -> None:
    functools.partial(prices.scale, factor=0)(random.randrange(1, 99))


def dynamic_attribute() -> None:
    orders.Record({"id": random.randrange(999)}).total


def subclass_method() -> None:
    orders.Express().ship()


def os_error() -> None:
    web.read_certificate(f"/srv/certs/{uuid.uuid4()}.pem")


def handled_capture() -> None:
    try:
        prices.parse("12.50 EUR")
    except ValueError as error:
        sentry_sdk.capture_exception(error)


def suppressed_cause() -> None:
    try:
        prices.parse("n/a")
    except ValueError:
        raise LookupError("no price for tea") from None


def reraised() -> None:
    try:
        prices.parse(f"{random.randrange(99)} pounds")
    except ValueError as error:
        error.add_note(f"order {random.randrange(10**6)}")
        raise


def message_plain() -> None:
    sentry_sdk.capture_message("price list is older than a day")


def message_with_ids() -> None:
    order, host = random.randrange(10**7), f"db-{random.randrange(9)}.internal.example.com"
    sentry_sdk.capture_message(f"order {order} is stuck on {host} since 2025-06-1{order % 9}")


def log_with_parameters() -> None:
    log.error("could not bill customer %s for order %d", uuid.uuid4(), random.randrange(10**6))


def log_formatted() -> None:
    log.error(f"invoice {random.randrange(10**6)} has {random.randrange(99)} open lines")


def log_exception() -> None:
    try:
        prices.parse("")
    except ValueError:
        log.exception("price of %s cannot be read", random.choice(["tea", "coffee"]))


def fingerprint_custom() -> None:
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = ["payment-provider", "card"]
        sentry_sdk.capture_exception(ValueError(f"declined {random.randrange(999)}"))


def fingerprint_hybrid() -> None:
    with sentry_sdk.new_scope() as scope:
        scope.fingerprint = ["{{ default }}", "tenant-blue"]
        try:
            prices.parse("blue")
        except ValueError as error:
            sentry_sdk.capture_exception(error)


def no_stack() -> None:
    sentry_sdk.capture_exception(TimeoutError(f"no answer within {random.randrange(9)} s"))


def keyboard_name() -> None:
    getattr(orders, f"export_{random.randrange(5)}".rstrip("01234"))


def assertion() -> None:
    prices.checked(-random.randrange(1, 99))


def unicode_error() -> None:
    orders.read_feed(b"Caf\xe9 %d" % random.randrange(99))


def exit_stack() -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(prices.parse, "closing")
        stack.callback(orders.release, "tea")
