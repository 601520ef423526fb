"""What forms are, and what ours are called: values, so that whoever names one compiles none."""

from __future__ import annotations

from typing import Final

import msgspec

DEFAULT: Final = "default"
CRITICAL: Final = "critical"
DIGEST: Final = "digest"
"""Of roll-ups and reports."""
OURS: Final = (CRITICAL,)
"""Forms that are there without a file."""
FILE_BYTES: Final = 16_384
"""The longest form."""


class Form(msgspec.Struct, frozen=True):
    """One form."""

    file: str
    """Where it stands, for errors."""
    source: str


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """The forms of an installation."""

    forms: dict[str, Form] = {}
    """Those of files, by name; they take the place of ours."""
    by_rule: dict[str, str] = {}
    """Name of the form by that of the rule; any other rule takes `default`."""
