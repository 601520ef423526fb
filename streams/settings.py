"""The settings of one installation, read from `stormfold.yaml`: typed, frozen, strict.

Where the file is found, and the one way to read it. What may stand in it is in `settings_read`, the
types are in `settings_types`, and secrets (`references`) stay unread until they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from streams.config_files import Files
from streams.references import Secret, SettingsError
from streams.settings_read import settings_of
from streams.settings_sinks import Console, PagerDuty, Sinks, Slack
from streams.settings_types import (
    Clock,
    Intake,
    Kafka,
    MetricsAt,
    Settings,
    SlackIn,
)
from streams.yaml_reader import FILE_BYTES, Reader

__all__ = [
    "Clock",
    "Console",
    "Intake",
    "Kafka",
    "Loaded",
    "MetricsAt",
    "PagerDuty",
    "Secret",
    "Settings",
    "SettingsError",
    "Sinks",
    "Slack",
    "SlackIn",
    "find",
    "load",
    "read",
]

FILE_NAME: Final = "stormfold.yaml"
FILE_VARIABLE: Final = "STORMFOLD_CONFIG"


def find(config: str | None, environ: Mapping[str, str], cwd: Path = Path()) -> Path | None:
    """Return the file to read: `--config`, else `STORMFOLD_CONFIG`, else the folder's, else None.

    Raises:
        SettingsError: a file that is named does not exist.
    """
    for named, by in ((config, "--config"), (environ.get(FILE_VARIABLE), FILE_VARIABLE)):
        if named:
            path = cwd / named
            if not path.is_file():
                raise SettingsError(f"{named}: no such file, named by {by}")
            return path
    path = cwd / FILE_NAME
    return path if path.is_file() else None


class Loaded(NamedTuple):
    """Settings, and what they were read from."""

    settings: Settings
    path: Path | None
    """None: all defaults."""
    files: dict[str, bytes]
    """The file and those that it names, by path."""


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file; without a file, all defaults.

    Secrets are not followed yet, so none of them need be set; every other reference is.

    Raises:
        SettingsError: with every problem of the file, one line each.
    """
    return read(path, environ).settings


def read(
    path: Path | None, environ: Mapping[str, str], kept: Mapping[str, bytes] | None = None
) -> Loaded:
    """Return the settings as `load` does, with the bytes that they were read from.

    Args:
        path: the file, None for all defaults.
        environ: what references look in.
        kept: the bytes of all files, as somebody else has read them; None reads the disk.

    Raises:
        SettingsError: as of `load`.
    """
    file = "" if path is None else str(path)
    files = Files(kept)
    reader = Reader(file or "defaults", environ, files)
    root = None
    if path is not None:
        try:
            root = reader.root(files.read(path, FILE_BYTES))
        except OSError as error:
            raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    settings = settings_of(reader, root, environ, file)
    reader.finish()
    return Loaded(settings, path, files.kept)
