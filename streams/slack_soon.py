"""When what somebody decides in Slack takes effect, as they are told it. Pure."""

from __future__ import annotations

from typing import Final

from sinks.words import lasting

LAGS_MS: Final = 30_000
"""A state further behind than this is said to be: a quiet one is stored every few seconds."""


def soon(behind_ms: int = 0) -> str:
    """Return when the thread says that it is done.

    Args:
        behind_ms: how far behind the state is known to be; 0 where nothing is known.
    """
    if behind_ms <= LAGS_MS:
        return "The thread says so once it is done, mostly within seconds."
    return f"The thread says so once it is done; {_behind(behind_ms)}"


def effective(behind_ms: int = 0) -> str:
    """Return when it takes effect, where no thread tells it; `behind_ms` as in `soon`."""
    if behind_ms <= LAGS_MS:
        return "It takes effect mostly within seconds."
    return f"It takes effect once that is caught up: {_behind(behind_ms)}"


def _behind(behind_ms: int) -> str:
    return f"Stormfold is {lasting(behind_ms)} behind now."
