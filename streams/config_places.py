"""Where in `stormfold.yaml` something that has a name stands: `stormfold.yaml:14 rules[0]`.

Asked for when a decision is explained; a file that cannot be read has no places.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_LISTS: Final = ("rules", "quiet_hours", "maintenance", "inhibit")
"""Sections whose entries have a `name`."""

DEFAULTS: Final = {
    "fatal": "pages",
    "loud": "pages.events",
    "storm": "pages.storm_services",
    "everything": "routes",
}
"""Without rules, those made of `pages` and `routes`."""


class Places:
    """The lines of one file."""

    def __init__(self, file: str) -> None:
        """Args: file: path of the settings; empty for the defaults."""
        self._file = file
        self._lines: dict[tuple[str, str], tuple[int, str]] = {}
        self._sections: dict[str, int] = {}
        if not file:
            return
        try:
            root = yaml.compose(Path(file).read_bytes(), Loader=yaml.SafeLoader)
        except (OSError, yaml.YAMLError, RecursionError):
            return
        if isinstance(root, MappingNode):
            self._walk(root)

    def of(self, name: str) -> str:
        """Return where the rule, period or inhibition of this name stands; empty where nowhere."""
        for section in _LISTS:
            if found := self._lines.get((section, name)):
                return f"{self._file}:{found[0]} {found[1]}"
        section = DEFAULTS.get(name, "")
        if not section:
            return ""
        line = self._sections.get(section, self._sections.get(section.partition(".")[0]))
        return f"{self._file}:{line} {section}" if line else f"the default of {section}"

    def _walk(self, root: MappingNode) -> None:
        for key, value in root.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            self._sections[name] = key.start_mark.line + 1
            if isinstance(value, MappingNode):
                for inner, _ in value.value:
                    if isinstance(inner, ScalarNode):
                        self._sections[f"{name}.{inner.value}"] = inner.start_mark.line + 1
            if name in _LISTS and isinstance(value, SequenceNode):
                for at, entry in enumerate(value.value):
                    found = _name(entry)
                    if found:
                        place = (entry.start_mark.line + 1, f"{name}[{at}]")
                        self._lines.setdefault((name, found), place)


def _name(entry: Node) -> str:
    if not isinstance(entry, MappingNode):
        return ""
    for key, value in entry.value:
        if isinstance(key, ScalarNode) and key.value == "name" and isinstance(value, ScalarNode):
            return str(value.value)
    return ""
