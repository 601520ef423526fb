"""Forms: how the people who run this have their messages say it, by the rule that decided.

The first line of a message, its end and its buttons stay as they are; a form is all between. What
is over, what joined or left a storm, deploys, notices and scheduled reports have no form. One that
goes wrong when it is needed is counted and logged, and the message takes the ordinary form: no
message is lost to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec
from markupsafe import Markup

from correlators.types import NOTICES, Digest, DigestKind
from sinks.bounds import bounded
from sinks.form_language import FormError, Language
from sinks.form_names import DEFAULT, DIGEST, OURS, Form, Templates
from sinks.notes import Notes

LINE_CHARS: Final = 1_400
"""Each may count twice where a service counts in units of UTF-16."""
LINES: Final = 60
LIST_KINDS: Final = frozenset({DigestKind.ROLLUP, DigestKind.REPORT})
OTHER_KINDS: Final = NOTICES | {
    DigestKind.SPIKE,
    DigestKind.DEPLOY,
    DigestKind.JOINED,
    DigestKind.PARTED,
    DigestKind.ISSUE_CHANGE,
    DigestKind.CORRECTION,
}
"""What has no form."""

_FOLDER: Final = Path(__file__).parent / "templates" / "forms"


class OnCall(Protocol):
    """Knows who is on call."""

    async def __call__(self, digest: Digest) -> tuple[str, ...]:
        """Return who is on call for a digest, by name; nobody where that cannot be had."""

    async def close(self) -> None:
        """Close the connections; what is closed may be closed again."""


_NONE: Final = Templates()


def ours(name: str) -> Form:
    """Return a form of `OURS`."""
    return Form(f"{name}.j2", (_FOLDER / f"{name}.j2").read_text("utf-8"))


class Told(msgspec.Struct, frozen=True):
    """What a form says."""

    lines: tuple[str, ...]
    """Marked for its medium, none empty at either end; an empty one parts paragraphs."""
    cuts: tuple[str, ...] = ()


class Forms:
    """The forms of an installation, and which rule takes which.

    Args:
        templates: those of files, and which rule takes which.
        on_call: who is on call.
    """

    def __init__(
        self,
        templates: Templates = _NONE,
        on_call: OnCall | None = None,
    ) -> None:
        self._forms = {**{name: ours(name) for name in OURS}, **templates.forms}
        self._by_rule = templates.by_rule
        self._on_call = on_call
        self._languages: dict[Callable[[], Language], Language] = {}

    def name_of(self, digest: Digest) -> str:
        """Return the name of the form that a digest is told in; empty: the ordinary one."""
        if digest.kind in OTHER_KINDS or digest.resolved or digest.reported is not None:
            return ""
        # What a person did is decided by no rule, and edits a message that one did.
        rule = digest.rule or ("" if digest.personal is not None else digest.told_by_rule)
        name = DIGEST if digest.kind in LIST_KINDS else self._by_rule.get(rule, DEFAULT)
        return name if name in self._forms else ""

    async def on_call(self, digest: Digest) -> tuple[str, ...]:
        """Return who is on call, where a form would say it; nobody where that cannot be had."""
        if self._on_call is None or not self.name_of(digest):
            return ()
        return await self._on_call(digest)

    async def close(self) -> None:
        """Close the connections."""
        if self._on_call is not None:
            await self._on_call.close()

    def told(
        self,
        digest: Digest,
        medium: Callable[[], Language],
        notes: Notes,
        *,
        on_call: Sequence[str] = (),
        everybody: str = "",
        called: Sequence[str] = (),
        possible_repeat: bool = False,
    ) -> Told | None:
        """Return what its form says of a digest; None: the ordinary form is to be taken.

        Args:
            digest: any.
            medium: how text is marked.
            notes: takes what goes wrong.
            on_call: by name.
            everybody: mentions everybody in the channel, in the medium's own marks; else empty.
            called: mentions, in the medium's own marks.
            possible_repeat: it may have been said before.
        """
        name = self.name_of(digest)
        if not name:
            return None
        values = {
            "on_call": tuple(on_call),
            "everybody": Markup(everybody) if calls_everybody(digest) else "",
            "called": tuple(map(Markup, called)),
            "possible_repeat": possible_repeat,
        }
        try:
            form = self._forms[name]
            return said(self._language(medium, form), form.file, digest, values)
        except FormError as error:
            notes.form_failed(digest.destination, name, str(error))
            return None

    def _language(self, medium: Callable[[], Language], form: Form) -> Language:
        """Return the language of a medium, with this form in it. Raises: FormError."""
        if medium not in self._languages:
            self._languages[medium] = medium()
        language = self._languages[medium]
        language.add(form.file, form.source)
        return language


def said(
    language: Language,
    file: str,
    digest: Digest,
    values: Mapping[str, object],
    *,
    sample: bool = False,
) -> Told:
    """Return what a form says, as lines that fit into a message.

    Raises:
        FormError: it cannot, or says nothing.
    """
    small = bounded(digest)
    text = language.run(file, {"d": small.digest, **values}, sample=sample)
    cuts = list(small.cuts)
    lines: list[str] = []
    for line in (one.rstrip() for one in text.split("\n")):
        if len(line) > LINE_CHARS:
            cuts.append("lines")
        elif line or (lines and lines[-1]):
            lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) > LINES:
        cuts.append("lines")
        lines = [*lines[:LINES], "…"]
    if not lines:
        raise FormError(f"{file}: it says nothing")
    return Told(tuple(lines), tuple(dict.fromkeys(cuts)))


def calls_everybody(digest: Digest) -> bool:
    """Return False where nobody wants to be called: it is in hand, muted, past or not for real."""
    muted = digest.ignored or digest.silenced_until_ms > 0 or digest.past or digest.unconfirmed
    shadow = digest.would_tell or digest.would_page
    return not (digest.resolved or digest.acked_by or muted or shadow)
