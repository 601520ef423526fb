"""What frames are called, language by language: what must agree does, what must differ does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.cleaning import FUNCTION_1, FUNCTION_2
from correlators.frames import cleanings, dropped, frame_name
from correlators.naming import NAME_CHARS, NAMING_1, NAMING_2
from correlators.platforms import Family, family_of
from correlators.reasons import Dropped
from correlators.types import Frame

SCRIPT = "https://shop.example/static/js/main.4f3a2b1c.js"


def name(platform: str, function: str, module: str = "", filename: str = "") -> str:
    frame = Frame(function=function, module=module, filename=filename, in_app=True)
    return frame_name(frame, NAMING_2, platform=platform)


AGREE = {
    "javascript": [
        ["charge", "Object.charge", "async charge", "charge [as pay]", "new charge", "get charge"],
        [
            "charge",
            "Cart.charge",
            "pay/charge",
            "charge@https://shop.example/a.js",
            "static charge",
        ],
        [
            "charge",
            "async*charge",
            "promise callback*charge",
            "setTimeout handler*charge",
            "charge$1",
        ],
        ["", "charge/<", "a/b</c<", "?", "<anonymous>", "Object.<anonymous>", "global code"],
        ["", "module code", "eval code", "Module../src/cart.ts", "./src/cart.js", "_callee2$", "t"],
        ["", "e.t", "Ab", "r$1", "Anonymous function", "<anonymous function>", "Global code"],
        ["charge", "<anonymous function: charge>"],
    ],
    "java": [
        ["charge", "lambda$charge$0", "lambda$charge$17", "charge$default", "charge$lambda-0"],
        ["charge", "charge$lambda$0", "$anonfun$charge$1", "$anonfun$charge$1$adapted"],
        ["charge", "CGLIB$charge$3", "charge-2tY8aB1", "charge-impl", "charge$suspendImpl"],
    ],
    "go": [
        ["Charge", "Charge.func1", "Charge.func1.2", "Charge.gowrap1", "Charge[...]"],
        ["Charge", "Charge[go.shape.int]", "Charge.deferwrap2", "Charge-range1"],
        ["Cart.Charge", "(*Cart).Charge", "(*Cart).Charge-fm", "(*Cart).Charge.func2.1"],
    ],
    "native": [
        ["shop::charge", "shop::charge::h0123456789abcdef", "shop::charge::{{closure}}"],
        ["shop::charge", "_ZN4shop6charge17h0123456789abcdefE", "shop::charge::{closure#0}"],
        ["shop::charge", "shop::charge::async_fn$0", "shop::charge::<u32>", "shop::charge+0x1f"],
        ["std::vector::push_back", "std::vector<int, std::allocator<int> >::push_back(int const&)"],
        ["std::sort", "void std::__1::sort<int*>(int*, int*)"],
        ["charge", "(anonymous namespace)::charge(int)", "charge[abi:cxx11](int)", "charge.cold"],
        ["charge", "charge(int)::{lambda(int)#1}::operator()(int) const", "charge.isra.0"],
        ["charge", "charge(int) [clone .constprop.0]", "`anonymous namespace'::charge"],
        ["Foo::bar", "public: void __thiscall Foo::bar(int)", "Foo::bar() const"],
        ["Cart.charge", "closure #1 (Swift.Int) -> () in Cart.charge(_:)", "@objc Cart.charge()"],
        ["Cart.charge", "Cart.charge(_:) async throws -> Int", "specialized Cart.charge(_:)"],
        ["Cart.charge", "(1) suspend resume partial function for Cart.charge()"],
        ["-[Cart charge:]", "__22-[Cart charge:]_block_invoke_2"],
    ],
    "csharp": [
        ["Charge", "<Charge>d__4.MoveNext", "<Charge>b__0", "<Charge>g__Local|3_0"],
        ["Charge", "Charge(Int32 id)", "Charge(System.Func`2[A,B])", "Charge[T]", "Charge`1"],
    ],
    "php": [
        [r"App\Cart::charge", r"{closure:App\Cart::charge():12}", r"Shop\Cart::charge"],
        ["charge", "class@anonymous/srv/a.php:3$0::charge"],
        ["", "{closure}", r"App\{closure}"],
        ["__TwigTemplate_4f3a2b1c::doDisplay", "__TwigTemplate_ffff0000::doDisplay"],
    ],
    "ruby": [
        ["charge", "Cart#charge", "Shop::Cart.charge", "block in Cart#charge", "rescue in charge"],
        ["charge", "block (2 levels) in charge"],
        ["_app_views_show_html_erb___1_2", "_app_views_show_html_erb___1742_9"],
    ],
    "python": [["charge", "outer.<locals>.charge", "Cart.outer.<locals>.charge"]],
    "dart": [["Cart.charge", "Cart.charge.<anonymous closure>", "Cart.charge.<fn>.<fn>"]],
    "elixir": [["Shop.Cart.charge/2", "anonymous fn/1 in Shop.Cart.charge/2", "-charge/2-fun-0-"]],
}


@pytest.mark.parametrize(
    ("platform", "functions"),
    [(platform, functions) for platform, groups in AGREE.items() for functions in groups],
)
def test_names_of_one_function_agree(platform: str, functions: list[str]) -> None:
    module = "" if platform == "javascript" else "shop"
    assert len({name(platform, function, module, SCRIPT) for function in functions}) == 1


DIFFER = {
    "javascript": ["charge", "refund", "pay/<", "Cart.load"],
    "java": ["charge", "refund", "<init>", "lambda$load$1", "access"],
    "go": ["Charge", "(*Cart).Charge", "(*Order).Charge", "init.0"],
    "native": ["a::b", "a::c", "a::operator<(int)", "a::operator()(int)", "a::~a()", "-[A b]"],
    "csharp": ["Charge", "<Refund>d__4.MoveNext", ".ctor"],
    "php": ["Cart::charge", "Order::charge", "{closure:Cart::load():3}"],
    "ruby": ["Cart#charge", "save!", "save", "empty?", "[]=", "<main>"],
    "python": ["charge", "Cart.charge", "Order.charge", "<module>"],
    "dart": ["Cart.charge", "Order.charge", "new Cart.load"],
    "elixir": ["Shop.Cart.charge/2", "Shop.Cart.refund/2"],
}


@pytest.mark.parametrize("platform", DIFFER)
def test_names_of_different_functions_differ(platform: str) -> None:
    made = [name(platform, function, "shop", "shop/cart.x") for function in DIFFER[platform]]
    assert len(set(made)) == len(made)
    assert all(made)


@pytest.mark.parametrize(
    ("platform", "module", "function", "true"),
    [
        ("java", "shop.Cart$charge$1", "invokeSuspend", "shop.Cart charge"),
        ("java", "shop.Cart$charge$2", "invoke", "shop.Cart charge"),
        ("java", "shop.Cart$$anonfun$charge$1", "apply", "shop.Cart charge"),
        ("java", "shop.cart$charge$fn__123", "invoke", "shop.cart charge"),
        ("java", "shop.Cart$_charge_closure1", "doCall", "shop.Cart charge"),
        ("java", "shop.Cart$", "charge", "shop.Cart charge"),
        ("java", "shop.Cart$1", "run", "shop.Cart run"),
        ("java", "shop.Cart$Item", "run", "shop.Cart$Item run"),
        ("csharp", "Shop.Cart+<ChargeAsync>d__4", "MoveNext", "Shop.Cart ChargeAsync"),
        ("csharp", "Shop.Cart+<>c__DisplayClass5_0", "<Charge>b__0", "Shop.Cart Charge"),
        ("csharp", "Shop.Cart`1[[System.Int32]]", "Charge", "Shop.Cart Charge"),
        ("go", "example.com/acme/shop/v2", "Charge", "shop Charge"),
    ],
)
def test_a_class_that_a_compiler_made_of_a_function_gives_its_name_back(
    platform: str, module: str, function: str, true: str
) -> None:
    assert name(platform, function, module) == true


@pytest.mark.parametrize(
    "files",
    [
        [SCRIPT, "https://cdn.example/x/main.9c8b7a6d.js?v=2", "main.js", "main.deadbeef.js"],
        ["webpack://shop/./src/cart/index.js", "webpack:///src/cart/index.js", "cart/index.js"],
        ["app:///dist/cart/index.js", "./src/cart/index.js", "~/cart/index.js"],
        ["/srv/r1/index.js", "/opt/r2/index.js", "https://a.example/b/index.js"],
        ["12.4f3a2b1c.js", "731.00ff00ff.js"],
        [
            "https://a.example/orders/17",
            "https://b.example/",
            "https://b.example",
            "blob:https://a/9",
        ],
        ["https://a.example/cart.js?" + "t=1&" * 400, "https://a.example/cart.js"],
        ["jquery-3.6.0.min.js", "jquery-3.7.1.js", "vendor/jquery.js"],
    ],
)
def test_bundles_folders_and_hosts_of_a_script_do_not_count(files: list[str]) -> None:
    assert len({name("javascript", "charge", "", file) for file in files}) == 1


def test_scripts_that_are_all_called_index_are_told_apart_by_their_folder() -> None:
    files = ["src/cart/index.js", "src/order/index.js", "webpack:///./src/user/index.js"]
    assert len({name("javascript", "load", "", file) for file in files}) == 3


@pytest.mark.parametrize(
    ("platform", "frame", "why"),
    [
        ("java", Frame(module="com.sun.proxy.$Proxy12", function="x"), Dropped.GENERATED),
        ("java", Frame(module="jdk.internal.reflect.X", function="invoke"), Dropped.GENERATED),
        ("java", Frame(module="a.B$$FastClassBySpringCGLIB$$1", function="x"), Dropped.GENERATED),
        ("java", Frame(module="shop.Cart", function="access$charge"), Dropped.GENERATED),
        ("csharp", Frame(function="lambda_method(Closure)"), Dropped.GENERATED),
        ("go", Frame(function="f", filename="<autogenerated>"), Dropped.GENERATED),
        ("javascript", Frame(function="asyncGeneratorStep"), Dropped.GENERATED),
        ("javascript", Frame(function="Array.map", filename="<anonymous>"), Dropped.BUILT_IN),
        ("javascript", Frame(function="map", filename="[native code]"), Dropped.BUILT_IN),
        ("python", Frame(module="shop", function="f.<locals>.<listcomp>"), Dropped.INLINED),
    ],
)
def test_generated_code_is_dropped_with_its_reason(
    platform: str, frame: Frame, why: Dropped
) -> None:
    assert dropped(frame, NAMING_2, platform=platform) is why
    assert frame_name(frame, NAMING_2, platform=platform) == ""


def test_a_frame_of_another_platform_is_read_as_its_own() -> None:
    frame = Frame(function="Cart#charge", filename="cart.rb", platform="ruby")
    assert family_of(frame, "python") is Family.RUBY
    assert family_of(Frame(filename="cart.kt"), "") is Family.JVM
    assert family_of(Frame(filename="cart"), "other") is Family.OTHER


def test_each_cleaning_tells_its_reason() -> None:
    frame = Frame(function="async pay/charge", filename="a.js")
    assert [step[:2] for step in cleanings(frame, NAMING_2, platform="javascript")] == [
        ("async pay/charge", "pay/charge"),
        ("pay/charge", "charge"),
    ]
    frame = Frame(function="invokeSuspend", module="shop.Cart$charge$1", filename="Cart.kt")
    assert cleanings(frame, NAMING_2, platform="java")[0][:2] == (
        "shop.Cart$charge$1 invokeSuspend",
        "shop.Cart charge",
    )
    frame = Frame(function="charge", filename="https://a.example/main.4f3a2b1c.js?v=2")
    assert cleanings(frame, NAMING_2, platform="javascript") == [
        ("main.4f3a2b1c.js", "main.js", "a hash of the build")
    ]


PIECES = st.sampled_from(
    [
        *"<>()$./@#{}[]*-| a\\é",
        *("::", "Zed", "12", " in ", "lambda$", "operator", "_ZN9", "closure #1 ", "\ud800"),
    ]
)


@given(
    st.sampled_from([*FUNCTION_2, "python", "javascript", "java"]),
    st.lists(PIECES, max_size=80).map("".join),
    st.lists(PIECES, max_size=80).map("".join),
)
def test_any_text_has_a_name_that_is_bounded_and_has_it_again(
    platform: str, function: str, module: str
) -> None:
    frame = Frame(function=function, module=module, filename=module)
    for naming in (NAMING_1, NAMING_2):
        made = frame_name(frame, naming, platform=platform)
        assert made == frame_name(frame, naming, platform=platform)
        assert len(made) <= 3 * NAME_CHARS


@pytest.mark.parametrize(
    "steps", [*FUNCTION_2.values(), FUNCTION_1], ids=[*FUNCTION_2, "version 1"]
)
def test_every_step_of_a_family_is_its_own_and_gives_a_reason(steps: tuple[object, ...]) -> None:
    assert len(set(steps)) == len(steps)
    assert all(getattr(step, "why", "") for step in steps)
