"""`stormfold explain EVENT.json`: what made the signature of one event, and why.

Thin: what counts is said by FINGERPRINT's own step, this module reads one event in any of its forms
and lays out the answer. What is shown of an event are names and parameterised text: no user, no
address, no variable part of a message.

Errors: `ExplainError` when what is given is not one event; the text says what it is instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, TextIO

import msgspec
import orjson

from correlators import fingerprint
from correlators.events import EVENT_STREAM, LEGACY
from correlators.fingerprinter import Fingerprinter, Read
from correlators.types import Event
from correlators.wire_read import NotJson, json_of
from streams.exit_status import DONE, WRONG_USE
from streams.recording import EVENT, LINE_BYTES, Problem, parse
from streams.settings import Settings

STDIN: Final = "-"

_LEGACY_KEYS: Final = frozenset({"project", "project_name", "project_slug", "triggering_rules"})
_RECORDED: Final = {"at_ms", "resource"}
_SEVERAL: Final = (
    "several lines, where one event is expected; explain one of them, as in "
    "`sed -n 5p FILE | stormfold explain -`"
)


class ExplainError(Exception):
    """What is given is not one event; the text says why."""


class Given(msgspec.Struct, frozen=True):
    """One event as it was given."""

    form: str
    """In what form, for people."""
    resource: str
    body: bytes
    at_ms: int = 0
    """Its stream time, where it is a line of a recording; else 0."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why one event has the signature that it has."""

    form: str
    event: Event
    taken: int
    """The signature version that the settings take."""
    setting: str
    """Where that is said."""
    versions: tuple[Version, ...]
    """Every version that this release ships, the one that is taken first."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What one signature version makes of the event."""

    version: int
    kind: str
    fingerprint: str
    title: str
    parts: tuple[str, ...]
    lines: tuple[str, ...]
    """The verdict, then every part and step with its reason."""


def read(path: str, stdin: BinaryIO) -> bytes:
    """Return the bytes of a file, or of standard input for `-`.

    Raises:
        ExplainError: there is no such file, or it is larger than any event.
    """
    try:
        if path == STDIN:
            found = stdin.read(LINE_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                found = file.read(LINE_BYTES + 1)
    except OSError as error:
        raise ExplainError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(found) > LINE_BYTES:
        raise ExplainError(f"{path}: longer than {LINE_BYTES} bytes, which no event is")
    return found


def given(raw: bytes) -> Given:
    """Return what the bytes are.

    A bare event, a webhook's body, a line of a recording, or what stands on a self-hosted Sentry's
    own topic.

    Raises:
        ExplainError: they are nothing of that.
    """
    raw = raw.strip()
    if raw.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        raise ExplainError("it is compressed; give one line of it, unpacked")
    try:
        found = json_of(raw)
    except NotJson:
        lines = raw.splitlines()
        several = len(lines) > 1 and all(line.startswith(b"{") for line in lines[:2])
        raise ExplainError(_SEVERAL if several else "it is no JSON") from None
    if isinstance(found, list):
        return Given("a message of a self-hosted Sentry's topic", EVENT_STREAM, raw)
    if not isinstance(found, dict):
        raise ExplainError("it is neither a JSON object nor a message of a self-hosted Sentry")
    bare = isinstance(found.get("event"), dict)
    if found.keys() >= _RECORDED or (bare and not found.keys() & _LEGACY_KEYS):
        line = parse(raw)
        if isinstance(line, Problem):
            raise ExplainError(f"a line of a recording, but {line}")
        resource, body = line
        moment = found.get("at_ms")
        at_ms = moment if isinstance(moment, int) else 0
        form = f"a line of a recording, resource {resource or 'not told'}"
        return Given(form, resource, body, at_ms)
    if bare:
        return Given("the flat body of the legacy plugin or a service hook", LEGACY, raw)
    data = found.get("data")
    if isinstance(data, dict):
        for key, resource in (("error", "error"), ("event", "event_alert"), ("issue", "issue")):
            if isinstance(data.get(key), dict):
                return Given(f"the body of a webhook, resource {resource}", resource, raw)
    return Given("a bare event", EVENT, raw)


def explain(settings: Settings, what: Given) -> Explained:
    """Return why the event has the signature that these settings give it.

    Raises:
        ExplainError: it cannot be read, or is no event.
    """
    taken = settings.signature_version
    known = (taken, *(one for one in reversed(fingerprint.VERSIONS) if one != taken))
    versions: list[Version] = []
    event: Event | None = None
    for version in known:
        config = msgspec.structs.replace(settings.fingerprinting(), signature_version=version)
        reader = Fingerprinter(config)
        found = reader.read(what.resource, what.body)
        event = _event(what, found)
        assert found.signature is not None
        versions.append(
            Version(
                version=version,
                kind=found.signature.kind.value,
                fingerprint=found.signature.fingerprint,
                title=found.signature.title,
                parts=found.signature.parts,
                lines=tuple(reader.explain(event)),
            )
        )
    assert event is not None
    file = settings.file or "the defaults, because there is no stormfold.yaml"
    return Explained(
        form=what.form,
        event=event,
        taken=taken,
        setting=f"signature_version of {file}",
        versions=tuple(versions),
    )


def _event(what: Given, found: Read) -> Event:
    if found.change is not None:
        raise ExplainError(f"{what.form}: it tells a change ({found.change.kind}), no event")
    if found.event is None:
        raise ExplainError(f"{what.form}: it cannot be read as an event ({found.reason})")
    return found.event


def plain(explained: Explained) -> dict[str, object]:
    """Return the answer as JSON has it; other explanations have their place beside `signature`."""
    event = explained.event
    return {
        "form": explained.form,
        "event": {
            "event_id": event.event_id,
            "service": event.service,
            "environment": event.environment,
            "release": event.release,
            "platform": event.platform,
            "level": event.level.value,
        },
        "signature": {
            "taken": explained.taken,
            "setting": explained.setting,
            "versions": [msgspec.to_builtins(one) for one in explained.versions],
        },
    }


def text(explained: Explained) -> list[str]:
    """Return the answer in lines for people."""
    event = explained.event
    release = f", release {event.release}" if event.release else ""
    lines = [
        f"event {event.event_id} of {event.service} in {event.environment}{release}",
        f"{explained.form}; platform {event.platform or 'not told'}, level {event.level}",
        explained.versions[0].title,
    ]
    for one in explained.versions:
        is_taken = one.version == explained.taken
        verdict, *reasons = one.lines
        lines += ["", f"{verdict} ({f'taken: {explained.setting}' if is_taken else 'not taken'})"]
        lines += [f"  {line}" for line in reasons]
        lines.append(f"  = {one.fingerprint}")
    return lines


def run(
    settings: Settings, path: str, *, json: bool, stdin: BinaryIO, out: TextIO, errors: TextIO
) -> int:
    """Print the explanation, and return the exit status."""
    try:
        explained = explain(settings, given(read(path, stdin)))
    except ExplainError as error:
        print(f"explain: {error}", file=errors)
        return WRONG_USE
    if json:
        out.write(in_json(plain(explained)))
    else:
        out.write("".join(f"{safe(line)}\n" for line in text(explained)))
    return DONE


def in_json(value: dict[str, object]) -> str:
    """Return a value as indented JSON, with the end of its line."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def safe(line: str) -> str:
    """Return the line without what a terminal would obey, or cannot show."""
    shown = "".join(one if one.isprintable() else " " for one in line)
    return shown.encode("utf-8", "replace").decode()
