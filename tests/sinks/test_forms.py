"""Forms of messages: what they say in each medium, what they cannot do, and that none loses one."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.personal import Deed, ForPerson
from correlators.reported import Reported
from correlators.types import Digest, DigestKind, Doubt, PageAction
from sinks import form_media
from sinks.form_language import FormError, Language, checked
from sinks.form_media import MAIL, PLAIN, RUNS, SLACK, SLACK_TEXT
from sinks.form_names import CRITICAL, OURS, Form, Templates
from sinks.forms import Forms, Told, calls_everybody, ours
from sinks.notes import Notes
from sinks.runs import runs
from tests.sinks.make import digest

MEDIA = (SLACK, SLACK_TEXT, MAIL, RUNS, PLAIN)
REPORTED = Reported(name="weekly", period="the week", from_ms=0, to_ms=1)
FORMS = Forms(Templates(by_rule={"loud": CRITICAL}))


class Heard(Notes):
    """Notes that keep what the log is told of forms."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def form_failed(self, destination: str, form: str, detail: str) -> None:
        super().form_failed(destination, form, detail)
        self.said.append(detail)


def page(**changed: object) -> Digest:
    """Return the digest of a page that the rule `loud` decided."""
    values = {"rule": "loud", "runbook": "https://wiki.test/pay", **changed}
    return msgspec.structs.replace(digest(page=PageAction.TRIGGER), **values)


def told(
    source: str, what: Digest | None = None, medium: Callable[[], Language] = SLACK
) -> Told | str:
    """Return what a form says, or the error that the log has of it."""
    heard = Heard()
    forms = Forms(Templates(forms={"default": Form("f.j2", source)}))
    found = forms.told(what or digest(), medium, heard)
    return found if found is not None else heard.said[0]


def test_the_critical_form_says_who_is_hurt_who_is_on_call_and_what_to_open() -> None:
    forms = Forms(Templates(by_rule={"loud": CRITICAL}))
    what, on_call = page(request="POST /charges/<int>"), ("Ada", "Bo")
    found = forms.told(
        what, SLACK, Notes(), everybody="<!channel>", on_call=on_call, called=("<!S>",)
    )
    assert found is not None
    text = "\n".join(found.lines)
    assert text.startswith("<!channel> <!S> *ERROR* in *production*\n*On call:* Ada, Bo\n")
    for said in ("*Impact:* 2 services · 412 events · 97 users", "`payment@2.4.1`", "*Paged:*"):
        assert said in text
    assert "*Request:* `POST /charges/&lt;int&gt;`" in text
    assert "<https://wiki.test/pay|Runbook> · <https://sentry.test/" in text


def test_the_rule_that_decided_chooses_the_form_and_lists_have_their_own() -> None:
    mine = Form("m.j2", "mine")
    forms = Forms(
        Templates(
            forms={"digest": mine, "shop": mine}, by_rule={"loud": "critical", "sales": "shop"}
        )
    )
    assert forms.name_of(page()) == "critical"
    assert forms.name_of(page(rule="sales")) == "shop"
    assert forms.name_of(page(rule="other")) == ""
    assert forms.name_of(page(rule="", told_by_rule="sales")) == "shop"
    assert forms.name_of(page(rule="other", told_by_rule="sales")) == ""
    usual = Forms(Templates(forms={"default": mine}, by_rule={"loud": "critical"}))
    assert usual.name_of(page(rule="other")) == "default"
    theirs = page(rule="", told_by_rule="loud", personal=ForPerson(Deed.ASSIGNED, "inc-1"))
    assert usual.name_of(theirs) == "default"
    assert forms.name_of(page(kind=DigestKind.ROLLUP)) == "digest"
    assert Forms().name_of(page(kind=DigestKind.REPORT)) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"resolved": True},
        {"kind": DigestKind.DEPLOY},
        {"kind": DigestKind.REPORT, "reported": REPORTED},
        {"kind": DigestKind.JOINED},
        {"kind": DigestKind.REMINDER},
        {"kind": DigestKind.SPIKE},
    ],
)
def test_what_is_over_and_what_is_no_state_has_no_form(changed: dict[str, object]) -> None:
    mine = Templates(forms={"digest": Form("m.j2", "mine")}, by_rule={"loud": CRITICAL})
    assert Forms(mine).name_of(page(**changed)) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"acked_by": "ada"},
        {"ignored": True},
        {"silenced_until_ms": 1},
        {"past": True},
        {"unconfirmed": Doubt.SERVICE_SILENT},
        {"would_page": ("pagerduty:default",)},
        {"would_tell": ("slack:a",)},
    ],
)
def test_everybody_is_called_only_for_what_nobody_has_yet(
    changed: dict[str, object],
) -> None:
    assert calls_everybody(page())
    assert not calls_everybody(page(**changed))
    found = Forms(Templates(by_rule={"loud": CRITICAL})).told(
        page(**changed), SLACK, Notes(), everybody="<!channel>"
    )
    assert found is not None
    assert "<!channel>" not in "\n".join(found.lines)


