"""Where this machine reaches the intake that the settings describe. Pure."""

from __future__ import annotations

from typing import Final

from streams.settings_types import Settings

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def intake_of(settings: Settings) -> str:
    """Return the address of the intake that the settings describe, as this machine reaches it."""
    host = EVERYWHERE.get(settings.intake.host, settings.intake.host)
    return f"http://{host}:{settings.intake.port}"


def heartbeat_intake(settings: Settings) -> str:
    """Return the address of the intake that heartbeats are sent to."""
    own = settings.heartbeat.intake if settings.heartbeat is not None else ""
    return own or intake_of(settings)
