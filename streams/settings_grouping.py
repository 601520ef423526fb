"""The section `grouping` of `stormfold.yaml`, and the rule files that it names.

Called by `settings_read`. What the choices and rules mean is `correlators.grouping`'s and
`correlators.sentry_rules`'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from yaml.nodes import Node

from correlators.grouping import By, Grouping
from correlators.sentry_rules.fingerprint_rules import parse_fingerprint_rules
from correlators.sentry_rules.stack_rules import parse_stack_rules
from streams.settings_inputs import SERVICE
from streams.settings_types import GroupingFiles
from streams.yaml_reader import Reader

SERVICES_MOST: Final = 1_000
RULE_FILE_BYTES: Final = 1_048_576

_BY: Final = re.compile("|".join(By))
_BY_SAYS: Final = f"{', '.join(list(By)[:-1])} or {list(By)[-1]}"
_FILE: Final = re.compile(r"[^\s\x00](?:[^\x00\n\r]{0,998}[^\s\x00])?")

R = TypeVar("R")


def grouping_of(reader: Reader, node: Node | None, file: str) -> GroupingFiles:
    """Return who says what is the same, with the rules read.

    Args:
        reader: takes every problem, those of rule files with their own file and line.
        node: the section, None when it is absent.
        file: the settings' own file; rule files are looked for from its folder.
    """
    key = reader.section(node, "grouping", ("by", "services", "fingerprint_rules", "stack_rules"))
    fingerprint_file, fingerprint_rules = _rules(
        reader, key.get("fingerprint_rules"), "fingerprint_rules", file, parse_fingerprint_rules
    )
    stack_file, stack_rules = _rules(
        reader, key.get("stack_rules"), "stack_rules", file, parse_stack_rules
    )
    return GroupingFiles(
        chosen=Grouping(
            by=_by(reader, key.get("by"), "grouping.by"),
            services=_services(reader, key.get("services")),
            fingerprint_rules=fingerprint_rules,
            stack_rules=stack_rules,
        ),
        fingerprint_rules=fingerprint_file,
        stack_rules=stack_file,
    )


def _by(reader: Reader, node: Node | None, path: str) -> By:
    return By(reader.text(node, path, By.SIGNATURE, _BY, _BY_SAYS))


def _services(reader: Reader, node: Node | None) -> dict[str, By]:
    path = "grouping.services"
    named = reader.section(node, path, None)
    if len(named) > SERVICES_MOST and node is not None:
        reader.problem(node, path, f"expected at most {SERVICES_MOST} services")
    found: dict[str, By] = {}
    for service, choice in named.items():
        if not SERVICE.fullmatch(service):
            says = "expected a service as the key: its slug, at most 100 of a-z, A-Z, 0-9, '.', '_'"
            reader.problem(choice, f"{path}.{service}", f"{says} and '-'")
        found[service] = _by(reader, choice, f"{path}.{service}")
    return found


def _rules(
    reader: Reader,
    node: Node | None,
    name: str,
    file: str,
    parse: Callable[[str, str], tuple[tuple[R, ...], tuple[str, ...]]],
) -> tuple[str, tuple[R, ...]]:
    """Return the file's name and its rules in order; nothing where none is named."""
    if node is None:
        return "", ()
    place = f"grouping.{name}"
    given = reader.text(node, place, "", _FILE, "the name of a file with rules")
    if not given:
        return "", ()
    path = Path(file).parent / given
    try:
        content = reader.files.read(path, RULE_FILE_BYTES)
        if len(content) > RULE_FILE_BYTES:
            reader.problem(node, place, f"{path}: longer than {RULE_FILE_BYTES} bytes")
            return "", ()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        reader.problem(node, place, f"{path}: not UTF-8")
        return "", ()
    except OSError as error:
        reader.problem(node, place, f"{path}: cannot be read: {error.strerror}")
        return "", ()
    rules, problems = parse(text, str(path))
    for problem in problems:
        where, _, what = problem.partition(": ")
        reader.problem_outside(where, what)
    return str(path), rules
