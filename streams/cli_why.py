"""The commands `stormfold why-not`, `why-late` and `why-many`; what they do lives in `why_not`,
`why_late` and `why_many`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from streams.cli_shared import Config, complain, configure_logs, ends, settings_of
from streams.exit_status import DONE, FAILED, WRONG_USE

if TYPE_CHECKING:
    from streams.settings import Settings
    from streams.why_read import Seen

_T = TypeVar("_T")

Since = Annotated[str, typer.Option(metavar="DURATION", help="How far back to look.")]
Destination = Annotated[
    str, typer.Option(metavar="SINK:NAME", help="Only this destination, as in slack:incidents.")
]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")]


def why_not(
    service: Annotated[str, typer.Option(metavar="NAME", help="The service that is missed.")],
    since: Since = "1h",
    destination: Destination = "",
    pages: Annotated[bool, typer.Option("--pages", help="A page is missed, no message.")] = False,
    config: Config = None,
    json: Json = False,
) -> None:
    """Say why nothing was heard of a service: the chain link by link; status 1 where it ends."""
    with ends():
        settings, _ = settings_of(config)
        from streams import why_not as why
        from streams.config_places import Places

        seen = _seen(settings, since, arrivals=True)
        places = Places(settings.file)
        answer = why.why_not(seen, service, places, destination=destination, pages=pages)
        _show(answer, why.lines, why.plain, json=json)
        raise typer.Exit(DONE if answer.broken is None else FAILED)


def why_late(
    since: Since = "1h",
    destination: Destination = "",
    service: Annotated[str, typer.Option(metavar="NAME", help="Only this service.")] = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Say where the time goes between the first event and the message."""
    with ends():
        settings, _ = settings_of(config)
        from streams import why_late as why

        seen = _seen(settings, since, arrivals=False)
        answer = why.why_late(seen, settings, destination=destination, service=service)
        _show(answer, why.lines, why.plain, json=json)


def why_many(
    since: Since = "24h",
    destination: Destination = "",
    config: Config = None,
    json: Json = False,
) -> None:
    """Say what the messages were about, which rule sent them, and what would make them fewer."""
    with ends():
        settings, _ = settings_of(config)
        from streams import why_many as why
        from streams.config_places import Places

        seen = _seen(settings, since, arrivals=False)
        answer = why.why_many(seen, Places(settings.file), destination=destination)
        _show(answer, why.lines, why.plain, json=json)


def _seen(settings: Settings, since: str, *, arrivals: bool) -> Seen:
    configure_logs(json=False, level="critical")
    from streams.why_read import WhyError, WrongUse, read

    try:
        return read(settings, since, arrivals=arrivals, now_ms=time.time_ns() // 1_000_000)
    except WhyError as error:
        complain(f"stormfold: {error}")
        raise typer.Exit(WRONG_USE if isinstance(error, WrongUse) else FAILED) from None


def _show(
    answer: _T,
    lines: Callable[[_T], list[str]],
    plain: Callable[[_T], dict[str, Any]],
    *,
    json: bool,
) -> None:
    from streams.explain import in_json, safe

    if json:
        sys.stdout.write(in_json(plain(answer)))
    else:
        sys.stdout.write("".join(f"{safe(line)}\n" for line in lines(answer)))
