"""The settings of one installation, read from `stormfold.yaml`: typed, frozen, strict.

Where the file is found, and the one way to read it. What may stand in it is in `settings_read`, the
types are in `settings_types`, and secrets (`references`) stay unread until they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from streams.references import Secret, SettingsError
from streams.settings_read import settings_of
from streams.settings_types import (
    Clock,
    Console,
    Intake,
    Kafka,
    MetricsAt,
    PagerDuty,
    Settings,
    Sinks,
    Slack,
)
from streams.yaml_reader import Reader

__all__ = [
    "Clock",
    "Console",
    "Intake",
    "Kafka",
    "MetricsAt",
    "PagerDuty",
    "Secret",
    "Settings",
    "SettingsError",
    "Sinks",
    "Slack",
    "find",
    "load",
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


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file; without a file, all defaults.

    Secrets are not followed yet, so none of them need be set; every other reference is.

    Raises:
        SettingsError: with every problem of the file, one line each.
    """
    file = "" if path is None else str(path)
    reader = Reader(file or "defaults", environ)
    root = None
    if path is not None:
        try:
            root = reader.root(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    settings = settings_of(reader, root, environ, file)
    reader.finish()
    return settings
