"""Numbers as people read them, for the units that the dashboards use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def said(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a number with its unit.

    Args:
        unit: in Grafana's words.
        decimals: at the most so many; None for what reads well.
    """
    return _UNITS.get(unit, _short)(value, decimals)


def _plain(value: float, decimals: int | None) -> str:
    if decimals is None:
        decimals = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scaled(value: float, decimals: int | None, steps: tuple[tuple[float, str], ...]) -> str:
    for size, name in steps:
        if abs(value) >= size:
            return f"{_plain(value / size, decimals)}{name}"
    return _plain(value, decimals)


def _short(value: float, decimals: int | None) -> str:
    return _scaled(value, decimals, ((1e9, " Bil"), (1e6, " Mil"), (1e3, " K")))


def _bytes(value: float, decimals: int | None) -> str:
    steps = ((1024.0**3, " GiB"), (1024.0**2, " MiB"), (1024.0, " KiB"))
    return _scaled(value, decimals, steps) if abs(value) >= 1024 else f"{_plain(value, 0)} B"


def _seconds(value: float, decimals: int | None) -> str:
    if value and abs(value) < 1e-3:
        return f"{_plain(value * 1e6, decimals)} µs"
    if value and abs(value) < 1:
        return f"{_plain(value * 1e3, decimals)} ms"
    steps = ((86_400.0, " days"), (3_600.0, " h"), (60.0, " min"), (1.0, " s"))
    return _scaled(value, decimals, steps) if value else "0 s"


_UNITS: Final[dict[str, Callable[[float, int | None], str]]] = {
    "locale": lambda value, decimals: f"{value:,.{decimals or 0}f}",
    "bytes": _bytes,
    "s": _seconds,
    "percentunit": lambda value, decimals: (
        f"{_plain(value * 100, 2 if decimals is None else decimals)}%"
    ),
    "cps": lambda value, decimals: f"{_short(value, decimals)} c/s",
    "cpm": lambda value, decimals: f"{_short(value, decimals)} c/m",
}