HOSTILE = "<!channel> <https://evil.test|x> *b* _i_ ~s~ `c` :fire: & \u202e\n> q"


def test_no_text_of_an_event_mentions_links_or_formats_in_slack() -> None:
    hostile = page(title=HOSTILE, culprit=HOSTILE, environment=HOSTILE, services=())
    source = "{{ d.title }} {{ d.title|strong }} {{ d.title|code }} {{ d.culprit|upper }}"
    source += "{% set kept %}{{ d.title }}{% endset %}{{ kept }}{{ [d.title, d.title]|join }}"
    found = told(source, hostile)
    assert isinstance(found, Told)
    text = "\n".join(found.lines)
    assert len(found.lines) == 1
    assert "<" not in text
    assert text.count("*") == 4  # two of `strong`, and two inside code, where they do nothing
    assert text.count("`") == 2


def test_no_text_of_an_event_is_html_in_a_mail() -> None:
    hostile = page(title="<script>x</script>\" onload='y' &amp;", url='https://a.test/"><b>')
    source = (
        "<b> & {{ d.title }} {{ d.title|strong }}{% set k %}{{ d.title|code }}{% endset %}{{ k }}"
    )
    found = told(source + "{{ d.title|link(d.url) }}{{ d.title|link(d.runbook) }}", hostile, MAIL)
    assert isinstance(found, Told)
    text = "\n".join(found.lines)
    tags = re.findall(r"<[^>]*>", text)
    anchor = '<a href="https://wiki.test/pay" style="color:#1155cc">'
    assert text.startswith("&lt;b&gt; &amp; &lt;script&gt;")
    assert set(tags) <= {"<strong>", "</strong>", "<code>", "</code>", anchor, "</a>"} | {
        tag for tag in tags if tag.startswith('<a href="https://a.test/&quot;')
    }


def test_text_does_nothing_in_runs_and_marks_are_the_forms_own() -> None:
    hostile = page(title="*b* _i_ ~s~ `c` <https://evil.test|x>")
    found = told(
        "a_b *c* {{ d.title }} {{ d.title|strong }} {{ 'W'|link(d.runbook) }}", hostile, RUNS
    )
    assert isinstance(found, Told)
    plain, bold, gap, link = runs("\n".join(found.lines))
    assert (plain.text, plain.strong) == (f"a_b *c* {hostile.title} ", False)
    assert (bold.text, bold.strong) == (hostile.title, True)
    assert (link.text, link.url, gap.text) == ("W", "https://wiki.test/pay", " ")


