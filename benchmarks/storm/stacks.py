"""What goes wrong in the benchmark's events: exceptions with their frames, made from a drawing.

A frame of the service's own shows the lines around it and its variables, as Sentry's Python SDK
sends them; one of a library shows where it is. Which error it is comes from a number, the rest is
drawn.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any, Final, NamedTuple

LIBRARY_FRAMES_LAST: Final = 2
"""Frames of a client library behind the service's own."""
LINES_AROUND: Final = 5
PAGES: Final = 500
"""Pieces of source code that frames show."""


class Depth(NamedTuple):
    """How many frames the cause and what was raised from it have, and how many are own ones."""

    of_cause: int = 12
    of_raised: int = 18
    own_of_cause: int = 2
    own_of_raised: int = 3


USUAL: Final = Depth()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NOUNS: Final = _words(
    "account address balance basket booking bundle campaign carrier catalog charge contract coupon "
    "credit customer delivery deposit device discount document exchange export feed gateway "
    "inventory invoice ledger listing mandate order package parcel payout product profile quote "
    "refund reservation return schedule session shipment statement subscription supplier tariff "
    "ticket transfer voucher wallet warehouse"
)
_VERBS: Final = _words(
    "apply assign build cancel capture check claim collect compute confirm convert create decline "
    "dispatch enrich fetch handle issue load match merge notify prepare publish reconcile record "
    "release reserve resolve settle submit sync update validate verify"
)
_KINDS: Final = _words("Conflict Denied Expired Failed Missing Rejected Timeout Unavailable")
_LIBRARIES: Final = (
    ("uvicorn/protocols/http/httptools_impl.py", "run_asgi"),
    ("uvicorn/middleware/proxy_headers.py", "__call__"),
    ("starlette/applications.py", "__call__"),
    ("starlette/middleware/errors.py", "__call__"),
    ("starlette/middleware/cors.py", "simple_response"),
    ("starlette/middleware/exceptions.py", "__call__"),
    ("starlette/routing.py", "handle"),
    ("fastapi/routing.py", "run_endpoint_function"),
    ("sqlalchemy/ext/asyncio/session.py", "execute"),
    ("sqlalchemy/engine/base.py", "_execute_context"),
    ("sqlalchemy/dialects/postgresql/asyncpg.py", "_prepare_and_execute"),
    ("sqlalchemy/pool/base.py", "_checkout"),
    ("asyncpg/connection.py", "_do_execute"),
    ("asyncpg/connect_utils.py", "__connect_addr"),
    ("httpx/_client.py", "_send_handling_auth"),
    ("httpx/_transports/default.py", "handle_async_request"),
    ("httpcore/_async/connection_pool.py", "handle_async_request"),
    ("anyio/_backends/_asyncio.py", "run_sync_in_worker_thread"),
)
_LINES: Final = (
    "{a} = await self._{b}s.{v}({a}_id, timeout_s=self._timeout_s)",
    "if {a} is None or {a}.state is not {A}State.OPEN:",
    "    raise {A}Missing({a}_id, tried=[{b}.key for {b} in {b}s])",
    "for {b} in sorted({a}.{b}s, key=lambda each: each.created_at):",
    '    log.info("{v} {b}", {b}={b}.id, total_cents={b}.total_cents)',
    "    total_cents += {b}.total_cents * {b}.quantity",
    "async with self._unit_of_work() as unit:",
    "    return await unit.{b}s.{v}({a}, by=request.user)",
    "except ({A}Timeout, ConnectionError) as error:",
    'assert total_cents >= 0, "a {a} is never below nothing"',
    '"""Return the {b} of this {a}; the newest one wins."""',
    "",
    "def {v}_{b}(self, {a}: {A}, *, dry_run: bool = False) -> {B}:",
    "    {b}_by_id = {{each.id: each for each in {a}.{b}s if not each.deleted}}",
)
_NUMBER: Final = re.compile("[0-9]{2,}")

ERRORS: Final = len(_VERBS) * len(_NOUNS) ** 2 * len(_KINDS)
"""Different errors that there are."""
_STRIDE: Final = 104_729
"""A prime that does not divide `ERRORS`: neighbours in number have no word in common."""


