"""What the pages say is there: links, files, modules, commands with their options, targets of make,
tests, keys of the configuration, exit statuses."""

from __future__ import annotations

import gzip
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import typer.main
from typer.testing import CliRunner

from streams import exit_status
from streams.cli import app

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES: Final = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in page.relative_to(ROOT).parts)
)
# These show commands too, in remarks and on their first line.
SHOWING: Final = [
    *PAGES,
    ROOT / "stormfold.yaml",
    ROOT / "Makefile",
    *sorted((ROOT / "benchmarks" / "results").glob("*.txt")),
]
FOLDERS: Final = frozenset(
    {"benchmarks", "correlators", "docs", "observability", "recordings", "sinks", "streams"}
    | {"tests", "tools"}
)
# What a command on a page writes; nothing of the repository.
WRITTEN: Final = frozenset({"demo-out/stormfold.html"})

_FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_MODULE: Final = re.compile(r"python3? -m ([\w.]+)([^`|\n#]*)")
_TARGET: Final = re.compile(r"`make ([a-z]+)")
_TARGET_IN_BLOCK: Final = re.compile(r"^make ([a-z]+)", re.MULTILINE)
_OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _blocks(page: Path) -> str:
    return "\n".join(_FENCE.findall(page.read_text(encoding="utf-8")))


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in _HEADING.findall(_prose(page))
    }


def _shown(page: Path) -> Iterator[str]:
    """Yield each piece of code on a page: lines of blocks, what stands between backticks."""
    yield from _blocks(page).splitlines()
    yield from _CODE.findall(_prose(page))


