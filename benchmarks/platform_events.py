"""Crashes as JSON, one per platform, as the SDK of the platform sends them.

Used by the benchmark of signatures and by their laws. The names are of no real program.
"""

from __future__ import annotations

import json
from typing import Any, Final

from correlators.events import decode
from correlators.types import Event

Json = dict[str, Any]

_STACKS: Final[dict[str, tuple[str, str, list[tuple[str, str, str, bool]]]]] = {
    # platform: type, message, frames oldest first as (module, function, file, in-app)
    "python": (
        "KeyError",
        "no price for order 4711",
        [
            ("django.core.handlers", "get_response", "django/core/handlers.py", False),
            ("shop.views", "checkout", "/srv/app/shop/views.py", True),
            ("shop.cart", "Cart.outer.<locals>.total", "/srv/app/shop/cart.py", True),
            ("shop.cart", "<listcomp>", "/srv/app/shop/cart.py", True),
        ],
    ),
    "javascript": (
        "TypeError",
        "Cannot read properties of undefined (reading 'price') at order 4711",
        [
            ("", "HTMLButtonElement.onclick", "https://shop.example/index.html", True),
            ("", "async checkoutPage", "https://shop.example/js/main.4f3a2b1c.js", True),
            ("", "Array.map", "<anonymous>", True),
            ("", "Object.totalOf [as total]", "https://shop.example/js/cart.9c8b7a6d.js", True),
        ],
    ),
    "node": (
        "Error",
        "no price for order 4711",
        [
            ("", "process.processTicksAndRejections", "node:internal/process/task", False),
            ("", "async Router.checkoutRoute", "/srv/app/routes/checkout.js", True),
            ("", "Cart.totalOf", "/srv/app/lib/cart.js", True),
        ],
    ),
    "java": (
        "IllegalStateException",
        "no price for order 4711",
        [
            ("java.lang.Thread", "run", "Thread.java", False),
            ("jdk.internal.reflect.GeneratedMethodAccessor12", "invoke", "", False),
            ("shop.web.CheckoutController$$EnhancerBySpringCGLIB$$1a2b", "pay", "<gen>", True),
            ("shop.web.CheckoutController", "lambda$pay$3", "CheckoutController.java", True),
            ("shop.Cart$total$1", "invokeSuspend", "Cart.kt", True),
            ("shop.Preconditions", "checkPresent", "Preconditions.java", True),
        ],
    ),
    "go": (
        "*errors.errorString",
        "no price for order 4711",
        [
            ("net/http", "HandlerFunc.ServeHTTP", "/usr/lib/go/src/net/http/server.go", False),
            ("example.com/shop", "(*Server).Checkout.func1", "/srv/app/server.go", True),
            ("example.com/shop/cart", "Total[...]", "/srv/app/cart/cart.go", True),
        ],
    ),
    "ruby": (
        "NoMethodError",
        "undefined method 'price' for nil",
        [
            ("", "call", "/usr/lib/ruby/gems/rack/builder.rb", False),
            ("", "CheckoutController#create", "app/controllers/checkout_controller.rb", True),
            ("", "block (2 levels) in Cart#total", "app/models/cart.rb", True),
        ],
    ),
    "php": (
        "RuntimeException",
        "no price for order 4711",
        [
            ("", "Illuminate\\Routing\\Router::dispatch", "/vendor/laravel/Router.php", False),
            ("", "App\\Checkout::pay", "/app/Checkout.php", True),
            ("", "App\\Cart::{closure}", "/app/Cart.php", True),
            ("", "App\\Cart::total", "/app/Cart.php", True),
        ],
    ),
    "csharp": (
        "ArgumentOutOfRangeException",
        "no price for order 4711",
        [
            ("Microsoft.AspNetCore.Hosting", "Run", "", False),
            ("Shop.CheckoutController", "<PayAsync>d__4.MoveNext", "C:\\b\\Checkout.cs", True),
            ("Shop.Cart+<>c__DisplayClass5_0", "<Total>b__0", "C:\\b\\Cart.cs", True),
        ],
    ),
    "native": (
        "SIGABRT",
        "Abort",
        [
            ("", "main", "/build/7/main.cpp", True),
            ("", "shop::Checkout<std::vector<int> >::pay(int const&)", "/build/7/pay.cpp", True),
            ("", "shop::cart::total::h0123456789abcdef", "/build/7/cart.rs", True),
            ("", "abort", "", False),
        ],
    ),
    "cocoa": (
        "EXC_BAD_ACCESS",
        "attempted to dereference null pointer at 0x4711",
        [
            ("", "UIApplicationMain", "", False),
            ("", "closure #1 in CheckoutView.pay(_:)", "/b/CheckoutView.swift", True),
            ("", "-[Cart total:]", "/b/Cart.m", True),
        ],
    ),
    "dart": (
        "StateError",
        "Bad state: no price for order 4711",
        [
            ("", "_rootRun", "dart:async/zone.dart", False),
            ("", "CheckoutPage.pay.<fn>", "package:shop/checkout.dart", True),
            ("", "new Cart.total", "package:shop/cart.dart", True),
        ],
    ),
    "elixir": (
        "KeyError",
        "key :price not found",
        [
            ("Plug.Router", "Plug.Router.call/2", "lib/plug/router.ex", False),
            ("Shop.Checkout", "Shop.Checkout.pay/2", "lib/shop/checkout.ex", True),
            ("Shop.Cart", "anonymous fn/1 in Shop.Cart.total/2", "lib/shop/cart.ex", True),
        ],
    ),
}
PLATFORMS: Final = tuple(_STACKS)


def crash(platform: str) -> Json:
    """Return a crash of this platform as its SDK sends it, new at every call."""
    kind, value, stack = _STACKS[platform]
    frames = [
        {
            "module": module or None,
            "function": function,
            "filename": file or None,
            "abs_path": file or None,
            "lineno": 10 * at + 7,
            "in_app": in_app,
        }
        for at, (module, function, file, in_app) in enumerate(stack)
    ]
    cause = {"type": "IOError", "value": "timed out", "stacktrace": {"frames": frames[:2]}}
    raised = {"type": kind, "value": value, "stacktrace": {"frames": frames}}
    return {
        "event_id": "a" * 32,
        "platform": platform,
        "project": "shop",
        "environment": "production",
        "release": "shop@1",
        "server_name": "web-1",
        "timestamp": 1.7e9,
        "exception": {"values": [cause, raised]},
    }


def body_of(made: Json) -> bytes:
    """Return the webhook that brings it."""
    body = {"action": "created", "data": {"error": made}, "installation": {"uuid": "x"}}
    return json.dumps(body).encode()


def read(body: bytes) -> Event:
    """Return the event that Stormfold reads out of a webhook."""
    found = decode("error", body, default_environment="production")
    assert isinstance(found, Event), found
    return found


def event_of(made: Json) -> Event:
    """Return the event that Stormfold reads out of it."""
    return read(body_of(made))
