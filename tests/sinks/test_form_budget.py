"""What a form may cost: it neither runs long nor grows large, and no error quotes an event."""

from __future__ import annotations

import pytest

from sinks.form_budget import CHARS, STEPS
from tests.sinks.make import digest
from tests.sinks.test_forms import told

DOUBLED = "{% set a = d.title %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 400 + "{{ a }}"
FOUR_DEEP = "{% for a in d.title %}" * 4 + "x" + "{% endfor %}" * 4
TWICE = (
    "{% set n = namespace(x=['a'], y=['a']) %}"
    "{% for c in 'cccccccccccccccccccccccccccccc' %}"
    "{% set n.x = [n.x, n.x] %}{% set n.y = {1: n.y, 2: (n.y,)} %}{% endfor %}"
)
"""A list of 2**30 values in a few bytes."""


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (DOUBLED, f"more than {CHARS:,} characters"),
        (FOUR_DEEP, f"more than {STEPS:,} rounds"),
        (TWICE + "{{ n.x }}", f"more than {STEPS:,} rounds"),
        (TWICE + "{% if n.x == n.y %}{% endif %}", f"more than {STEPS:,} rounds"),
        (
            "{% for a in d.title %}{% for b in [" + "1," * 200 + "] if b == 2 %}{% endfor %}"
            "{% endfor %}",
            f"more than {STEPS:,} rounds",
        ),
        (
            "{% for a in d.title %}"
            + "{% if a|upper|lower|trim %}{% endif %}" * 300
            + "{% endfor %}",
            f"more than {STEPS:,} rounds",
        ),
        ("{% for a in d.title %}" * 25 + "x" + "{% endfor %}" * 25, "f.j2:1: too deeply nested"),
        ("{{ d.services }}", "f.j2:1: a text or a number is put out: of a list, say 'join'"),
        ("{{ d }}", "f.j2:1: a text or a number"),
        ("{{ d|strong }}", "f.j2:1: a text or a number"),
        ("{{ d.services|truncate(9) }}", "f.j2:1: a text or a number"),
        ("{{ d.title() }}", "f.j2:1: only macros can be called, and filters by '|'"),
        ("{{ d() }}", "f.j2:1: only macros can be called"),
    ],
)
def test_what_costs_too_much_is_refused_by_its_line_and_the_error_quotes_no_event(
    source: str, says: str
) -> None:
    found = told(source)
    assert isinstance(found, str)
    assert says in found
    assert digest().title not in found


def test_lists_that_people_write_and_texts_of_numbers_are_well_within() -> None:
    source = (
        "{% for label, url in [('Wiki', d.runbook), ('Sentry', d.url)] %}{{ label }} {% endfor %}"
        "{{ [d.level, d.environment]|join }} {{ d.events|strong }} {{ 412.5 }}"
    )
    found = told(source)
    assert not isinstance(found, str)
    assert found.lines == ("Wiki Sentry error, production *412* 412.5",)
