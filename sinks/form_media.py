"""The language of forms in each medium: its marks, and how it makes text harmless. Pure.

A medium is a few functions. A sink that has marks of its own brings one more.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, Final

from markupsafe import Markup

from sinks import mrkdwn, runs
from sinks.form_language import OWN_FILTERS, Language
from sinks.templating import FILTERS, LINK_CHARS
from sinks.words import clean, utc


def medium(
    escape: Callable[[object], str],
    literal: Callable[[str], str],
    *,
    strong: Callable[[object], str],
    code: Callable[[object], str],
    link: Callable[[str, str], str],
    when: Callable[..., str],
) -> Callable[[], Language]:
    """Return what makes the language of a medium; each set of forms has its own.

    Args:
        escape: makes a value harmless; what is `Markup` already stays.
        literal: the same for a form's own text, which keeps its spaces and line ends.
        strong: marks a value.
        code: marks a value.
        link: a label of the form's own and an address that is linkable.
        when: a moment, and the moment whose day need not be said again.
    """

    def linked(label: object, url: str) -> Markup:
        if not mrkdwn.linkable(url, LINK_CHARS):
            return Markup(escape(label))
        return Markup(link(str(label), url))

    marks: dict[str, Callable[..., Any]] = {
        "strong": lambda value: Markup(strong(value)),
        "code": lambda value: Markup(code(value)),
        "link": linked,
        "when": lambda *at: Markup(when(*at)),
        # The shared words say it of what the marks made already.
        "safe": lambda value: Markup(value),
    }
    assert set(FILTERS) | set(marks) >= OWN_FILTERS - {"join"}
    return lambda: Language(escape, literal, {**FILTERS, **marks})


def _lines(one: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "\n".join(map(one, text.split("\n")))


def _plain(value: object) -> str:
    return str(value) if isinstance(value, Markup) else clean(value)


def _html(value: object) -> str:
    return str(value) if isinstance(value, Markup) else html.escape(clean(value))


def _as_it_is(text: str) -> str:
    return text


SLACK: Final = medium(
    mrkdwn.escape,
    _lines(lambda line: mrkdwn.entities(mrkdwn.neutral(line))),
    strong=mrkdwn.strong,
    code=mrkdwn.code,
    link=lambda label, url: mrkdwn.link(mrkdwn.escape(label).replace("|", " "), url),
    when=mrkdwn.when,
)
"""For blocks."""
SLACK_TEXT: Final = medium(
    mrkdwn.escape,
    _lines(lambda line: mrkdwn.entities(mrkdwn.neutral(line))),
    strong=mrkdwn.escape,
    code=mrkdwn.escape,
    link=lambda label, url: mrkdwn.link(mrkdwn.escape(label).replace("|", " "), url),
    when=utc,
)
"""For what notifications and readers without blocks show."""
MAIL: Final = medium(
    _html,
    lambda text: html.escape(text, quote=False),
    strong=lambda value: f"<strong>{_html(value) or '?'}</strong>",
    code=lambda value: f"<code>{_html(value) or '?'}</code>",
    link=lambda label, url: (
        f'<a href="{html.escape(url)}" style="color:#1155cc">{_html(label)}</a>'
    ),
    when=utc,
)
"""For the HTML of a mail."""
RUNS: Final = medium(
    runs.shielded,
    runs.shield,
    strong=runs.strong,
    code=runs.code,
    link=lambda label, url: f"<{url}|{runs.shielded(label)}>",
    when=utc,
)
"""For services that are given pieces of text and how each is drawn (`sinks.runs`)."""
PLAIN: Final = medium(
    _plain,
    _as_it_is,
    strong=_plain,
    code=_plain,
    link=lambda label, url: f"{label}: {url}",
    when=utc,
)
"""For the console, and the text of a mail."""
