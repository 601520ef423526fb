"""The exit status of every command of `stormfold`: what each number means, in one place."""

from typing import Final

DONE: Final = 0

FAILED: Final = 1
"""It failed, or what was compared differs."""

WRONG_USE: Final = 2
"""Wrong use or configuration: nothing was done."""

LINES_SKIPPED: Final = 3
"""Done, but for lines that could not be read: they were named, skipped and counted."""

INTERRUPTED: Final = 130
"""Ended by Ctrl-C."""

TERMINATED: Final = 143
"""Ended by SIGTERM."""

CONDITION_HOLDS: Final = 4
"""Done, and a condition of `--fail-if` holds."""
