"""The command `stormfold`: what can be asked on a command line, one function per command.

Nothing is decided here: each command reads the settings, calls one function and turns what comes
back into text and an exit status. Data goes to standard output, everything else to standard error.
Modules that take long to import are imported by the command that needs them.

Exit status: 0 done, 1 failed or differs, 2 wrong use or configuration, 3 lines skipped, 130 ended
by Ctrl-C.
"""

from __future__ import annotations

import asyncio
import errno
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from streams import replay as replays
from streams.processes import StageName
from streams.settings import Settings, SettingsError, find, load

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130

app = typer.Typer(
    name="stormfold",
    help="Folds Sentry alert storms into one digest per outage.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The settings; else STORMFOLD_CONFIG, else stormfold.yaml in this folder.",
    ),
]
JsonLog = Annotated[bool, typer.Option("--json-log", help="Log lines as JSON.")]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


def _version(asked: bool) -> None:
    if asked:
        try:
            version = importlib.metadata.version("stormfold")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed)"
        typer.echo(f"stormfold {version}")
        raise typer.Exit


@app.callback()
def _stormfold(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Folds Sentry alert storms into one digest per outage."""


@app.command()
def run(
    stages: Annotated[
        str, typer.Option(help="Which stages this process serves, with commas between.")
    ] = ",".join(StageName),
    config: Config = None,
    json_log: JsonLog = False,
    log_level: LogLevel = "info",
) -> None:
    """Run stages until SIGTERM: events from Kafka become digests, digests become messages."""
    with _ends():
        settings, path = _settings(config)
        names = _stages(stages)
        _configure_logs(json=json_log, level=log_level)
        if StageName.DELIVER in names:
            _secrets_are_there(settings)
        asyncio.run(topics_exist(settings, foreign=True))
        from streams import supervisor

        log = supervisor.Log(json=json_log, level=log_level)
        try:
            status = asyncio.run(supervisor.run(settings, names, path, log=log))
        except supervisor.RunError as error:
            _complain(str(error))
            raise typer.Exit(FAILED) from None
        raise typer.Exit(status)


@app.command()
def intake(config: Config = None, json_log: JsonLog = False, log_level: LogLevel = "info") -> None:
    """Take Sentry's webhooks over HTTP and put them on Kafka, until SIGTERM."""
    with _ends():
        settings, _ = _settings(config)
        _configure_logs(json=json_log, level=log_level)
        asyncio.run(topics_exist(settings, foreign=False))
        from streams.intake import IntakeError, serve

        try:
            asyncio.run(serve(settings))
        except IntakeError as error:
            _complain(str(error))
            raise typer.Exit(FAILED) from None


@app.command()
def replay(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Recordings: JSON Lines, plain, .gz or .zst."),
    ],
    speed: Annotated[
        replays.Speed, typer.Option(help="How fast recorded time passes.")
    ] = replays.Speed.MAX,
    via: Annotated[
        replays.Via, typer.Option(help="In this process, or through a running `stormfold run`.")
    ] = replays.Via.LOCAL,
    config: Config = None,
    assignments: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write the incident and storm of every line here."),
    ] = None,
    digests: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write every digest revision here.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON, alone.")] = False,
) -> None:
    """Run recordings through the pipeline at their recorded time; sends nothing to anybody."""
    with _ends():
        settings, _ = _settings(config)
        _configure_logs(json=False, level="critical")
        options = replays.Options(
            files=tuple(files),
            speed=speed,
            via=via,
            assignments=assignments,
            digests=digests,
            json=json,
        )
        raise typer.Exit(replays.main(settings, options))


@app.command()
def record(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The recording: .jsonl, .jsonl.gz or .jsonl.zst.")
    ],
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Only what came in within this time, as in 2h."),
    ] = None,
    digests: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was told so far here.")
    ] = None,
    assignments: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the incident and storm of every line here."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON, alone.")] = False,
    config: Config = None,
) -> None:
    """Write what stands on the topics as a recording: raw bodies, so only its owner may read it."""
    with _ends():
        settings, _ = _settings(config)
        _configure_logs(json=False, level="critical")
        from streams import record as records

        options = records.Options(
            out=out, since=since, digests=digests, assignments=assignments, json=json
        )
        raise typer.Exit(records.main(settings, options))


