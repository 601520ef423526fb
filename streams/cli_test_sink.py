"""The command `stormfold test-sink`: one destination is told a test, and what came back is told.

Which sink that is: `trial_sinks`. What is sent: `sinks.trial`. What it means: `trial_words`.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

import orjson
import typer

from streams.cli_acts import Json, now_ms, wrong
from streams.cli_shared import Config, configure_logs, ends, settings_of
from streams.exit_status import FAILED
from streams.settings import Settings


def try_sink(
    destination: Annotated[
        str,
        typer.Argument(
            metavar="DESTINATION",
            help="As `stormfold check` lists it; also slack:#channel and email:ADDRESS.",
        ),
    ],
    config: Config = None,
    json: Json = False,
) -> None:
    """Send a test message to one destination, and say what came back, what it means, what to do.

    A page is opened with severity info and closed at once: its service may tell the on-call.
    """
    with ends():
        settings, _ = settings_of(config)
        # What a sink would log of a refusal is told here, and better.
        configure_logs(json=False, level="critical")
        fine = asyncio.run(_test(settings, destination, json=json))
        raise typer.Exit(0 if fine else FAILED)


async def _test(settings: Settings, asked: str, *, json: bool) -> bool:
    from sinks.trial import Trial, Tried
    from streams.trial_sinks import NoSuchPlace, place_of
    from streams.trial_words import words_of

    try:
        place = place_of(settings, asked)
    except NoSuchPlace as error:
        wrong(str(error))
    id = f"test-{secrets.token_hex(6)}"
    calls: list[dict[str, object]] = []

    def told(one: Tried) -> None:
        words = words_of(one, place.settings)
        if json:
            name = "find" if one.find else one.step.value
            calls.append({"step": name, "fine": one.fine, "took_ms": one.took_ms})
            calls[-1].update(words._asdict())
            return
        typer.echo(f"{'ok' if one.fine else 'NO'}  sent       {words.sent}")
        typer.echo(f"    came back  {words.answer}")
        typer.echo(f"    means      {words.means}")
        if words.todo:
            typer.echo(f"    to do      {words.todo}")

    if not json:
        typer.echo(f"{place.shown}, a test: {id}")
    try:
        fine = await Trial(place.sink, place.destination, id=id, now_ms=now_ms, told=told).run()
    finally:
        await place.sink.close()
    if json:
        said = {"destination": place.shown, "id": id, "fine": fine, "calls": calls}
        typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
    return fine