def _commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield (command, what follows it) of each call of `stormfold` that a page shows."""
    called = r"(?:^|[|$`&] ?|\.venv/bin/)stormfold ([a-z-]+)([^|#&]*)"
    for code in _shown(page):
        for found in re.finditer(called, code.strip()):
            yield found[1], found[2]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    dead: list[str] = []
    for target in _LINK.findall(_CODE.sub("", _prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            dead.append(target)
    assert not dead


def test_every_page_is_linked_from_another_one() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in _LINK.findall(_prose(page))
        if not target.startswith("#")
    }
    pages = {page for page in PAGES if page.relative_to(ROOT).parts[0] != "tests"}
    assert pages - linked == {ROOT / "README.md", ROOT / "CHANGELOG.md"}


def test_what_explain_and_suggest_merges_print_is_what_their_page_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    recording = Path("recordings") / "shop-outage.jsonl.gz"
    fifth = gzip.decompress(recording.read_bytes()).splitlines()[4]
    runs = {"stormfold explain -": fifth, f"stormfold suggest-merges {recording}": None}
    shown = {
        first: lines
        for block in _FENCE.findall((ROOT / "docs" / "explain.md").read_text(encoding="utf-8"))
        for first, *lines in [block.splitlines()[1:-1]]
    }
    for command, given in runs.items():
        lines = next(lines for first, lines in shown.items() if first.endswith(command))
        done = CliRunner().invoke(app, command.split()[1:], input=given)
        assert done.exit_code == 0
        printed = iter(done.stdout.splitlines())
        # In this order, with others between where the page has dots.
        assert [line for line in lines if line.strip() != "..." and line not in printed] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_file_named_with_its_folder_exists(page: Path) -> None:
    missing: list[str] = []
    for code in _CODE.findall(_prose(page)):
        named = re.fullmatch(r"(?:\./)?(\w[\w-]*)/([\w./-]*)", code)
        if named is None or code in WRITTEN:
            continue
        if named[1] in FOLDERS and not any((base / code).exists() for base in (ROOT, page.parent)):
            missing.append(code)
    assert not missing


@pytest.mark.parametrize("page", SHOWING, ids=_name)
def test_every_module_that_is_run_exists_and_knows_the_options(page: Path) -> None:
    wrong: list[str] = []
    for name, rest in _MODULE.findall(page.read_text(encoding="utf-8")):
        if name.partition(".")[0] not in FOLDERS:
            continue
        module = name.rstrip(".")
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{module}.__main__")
        if spec is None or spec.origin is None:
            wrong.append(module)
            continue
        source = "".join(
            file.read_text(encoding="utf-8") for file in Path(spec.origin).parent.glob("*.py")
        )
        wrong += [
            f"{module} {option}"
            for option in _OPTION.findall(rest)
            if f'"{option}"' not in source and f"{option[2:].replace('-', '_')}:" not in source
        ]
    assert not wrong


def _known() -> dict[str, set[str]]:
    """Return the options of every command, and of every part of one, such as `silences add`."""
    commands = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for name, command in list(commands.items()):
        parts = getattr(command, "commands", {})
        commands |= {f"{name} {part}": found for part, found in parts.items()}
    return {
        name: {option for one in command.params for option in one.opts}
        for name, command in commands.items()
    }


@pytest.mark.parametrize("page", SHOWING, ids=_name)
def test_every_command_exists_and_takes_the_options_shown(page: Path) -> None:
    known = _known()
    wrong: list[str] = []
    for command, rest in _commands(page):
        part = rest.split()[0] if f"{command} {(rest.split() or [''])[0]}" in known else ""
        command = f"{command} {part}".strip()
        if command not in known:
            wrong.append(command)
            continue
        wrong += [f"{command} {one}" for one in _OPTION.findall(rest) if one not in known[command]]
    assert not wrong


def test_pages_show_every_command_and_the_benchmarks_page_every_benchmark() -> None:
    shown = {command for page in PAGES for command, _ in _commands(page)}
    assert shown == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    modules = {
        f"benchmarks.{file.stem}"
        for file in (ROOT / "benchmarks").glob("*.py")
        if '__name__ == "__main__"' in file.read_text(encoding="utf-8")
    } | {f"benchmarks.{file.parent.name}" for file in (ROOT / "benchmarks").glob("*/__main__.py")}
    listed = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert {name for name, _ in _MODULE.findall(listed)} == modules


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_target_of_make_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {*_TARGET.findall(_prose(page)), *_TARGET_IN_BLOCK.findall(_blocks(page))}
    assert named <= known


def test_every_test_that_a_page_names_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"`(test_\w+)`", _prose(page))} - {
        "test_"
    }
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *(?:async )?def (test_\w+)", file.read_text("utf-8"), re.M)
    }
    assert "test_law_5_restarts_at_any_point_change_nothing" in named
    assert named - defined == set()


def test_the_readme_says_what_every_exit_status_means() -> None:
    line = next(line for line in README.splitlines() if line.startswith("Exit status of every"))
    numbers = {
        value for name, value in vars(exit_status).items() if name.isupper() and name[0] != "_"
    }
    told = line.partition("): ")[2]
    assert {int(number) for number in re.findall(r"(?:^|, )(\d+) ", told)} == numbers


def test_the_changelog_is_lists_without_holes_of_known_kinds() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased = text.partition("## [Unreleased]")[2].partition("\n## ")[0]
    sections = re.split(r"^### ", unreleased, flags=re.MULTILINE)[1:]
    kinds = [section.partition("\n")[0] for section in sections]
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert len(set(kinds)) == len(kinds)
    for section in sections:
        entries = section.partition("\n")[2].strip("\n").split("\n")
        assert all(line.startswith(("- ", "  ")) for line in entries)


def test_the_readme_explains_every_key_of_the_configuration() -> None:
    example = (ROOT / "stormfold.yaml").read_text(encoding="utf-8")
    values = {"wall", "data", "grouping.signature"}  # Explained in remarks of the same form.
    keys: set[str] = set()
    part = ""
    for line in example.splitlines():
        # Further in stand the names of channels, which are not keys.
        if found := re.match(r"(?:( {2})(?:# )?|# |)([a-z_]+):(?: |$)", line):
            inner, key = found.groups()
            part = part if inner else key
            keys.add(f"{part}.{key}" if inner else key)
    table = README.partition("| Key | Default |")[2].partition("\n\n")[0]
    told: set[str] = set()
    for row in table.splitlines()[2:]:
        first, *further = re.findall(r"`([a-z_.<>]+)`", row.split("|")[1])
        folder = first.rpartition(".")[0]
        told |= {first, *(f"{folder}{one}" if one[0] == "." else one for one in further)}
    told = {".".join(key.partition(".<")[0].split(".")[:2]) for key in told}
    folders = {key.partition(".")[0] for key in keys if "." in key}
    assert told == keys - folders - values
