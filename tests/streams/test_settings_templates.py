"""Templates of messages, as they are named in the file, and what is wrong in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sinks.form_names import Form
from sinks.forms_tried import problems_of
from streams.describe import describe
from streams.settings import Settings, SettingsError, load, read

SINKS = "sinks: {slack: {channels: {incidents: C0INC}}, pagerduty: {}}\n"
RULES = """
rules:
  - {name: woken, when: {level: fatal}, to: ["slack:incidents"], template: critical}
  - {name: shop, when: {service: shop}, to: ["slack:incidents"], template: shop}
  - {name: rest, to: ["slack:incidents"]}
"""
PAGE = Path(__file__).parents[2] / "docs" / "templates.md"


def loaded(folder: Path, text: str, **files: str) -> Settings:
    for name, source in files.items():
        (folder / f"{name}.j2").write_text(source)
    path = folder / "stormfold.yaml"
    path.write_text(SINKS + text)
    return load(path, {})


def refused(folder: Path, text: str, **files: str) -> str:
    with pytest.raises(SettingsError) as found:
        loaded(folder, text, **files)
    return str(found.value).replace(f"{folder}/", "")


def test_a_rule_names_its_template_and_ours_need_no_file(tmp_path: Path) -> None:
    text = "templates: {shop: shop.j2, digest: shop.j2}" + RULES
    settings = loaded(tmp_path, text, shop="{{ d.id }}")
    assert settings.templates.by_rule == {"woken": "critical", "shop": "shop"}
    assert settings.templates.forms["shop"] == Form(str(tmp_path / "shop.j2"), "{{ d.id }}")
    shown = describe(settings)["templates"]
    assert shown == {
        "critical": {"from": "Stormfold's own", "for": ["woken"]},
        "shop": {"from": str(tmp_path / "shop.j2"), "for": ["shop"]},
        "digest": {
            "from": str(tmp_path / "shop.j2"),
            "for": "roll-ups and the report of shadow mode",
        },
    }


def test_without_rules_what_pages_and_the_rest_may_have_their_own(tmp_path: Path) -> None:
    text = "templates: {default: a.j2, mine: a.j2}\npages: {template: critical}\n"
    found = loaded(tmp_path, text + "routes: {template: mine}", a="x").templates.by_rule
    assert found == {
        "fatal": "critical",
        "loud": "critical",
        "storm": "critical",
        "everything": "mine",
    }
    decided = {one.name for one in loaded(tmp_path, "").correlation().decides}
    assert set(found) == decided


def test_templates_decide_nothing_and_are_kept_with_the_configuration(tmp_path: Path) -> None:
    rules = re.sub(r", template: \w+", "", RULES)
    plain = loaded(tmp_path, rules)
    text = "templates: {shop: shop.j2}" + RULES
    formed = loaded(tmp_path, text, shop="x")
    assert formed.configuration == plain.configuration
    path = tmp_path / "stormfold.yaml"
    kept = read(path, {}).files
    (tmp_path / "shop.j2").write_text("{{ later }}")
    assert read(path, {}, kept).settings.templates == formed.templates


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("\n\n{{ d.titel }}", "shop.j2:3: a digest has no 'titel'"),
        ("{{ d.title|safe }}", "shop.j2:1: no filter 'safe'"),
        ("x\n{% for %}", "shop.j2:2: "),
        ("x\n{{ d.services[0].nothing }}", "shop.j2:2: a ServiceLine has no 'nothing'"),
        (
            "x\n{% if d.acked_by %}\n{{ d.services[7].service }}{% endif %}",
            "shop.j2:3: there may be no [7]",
        ),
        ("{{ d.title * 9 }}", "shop.j2:1: '*' is for numbers"),
        ("", "shop.j2: it says nothing"),
        ("x" * 16_385, "longer than 16384 bytes"),
    ],
)
def test_what_is_wrong_in_a_template_is_told_with_its_line(
    tmp_path: Path, source: str, says: str
) -> None:
    assert says in refused(tmp_path, "templates: {shop: shop.j2}", shop=source)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("templates: {shop: gone.j2}", "stormfold.yaml:2 templates.shop: gone.j2: cannot be read"),
        ("templates: {Shop: a.j2}", "templates.Shop: expected a name of at most 40"),
        ("templates: {shop: [a]}", "templates.shop: expected the name of a file"),
        ("templates: a.j2", "templates: expected a section with keys"),
        ("routes: {template: shop}", "routes.template: expected one of critical, default"),
        (
            "pages: {template: critical}" + RULES.replace(", template: shop", ""),
            "pages.template: rules decide here: say it there",
        ),
        (RULES, 'rules[1].template: expected one of critical, default, found "shop"'),
        (RULES.replace("template: shop", "template: digest"), "rules[1].template: expected one"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_with_its_place(
    tmp_path: Path, text: str, says: str
) -> None:
    assert says in refused(tmp_path, text)


def test_the_templates_of_the_page_are_right() -> None:
    usual, lists = re.findall(r"^```jinja\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    assert problems_of(Form("usual", usual)) == []
    assert problems_of(Form("lists", lists), lists=True) == []
    assert problems_of(Form("lists", lists.replace("d.rollup.more", "d.rollup.mor")), lists=True)
    without = problems_of(Form("lists", "{{ d.rollup.more }}"), lists=True)
    assert without == ["lists:1: there may be nothing that has 'more': ask {% if %} before"]
    assert problems_of(Form("usual", "{{ d.title.upper() }}")) == [
        "usual:1: no upper(): only macros can be called, and filters by '|'"
    ]
