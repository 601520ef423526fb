"""The key `templates` of `stormfold.yaml`, the files that it names, and which rule takes which.

`{critical: templates/critical.j2}` has a file in place of our own form, or beside ours under a name
of its own; `rules[].template` and, without rules, `pages.template` and `routes.template` say which
messages take it. Every file is compiled and tried on made-up digests of each kind: what is wrong is
told with the template's name and line. What forms may say is `sinks.form_language`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sinks.form_names import DEFAULT, DIGEST, FILE_BYTES, OURS, Form, Templates
from streams.config_places import DEFAULTS
from streams.yaml_reader import Reader

MOST: Final = 50
NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_FILE: Final = re.compile(r"[^\s\x00](?:[^\x00\n\r]{0,998}[^\s\x00])?")


def templates_of(reader: Reader, part: Mapping[str, Node], file: str) -> Templates:
    """Return the forms and who takes them; what is wrong is noted in the reader.

    Args:
        reader: notes problems; reads the files.
        part: the sections of the configuration.
        file: its path; the templates' paths go from its folder.
    """
    named = reader.section(part.get("templates"), "templates", None)
    if len(named) > MOST:
        reader.problem(part["templates"], "templates", f"expected at most {MOST}")
    forms: dict[str, Form] = {}
    for name, node in list(named.items())[:MOST]:
        path = f"templates.{name}"
        if NAME.fullmatch(name) is None:
            says = "expected a name of at most 40 of a-z, 0-9, '_' and '-' as the key"
            reader.problem(node, path, says)
        elif (form := _form(reader, node, path, file)) is not None:
            forms[name] = form
    # One that could not be read is named rightly all the same.
    known = {*OURS, *named, DEFAULT} - {DIGEST}
    return Templates(forms=forms, by_rule=dict(_used(reader, part, known)))


def _form(reader: Reader, node: Node, place: str, file: str) -> Form | None:
    given = reader.text(node, place, "", _FILE, "the name of a file with a template")
    if not given:
        return None
    path = Path(file).parent / given
    try:
        content = reader.files.read(path, FILE_BYTES)
        if len(content) > FILE_BYTES:
            reader.problem(node, place, f"{path}: longer than {FILE_BYTES} bytes")
            return None
        form = Form(str(path), content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        reader.problem(node, place, f"{path}: not UTF-8")
        return None
    except OSError as error:
        reader.problem(node, place, f"{path}: cannot be read: {error.strerror}")
        return None
    # Only who has templates takes the time to import what compiles them.
    from sinks.forms_tried import problems_of

    for problem in problems_of(form, lists=place == f"templates.{DIGEST}"):
        where, _, what = problem.partition(": ")
        reader.problem_outside(where, what)
    return form


def _used(reader: Reader, part: Mapping[str, Node], known: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each rule that takes a form, and that of the form."""
    rules = part.get("rules")
    for section in ("pages", "routes"):
        node = _below(part.get(section), "template")
        if node is None:
            continue
        if rules is not None:
            says = "rules decide here: say it there, as `template`"
            reader.problem(node, f"{section}.template", says)
        elif name := _name(reader, node, f"{section}.template", known):
            for rule, where in DEFAULTS.items():
                if where.partition(".")[0] == section:
                    yield rule, name
    if isinstance(rules, SequenceNode):
        for at, entry in enumerate(rules.value):
            node, rule_name = _below(entry, "template"), _below(entry, "name")
            if node is None or not isinstance(rule_name, ScalarNode):
                continue
            if name := _name(reader, node, f"rules[{at}].template", known):
                yield rule_name.value, name


def _name(reader: Reader, node: Node, path: str, known: set[str]) -> str:
    says = f"one of {', '.join(sorted(known))}"
    name = reader.text(node, path, "", re.compile("|".join(map(re.escape, sorted(known)))), says)
    return "" if name == DEFAULT else name


def _below(node: Node | None, name: str) -> Node | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == name:
                found: Node = value
                return found
    return None
