"""The templates' five media: Slack's markup and plain text, runs, plain lines, HTML of a mail.

Every value that a template puts out is escaped for its medium at the moment it is put out, so that
error text can neither mention a channel, nor draw a link, nor format, nor break a line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined
from jinja2.loaders import FileSystemLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from correlators import report_text
from correlators.types import Evidence
from sinks import mrkdwn, runs
from sinks.lead import (
    change,
    explain,
    has_owner,
    lead,
    missed,
    repeats,
    sign,
    silence,
    state,
    subject,
    unsaid,
    what,
)
from sinks.words import (
    DOUBTS,
    LEFT_PAGE_OVER,
    PAGED_BECAUSE,
    by_whom,
    clean,
    counts,
    help_links,
    lasting,
    many,
    utc,
)

EVIDENCE: Final = {
    Evidence.RELEASE: "the same new release",
    Evidence.SIGNATURE: "the same error",
    Evidence.CAUSE: "the same cause",
    Evidence.TRACE: "shared traces",
    Evidence.DEPENDENCY: "services that depend on each other",
    Evidence.LEARNT: "services often seen in one trace",
    Evidence.ONSET: "onsets close together",
    Evidence.SERVICE: "a service that was part of it already",
    Evidence.BURST: "a burst of onsets at once",
    Evidence.BY_HAND: "a person's word",
}
LINK_CHARS: Final = 300
"""An address longer than this is left out of a line."""


def _linkable(url: str) -> bool:
    return mrkdwn.linkable(url, LINK_CHARS)


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "lasting": lasting,
    "many": many,
    "counts": counts,
    "lead": lead,
    "state": state,
    "change": change,
    "owned": has_owner,
    "silence": silence,
    "unsaid": unsaid,
    "missed": missed,
    "explain": explain,
    "sign": sign,
    "repeats": repeats,
    "subject": subject,
    "what": what,
    "scope": report_text.scope,
    "impact": report_text.impact,
    "times": report_text.times,
    "marks": report_text.marks,
    "linkable": _linkable,
    "help": lambda digest: [one for one in help_links(digest) if _linkable(one[1])],
    "evidence": lambda one: EVIDENCE[one],
    "doubt": lambda one: DOUBTS[one],
    "because": lambda one: PAGED_BECAUSE[one],
    "by_whom": by_whom,
    "left_over": lambda one: LEFT_PAGE_OVER[one],
    "without": lambda text, word: Markup(str(text).removeprefix(word)),
}
"""The same in every medium, and in forms."""


def _environment(
    escape: Callable[[object], str], *, autoescape: bool = False, **filters: Any
) -> ImmutableSandboxedEnvironment:
    found = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        finalize=escape,
        autoescape=autoescape,
        trim_blocks=False,
        auto_reload=False,
    )
    found.filters.update({**FILTERS, **filters})
    return found


def _plain(value: object) -> str:
    return str(value) if isinstance(value, Markup) else clean(value)


SLACK: Final = _environment(
    mrkdwn.escape,
    when=mrkdwn.when,
    code=mrkdwn.code,
    strong=mrkdwn.strong,
    link=mrkdwn.link,
)
"""For blocks."""
SLACK_TEXT: Final = _environment(
    mrkdwn.escape,
    when=utc,
    code=clean,
    strong=clean,
    address=lambda url: Markup(str(mrkdwn.link("", url))[1:-2]),
)
"""For what notifications and readers without blocks show."""
RUNS: Final = _environment(
    runs.shielded, when=utc, code=runs.code, strong=runs.strong, link=runs.link
)
"""For services whose text knows no signs: what is said is read by `runs.runs`."""
PLAIN: Final = _environment(_plain, when=utc, code=clean, strong=clean, address=str)
"""For the console, files and pagers."""


def _clean(value: object) -> str:
    """Return the value as one clean line, still to be escaped; what is markup already stays."""
    return value if isinstance(value, Markup) else clean(value)


def _tag(name: str) -> Callable[[object], Markup]:
    """Return what puts a value between the tags of this name."""

    def tagged(value: object) -> Markup:
        text = _clean(value)
        return Markup("<{0}>{1}</{0}>").format(Markup(name), text) if text else Markup("?")

    return tagged


def _anchor(label: object, url: str) -> Markup:
    assert _linkable(url)
    return Markup('<a href="{}" style="color:#1155cc">{}</a>').format(url, _clean(label))


MAIL: Final = _environment(
    _clean,
    autoescape=True,
    when=utc,
    code=_tag("code"),
    strong=_tag("strong"),
    link=_anchor,
)
"""For the HTML of a mail: what is put out is clean first, then escaped."""


def said(medium: ImmutableSandboxedEnvironment, template: str, **values: object) -> str:
    """Return the template's text in a medium."""
    return medium.get_template(template).render(values).strip()