def exceptions(
    draw: Random, pages: list[dict[str, Any]], number: int, depth: Depth = USUAL
) -> list[dict[str, Any]]:
    """Return the cause and what was raised from it.

    Args:
        draw: gives line numbers, the numbers in messages, and which pages are shown.
        pages: of source code.
        number: below `ERRORS`; another one is another error, in frames of its own.
        depth: of the stacks; without frames there is no cause.
    """
    left, verb = divmod(number * _STRIDE % ERRORS, len(_VERBS))
    left, noun = divmod(left, len(_NOUNS))
    left, other = divmod(left, len(_NOUNS))
    name = (_VERBS[verb], _NOUNS[noun], _NOUNS[other], _KINDS[left])
    cause = f"{name[1].title()}{name[3]}"
    raised = f"{name[2].title()}{_KINDS[(left + 1) % len(_KINDS)]}"
    chain = [
        _exception(
            cause,
            f"{name[1]} {draw.randrange(100_000)} of {name[2]} gave no answer to {name[0]}",
            _frames(draw, pages, name, depth.of_cause, depth.own_of_cause),
        ),
        _exception(
            raised,
            f"cannot {name[0]} {name[2]} {draw.randrange(100_000)}: {cause}",
            _frames(draw, pages, name, depth.of_raised, depth.own_of_raised),
        ),
    ]
    return chain if depth.of_cause else chain[1:]


def _exception(name: str, value: str, frames: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": name,
        "value": value,
        "module": "shop.errors",
        "mechanism": {"type": "starlette", "handled": False},
        "stacktrace": {"frames": frames},
    }


def _frames(
    draw: Random, pages: list[dict[str, Any]], name: tuple[str, ...], count: int, own: int
) -> list[dict[str, Any]]:
    """Return a stack: the web framework's frames, the service's own, and a client library's."""
    verb, noun, other, kind = name
    first = draw.randrange(len(_LIBRARIES))
    first_own = count - own - LIBRARY_FRAMES_LAST
    frames: list[dict[str, Any]] = []
    for place in range(count):
        if first_own <= place < first_own + own:
            word = _NOUNS[(place + _NOUNS.index(noun)) % len(_NOUNS)]
            path = f"shop/{other}/{noun}_{kind.lower()}/{word}.py"
            frame = {
                "filename": path,
                "abs_path": f"/srv/app/{path}",
                "function": f"{verb}_{other}_{word}",
                "module": path.removesuffix(".py").replace("/", "."),
                "lineno": draw.randrange(20, 400),
                "in_app": True,
                **draw.choice(pages),
            }
        else:
            path, function = _LIBRARIES[(first + place) % len(_LIBRARIES)]
            frame = {
                "filename": path,
                "abs_path": f"/usr/local/lib/python3.12/site-packages/{path}",
                "function": function,
                "module": path.removesuffix(".py").replace("/", "."),
                "lineno": draw.randrange(20, 900),
                "in_app": False,
            }
        frames.append(frame)
    return frames


def page(draw: Random) -> dict[str, Any]:
    """Return what a frame shows of its source: the line, those around it, its variables."""
    noun, other, verb = draw.choice(_NOUNS), draw.choice(_NOUNS), draw.choice(_VERBS)
    lines = [
        "        " + line.format(a=noun, A=noun.title(), b=other, B=other.title(), v=verb)
        for line in draw.choices(_LINES, k=2 * LINES_AROUND + 1)
    ]
    return {
        "pre_context": lines[:LINES_AROUND],
        "context_line": lines[LINES_AROUND],
        "post_context": lines[LINES_AROUND + 1 :],
        "vars": _variables(draw, noun, other),
    }


def _variables(draw: Random, noun: str, other: str) -> dict[str, str]:
    return {
        "self": f"<shop.{noun}.{noun.title()}s object at 0x7f{draw.getrandbits(40):010x}>",
        f"{noun}_id": str(draw.randrange(1_000_000)),
        f"{other}s": f"[<{other.title()} {draw.randrange(1_000)}>]",
        "total_cents": str(draw.randrange(100_000)),
    }


def varied(draw: Random, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the same errors with other numbers in their messages and variables."""
    return [
        {
            **exception,
            "value": _renumbered(draw, exception["value"]),
            "stacktrace": {
                "frames": [
                    {**frame, "vars": _all_renumbered(draw, frame["vars"])}
                    if frame["in_app"]
                    else frame
                    for frame in exception["stacktrace"]["frames"]
                ]
            },
        }
        for exception in given
    ]


def _all_renumbered(draw: Random, variables: dict[str, str]) -> dict[str, str]:
    return {name: _renumbered(draw, value) for name, value in variables.items()}


def _renumbered(draw: Random, text: str) -> str:
    return _NUMBER.sub(lambda _: str(draw.randrange(100_000)), text)
