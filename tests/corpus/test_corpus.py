"""A change of grouping shows here: a diff of readable signatures, failures split or joined."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.corpus.__main__ import difference
from tests.corpus.events import FOLDER, LANGUAGES, REWRITE, entries, expected

PAGE = Path(__file__).parents[2] / "recordings" / "README.md"
AT_LEAST = 150
PLATFORMS = {"python", "node", "javascript", "java", "go", "ruby", "native"}
SIZE_LIMIT = 3_000_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_signatures_are_the_stored_ones(language: str) -> None:
    told = difference(language)
    assert not told, f"signatures changed; if they should, run {REWRITE} and commit it\n{told}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_failure_has_one_signature_whatever_release_folder_and_browser(
    language: str,
) -> None:
    found = signatures_by_failure(language)
    split = {failure for failure, made in found.items() if len(made) > 1}
    assert split == set(expected(language).split), "wrongly split, or no longer: expected.toml"


@pytest.mark.parametrize("language", LANGUAGES)
def test_different_failures_have_different_signatures(language: str) -> None:
    failures: dict[str, set[str]] = defaultdict(set)
    for failure, made in signatures_by_failure(language).items():
        for one in made:
            failures[one].add(failure)
    joined = {frozenset(names) for names in failures.values() if len(names) > 1}
    assert joined == set(expected(language).joined), "wrongly joined, or no longer: expected.toml"


def signatures_by_failure(language: str) -> dict[str, set[str]]:
    same = expected(language).same
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries(language):
        found[same.get(entry.failure, entry.failure)].add(entry.made.fingerprint)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_expectations_name_failures_of_the_corpus(language: str) -> None:
    told = expected(language)
    named = {*told.same, *told.same.values(), *told.split, *(n for j in told.joined for n in j)}
    assert named <= {entry.failure for entry in entries(language)}
    assert all(len(reason) > 20 for reason in [*told.split.values(), *told.joined.values()])


def test_the_corpus_is_large_and_covers_the_platforms() -> None:
    every = [entry for language in LANGUAGES for entry in entries(language)]
    assert len(every) >= AT_LEAST
    assert {entry.event.platform for entry in every} >= PLATFORMS
    assert all(entry.event.sdk for entry in every)
    assert sum(file.stat().st_size for file in FOLDER.iterdir() if file.is_file()) < SIZE_LIMIT


def test_the_page_counts_what_is_there() -> None:
    told = {}
    for row in re.findall(r"^\| .* \| `\w+` \| \d+ \| \d+ \|", PAGE.read_text("utf-8"), re.M):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        told[{"c++": "native"}.get(cells[0].lower(), cells[0].lower())] = cells[2:5]
    assert told == {
        language: [
            f"`{found[0].event.platform}`",
            str(len({entry.failure for entry in found})),
            str(len(found)),
        ]
        for language in LANGUAGES
        for found in [entries(language)]
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_case_was_recorded_in_two_releases_and_named_once(language: str) -> None:
    names = [entry.name for entry in entries(language)]
    assert len(set(names)) == len(names)
    for release in "12":
        assert {one.failure for one in entries(language) if f"@{release}" in one.name} == {
            one.failure for one in entries(language)
        }


@pytest.mark.parametrize("language", LANGUAGES)
def test_events_name_neither_this_machine_nor_a_registry(language: str) -> None:
    for entry in entries(language):
        assert entry.sent.get("server_name", "app-1") == "app-1"
        text = json.dumps(entry.sent)
        for foreign in ("/root/", "/home/", "/tmp/", "/work/", "/registry/src/index", ".pyenv"):
            assert foreign not in text, (entry.name, foreign)