@app.command()
def explain(
    event: Annotated[
        str,
        typer.Argument(
            metavar="EVENT.json",
            help="A Sentry event, a webhook's body, or a line of a recording; - is standard input.",
        ),
    ],
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """Say what made the signature of an event, and why, under every version of this release."""
    with _ends():
        settings, _ = _settings(config)
        from streams import explain as explains

        raise typer.Exit(explains.main(settings, event, json=json))


@app.command("suggest-merges")
def suggest_merges(
    recording: Annotated[
        Path | None,
        typer.Argument(metavar="RECORDING", help="JSON Lines, plain, .gz or .zst."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="What came in within this time, as in 24h."),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="How alike, from 0 to 1.")
    ] = None,
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """List pairs of signatures that look like one, with the rule that would merge them."""
    with _ends():
        settings, _ = _settings(config)
        _configure_logs(json=False, level="critical")
        from correlators.similarity import THRESHOLD
        from streams import suggest

        options = suggest.Options(
            recording=recording,
            since=since,
            threshold=THRESHOLD if threshold is None else threshold,
            json=json,
        )
        raise typer.Exit(suggest.main(settings, options))


@app.command()
def topics(
    config: Config = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; make nothing.")] = False,
) -> None:
    """Make the topics that are missing, and say what differs; changes nothing that exists."""
    with _ends():
        settings, _ = _settings(config)
        _configure_logs(json=False, level="critical")
        from streams.topics import TopicsError, ensure

        try:
            findings = asyncio.run(ensure(settings, create=not check))
        except TopicsError as error:
            _complain(str(error))
            raise typer.Exit(FAILED) from None
        for finding in findings:
            typer.echo(str(finding))
        raise typer.Exit(FAILED if any(finding.wrong for finding in findings) else DONE)


@app.command()
def check(
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Validate the settings and show what would be sent where, and when."""
    with _ends():
        settings, _ = _settings(config)
        from streams.cli_check import show

        show(settings, sys.stdout, json=json)
        from streams.describe import missing_secrets

        for line in missing_secrets(settings):
            _complain(line)


@app.command()
def status(
    stages: Annotated[str, typer.Option(help="Which stages, with commas between.")] = ",".join(
        StageName
    ),
    config: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, alone.")] = False,
) -> None:
    """Show who reads each partition, how far behind, and what stands still; status 1 if any."""
    with _ends():
        settings, _ = _settings(config)
        names = _stages(stages)
        _configure_logs(json=False, level="critical")
        from streams import cli_status, status_kafka
        from streams.status import make_status

        try:
            found = asyncio.run(status_kafka.read(settings, names))
        except status_kafka.StatusError as error:
            _complain(str(error))
            wrong = isinstance(error, status_kafka.NotThere)
            raise typer.Exit(WRONG_USE if wrong else FAILED) from None
        shown = make_status(
            settings.namespace, settings.clock, found.at_ms, found.reports, found.standings
        )
        cli_status.show(shown, sys.stdout, json=json)
        raise typer.Exit(DONE if shown.ok else FAILED)


@app.command()
def demo(
    page: Annotated[
        Path, typer.Option("--page", metavar="FILE", help="Where the HTML page goes.")
    ] = Path("demo-out/stormfold.html"),
) -> None:
    """Show a recorded outage: direct alerts beside Stormfold, on local services."""
    from streams.demo import main as show_demo

    _configure_logs(json=False, level="critical")
    raise typer.Exit(show_demo(page=page))


@contextmanager
def _ends() -> Iterator[None]:
    """Turn wrong settings, an output that takes no more, and Ctrl-C into a line and a status."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except SettingsError as error:
        _complain(str(error))
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        _complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # Typer ends quietly: nobody reads any more.
        _complain(f"stormfold: {error.strerror or type(error).__name__}")
        # What is left in the buffer would fail once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None


def _settings(config: str | None) -> tuple[Settings, Path | None]:
    path = find(config, os.environ)
    return load(path, os.environ), path


def _stages(given: str) -> list[StageName]:
    names = dict.fromkeys(name.strip() for name in given.split(","))
    try:
        return [StageName(name) for name in names]
    except ValueError:
        _complain(f"--stages: expected some of {', '.join(StageName)}, found {given!r}")
        raise typer.Exit(WRONG_USE) from None


def _configure_logs(*, json: bool, level: str) -> None:
    from streams import logs

    try:
        logs.configure(json=json, level=level)
    except ValueError as error:
        _complain(str(error))
        raise typer.Exit(WRONG_USE) from None


async def topics_exist(settings: Settings, *, foreign: bool) -> None:
    """Refuse to start without Kafka or without the topics.

    Args:
        foreign: whether a self-hosted Sentry's topics are needed too.
    """
    from streams.logs import kafka_clients_quiet
    from streams.topics import State, TopicsError, ensure

    try:
        with kafka_clients_quiet():
            findings = await ensure(settings, create=False)
    except TopicsError as error:
        _complain(str(error))
        raise typer.Exit(FAILED) from None
    needed = [one for one in findings if foreign or not one.foreign]
    for finding in needed:
        if finding.wrong:
            _complain(str(finding))
    missing = [finding for finding in needed if finding.state is State.MISSING]
    if any(not finding.foreign for finding in missing):
        _complain("`stormfold topics` makes what is missing")
    if missing:
        raise typer.Exit(WRONG_USE)


def _secrets_are_there(settings: Settings) -> None:
    """Refuse to start what could not deliver, before its stages say so among all their lines."""
    from streams.describe import missing_for_sinks

    missing = missing_for_sinks(settings)
    for line in missing:
        _complain(line)
    if missing:
        raise typer.Exit(WRONG_USE)


def _complain(text: str) -> None:
    typer.echo(text, err=True)


def main() -> None:
    """Run the command line; ends the process."""
    app()


if __name__ == "__main__":
    main()