def test_text_of_the_form_itself_is_text_in_every_medium() -> None:
    found = told("a_b *c* <d> & ~e~\n\n\n  two\n")
    assert found == Told(("a_b \u2217c\u2217 &lt;d&gt; &amp; \u223ce\u223c", "", "  two"))
    assert told("a_b *c* <d>", medium=PLAIN) == Told(("a_b *c* <d>",))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("\n{{ d.titel }}", "f.j2:2: a digest has no 'titel'"),
        ("{{ x }}", "f.j2:1: no 'x'; there are called, d, everybody, on_call, possible_repeat"),
        ("{% if %}", "f.j2:1: Expected an expression, got 'end of statement block'"),
        ("{% if d.users %}\n", "f.j2:1: Unexpected end of template."),
        ("{{ d.title|safe }}", "f.j2:1: no filter 'safe'; there are"),
        ("{{ d|attr('title') }}", "f.j2:1: no filter 'attr'"),
        ("{% include 'slack_hurt.j2' %}", "f.j2:1: only macros.j2 can be taken in"),
        ("{% extends '/etc/passwd' %}", "f.j2:1: only macros.j2 can be taken in"),
        ("{{ d.title ~ 'x' }}", "f.j2:1: no '~'"),
        ("{{ d is shiny }}", "f.j2:1: no test 'shiny'; there are"),
        ("{% macro m() %}{{ varargs }}{% endmacro %}", "f.j2:1: no 'varargs'"),
        ("{{ range(9) }}", "f.j2:1: no 'range'"),
        ("{{ cycler }}", "f.j2:1: no 'cycler'"),
        ("{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}", "f.j2:1: too deeply nested"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_told_with_its_line(source: str, says: str) -> None:
    (problem,) = checked("f.j2", source)[:1]
    assert problem.startswith(says) or says in problem


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("\n{{ 'x' * 999999999 }}", "f.j2:2: '*' is for numbers"),
        ("{{ [1] * 999999999 }}", "f.j2:1: '*' is for numbers"),
        ("{{ '%999999999d' % 1 }}", "f.j2:1: '%' is for numbers"),
        ("{{ 9 ** 9 ** 9 }}", "f.j2:1: '**' is for numbers, '**' for nothing"),
        ("{{ d.events * 10 ** 15 }}", "for nothing"),
        ("{{ d.title.center(999999999) }}", "f.j2:1: "),
        ("{{ '{:999999999}'.format(1) }}", "f.j2:1: "),
        ("{{ ''.__class__.__mro__ }}", "f.j2:1: "),
        ("{{ d.__struct_fields__ }}", "a digest has no"),
        ("{% macro m() %}{{ m() }}{% endmacro %}\n{{ m() }}", "f.j2:1: RecursionError"),
        ("{{ d.services[99].service }}", "f.j2:1: it asks for what this message has not"),
        ("{{ 1 // 0 }}", "f.j2:1: ZeroDivisionError"),
        ("{{ d.title + 1 }}", "f.j2:1: '+' is for numbers"),
        ("{{ d.title|join }}", "'join' is for lists"),
        ("{{ d.title|link }}", "TypeError"),
        (" \n ", "f.j2: it says nothing"),
    ],
)
def test_no_form_runs_long_grows_large_or_reaches_out_and_the_message_is_told(
    source: str, says: str
) -> None:
    found = told(source)
    assert isinstance(found, str)
    assert says in found
    assert digest().title not in found


def test_a_form_that_fails_is_counted_by_its_name_and_holds_up_no_other() -> None:
    notes = Notes()
    bad = Form("b.j2", "{{ d.nothing }}")
    forms = Forms(Templates(forms={"bad": bad}, by_rule={"sales": "bad", "loud": CRITICAL}))
    assert forms.told(page(rule="sales"), SLACK, notes) is None
    assert forms.told(page(), SLACK, notes) is not None
    assert notes.take_forms() == {"bad": 1}
    assert notes.take_forms() == {}


def test_lines_and_texts_have_their_most_and_what_is_left_out_is_named() -> None:
    long = told("{% for a in d.title %}{{ a }}\n{% endfor %}", page(title="x" * 300))
    assert isinstance(long, Told)
    assert len(long.lines) == 61
    assert (long.lines[-1], long.cuts) == ("…", ("lines",))
    huge = told("one\n{% for a in d.title %}{{ d.title }}{% endfor %}", page(title="y" * 60))
    assert huge == Told(("one",), ("lines",))
    assert told("{{ d.title }}", page(title="z" * 5_000_000)) == Told(
        ("z" * 299 + "…",), ("title",)
    )


@given(st.text(max_size=200), st.text(max_size=60))
def test_whatever_an_event_says_the_critical_form_is_told(title: str, name: str) -> None:
    what = page(title=title, origin=name, environment=name, owners=(name,), acked_by=name)
    notes = Notes()
    for medium in MEDIA:
        found = FORMS.told(what, medium, notes, on_call=(name,))
        assert found is not None
        assert all("\n" not in line for line in found.lines)
    assert not notes.forms


def test_our_own_forms_are_in_the_language() -> None:
    for form in map(ours, OURS):
        assert checked(form.file, form.source) == []
        form_media.SLACK().add(form.file, form.source)


def test_a_file_that_is_no_form_is_refused_whole() -> None:
    with pytest.raises(FormError, match=r"(?s)f.j2:1: a digest has no 'a'\nf.j2:2: no 'b'"):
        form_media.PLAIN().add("f.j2", "{{ d.a }}\n{{ b }}")
