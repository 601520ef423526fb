"""The section `grouping`: the choice per service, rule files beside the settings, what is refused,
and that every way of deciding goes by it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from correlators.fingerprinter import Fingerprinter
from correlators.grouping import By, Grouping
from correlators.sentry_rules import fingerprint_rules, stack_rules
from correlators.sentry_rules.fingerprint_rules import parse_fingerprint_rules
from correlators.sentry_rules.stack_rules import parse_stack_rules
from correlators.types import SignatureKind
from streams.cli_check import show
from streams.replay import Options, run
from streams.settings import Settings, SettingsError, load
from streams.settings_grouping import RULE_FILE_BYTES

ROOT = Path(__file__).parents[2]

YAML = """\
grouping:
  by: sentry_issue
  services: {legacy: sentry_hashes, billing: signature}
  fingerprint_rules: rules/fingerprint.txt
  stack_rules: ${STACK_RULES:-stack.txt}
"""


def folder(where: Path, yaml: str = YAML, fingerprint: str = "", stack: str = "") -> Path:
    (where / "rules").mkdir()
    (where / "rules" / "fingerprint.txt").write_text(fingerprint)
    (where / "stack.txt").write_text(stack)
    (where / "stormfold.yaml").write_text(yaml)
    return where / "stormfold.yaml"


def problems(file: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    return [line.removeprefix(f"{file.parent}/") for line in caught.value.problems]


def test_the_choice_and_the_rules_reach_their_setting(tmp_path: Path) -> None:
    file = folder(tmp_path, fingerprint="# none\ntype:A -> a\n", stack="app:no +app\n")
    chosen = load(file, {}).fingerprinting().grouping
    assert chosen.by is By.SENTRY_ISSUE
    assert chosen.services == {"legacy": By.SENTRY_HASHES, "billing": By.SIGNATURE}
    assert [rule.place for rule in chosen.fingerprint_rules] == [
        f"{tmp_path}/rules/fingerprint.txt:2"
    ]
    assert [rule.place for rule in chosen.stack_rules] == [f"{tmp_path}/stack.txt:1"]


@pytest.mark.parametrize("yaml", ["", "grouping:\n", "grouping: {}\n", "grouping: {services: }\n"])
def test_without_it_our_signature_decides(tmp_path: Path, yaml: str) -> None:
    assert load(folder(tmp_path, yaml), {}).fingerprinting().grouping == Grouping()


def test_rule_files_are_looked_for_from_the_folder_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path, fingerprint="type:A -> a\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(Path("../stormfold.yaml"), {}).grouping.chosen.fingerprint_rules
    absolute = f"grouping: {{stack_rules: {tmp_path}/stack.txt}}\n"
    (tmp_path / "elsewhere" / "stormfold.yaml").write_text(absolute)
    (tmp_path / "stack.txt").write_text("app:no +app\n")
    assert load(Path("stormfold.yaml"), {}).grouping.chosen.stack_rules


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        (
            "grouping: {rules: x}\n",
            "stormfold.yaml:1 grouping.rules: unknown key; "
            "allowed: by, fingerprint_rules, services, stack_rules",
        ),
        (
            "grouping:\n  by: sentry\n",
            "stormfold.yaml:2 grouping.by: expected signature, sentry_hashes or sentry_issue, "
            'found "sentry"',
        ),
        (
            "grouping:\n  services:\n    shop: hash\n",
            "stormfold.yaml:3 grouping.services.shop: expected signature, sentry_hashes or "
            'sentry_issue, found "hash"',
        ),
        (
            "grouping: {services: {'a b': signature}}\n",
            "stormfold.yaml:1 grouping.services.a b: expected a service as the key: its slug, "
            "at most 100 of a-z, A-Z, 0-9, '.', '_' and '-'",
        ),
        (
            "grouping: {services: [shop]}\n",
            "stormfold.yaml:1 grouping.services: expected a section with keys, found a list",
        ),
        (
            "grouping: {stack_rules: 7}\n",
            "stormfold.yaml:1 grouping.stack_rules: expected the name of a file with rules, "
            "found 7",
        ),
    ],
)
def test_a_wrong_choice_is_refused_with_what_is_allowed(
    tmp_path: Path, yaml: str, problem: str
) -> None:
    assert problems(folder(tmp_path, yaml)) == [problem]


def test_a_rule_file_that_cannot_be_read_is_refused_by_the_line_that_names_it(
    tmp_path: Path,
) -> None:
    file = folder(tmp_path, "grouping:\n  stack_rules: none.txt\n")
    where = "stormfold.yaml:2 grouping.stack_rules: "
    assert problems(file) == [
        f"{where}{tmp_path}/none.txt: cannot be read: No such file or directory"
    ]
    (tmp_path / "none.txt").write_bytes(b"\xff\xfe")
    assert problems(file) == [f"{where}{tmp_path}/none.txt: not UTF-8"]
    (tmp_path / "none.txt").write_bytes(b"#" * (RULE_FILE_BYTES + 1))
    assert problems(file) == [f"{where}{tmp_path}/none.txt: longer than {RULE_FILE_BYTES} bytes"]


def test_bad_rules_are_told_with_their_own_file_and_line(tmp_path: Path) -> None:
    file = folder(
        tmp_path,
        fingerprint="type:A -> a\n" * 8 + "typ:A -> a\ntype:A\n",
        stack="\nfunction:a +ap\n",
    )
    assert [problem.split(": ")[0] for problem in problems(file)] == [
        "rules/fingerprint.txt:9",
        "rules/fingerprint.txt:10",
        "stack.txt:2",
    ]


def test_check_shows_the_choice_and_how_many_rules_there_are(tmp_path: Path) -> None:
    file = folder(tmp_path, fingerprint="type:A -> a\n", stack="app:no +app\n" * 2)
    out = io.StringIO()
    show(load(file, {}), out, json=False)
    assert [line for line in out.getvalue().splitlines() if line.startswith("grouping")] == [
        "grouping.by: sentry_issue",
        "grouping.services.billing: signature",
        "grouping.services.legacy: sentry_hashes",
        f"grouping.fingerprint_rules: {tmp_path}/rules/fingerprint.txt (1 rule)",
        f"grouping.stack_rules: {tmp_path}/stack.txt (2 rules)",
    ]


def _lines(path: Path) -> Path:
    lines = [
        {
            "event": {
                "event_id": f"{number:032x}",
                "timestamp": 1_700_000_000 + number,
                "project": ("shop", "billing", "legacy")[number % 3],
                "issue_id": str(number % 2),
                "hashes": [f"{number % 4:032x}"],
                "exception": {"values": [{"type": "KeyError", "value": f"key {number}"}]},
            }
        }
        for number in range(24)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _assigned(settings: Settings, file: Path, out: Path) -> list[str]:
    assert run(settings, Options(files=(file,), assignments=out), io.StringIO(), io.StringIO()) == 0
    return [json.loads(line)["fingerprint"] for line in out.read_text().splitlines()]


def test_a_replay_decides_by_the_choice_and_the_rules(tmp_path: Path) -> None:
    file = folder(tmp_path, fingerprint='value:"key 1*" -> first\n')
    settings = load(file, {})
    lines = _lines(tmp_path / "lines")
    found = _assigned(settings, lines, tmp_path / "out")
    # Two issues of the shop, four hashes of legacy, and by the rule two kinds in billing.
    assert [len(set(found[service::3])) for service in range(3)] == [2, 2, 4]
    plain = _assigned(load(None, {}), lines, tmp_path / "plain")
    assert len(set(plain)) == 1
    # Record, the demo and the workers make signatures in the same place.
    reader = Fingerprinter(settings.fingerprinting())
    read = [
        reader.read("event", json.dumps(json.loads(line)["event"]).encode())
        for line in lines.read_text().splitlines()
    ]
    assert [one.key.fingerprint for one in read if one.key is not None] == found
    assert {one.signature.kind for one in read if one.signature is not None} == {
        SignatureKind.SENTRY_ISSUE,
        SignatureKind.SENTRY_HASH,
        SignatureKind.CUSTOM,
        SignatureKind.MESSAGE,
    }


def test_the_rules_that_the_documentation_shows_are_rules_and_every_matcher_is_told() -> None:
    text = (ROOT / "docs" / "grouping.md").read_text()
    _, by_fingerprint, by_stack = re.split(
        r"^## (?:Fingerprint|Stack-trace) rules$", text, flags=re.M
    )
    for part, parse, names in (
        (by_fingerprint, parse_fingerprint_rules, fingerprint_rules.MATCHERS),
        (by_stack, parse_stack_rules, stack_rules.MATCHERS),
    ):
        rules, problems = parse(re.findall(r"^```\n(.*?)^```", part, re.M | re.S)[0], "docs")
        assert len(rules) >= 5
        assert problems == ()
        assert [name for name in names if f"{name}`" not in part] == []
