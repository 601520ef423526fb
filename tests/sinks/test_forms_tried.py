"""What is wrong in a form is told before a message needs it, in its writer's words."""

from __future__ import annotations

import pytest

from sinks.form_names import Form
from sinks.forms_tried import problems_of


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "{{ d.alerts[9].title }}",
            "there may be no [9], it can be shorter: ask its length before",
        ),
        ("{{ d.title[9999] }}", "there may be no [9999], it can be shorter: ask its length before"),
        ("{{ d.rollup[2] }}", "there may be nothing that has [2]: ask {% if %} before"),
        ("{{ d.events[2] }}", "int has no parts"),
        ("{{ (d.alerts|first).title }}", "there may be nothing in it: ask {% if %} before"),
        ("{% if d.storm %}{% set x = 1 %}{% endif %}{{ x }}", "'x' may not be set by then"),
        ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "'a' is not given to the macro"),
    ],
)
def test_what_is_not_there_is_told_in_the_words_of_whoever_writes_the_form(
    source: str, says: str
) -> None:
    assert f"f.j2:1: {says}" in problems_of(Form("f.j2", source))
