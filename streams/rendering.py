"""What `stormfold render` does: a digest, a form, a sink; and what it looks like.

Errors: `RenderError` when there is no such template or it is wrong, each problem with the template
and its line; `StoryError` when the digest cannot be found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from correlators.types import Digest
from sinks.form_names import DEFAULT, DIGEST, FILE_BYTES, OURS, Form, Templates
from sinks.forms import LIST_KINDS, Forms, ours
from sinks.forms_tried import list_samples, problems_of, samples
from sinks.notes import Notes
from streams.drawing import Drawn, drawing
from streams.forms_config import make_forms
from streams.settings import Settings, SettingsError
from streams.stories import StoryError
from streams.told_digests import NothingTold, told_of

OTHERS_MOST: Final = 10
"""Reports of one name that are named beside the one that is shown."""


class RenderError(Exception):
    """It cannot be drawn; one line per problem."""


class Asked(NamedTuple):
    """What is asked for."""

    to: str
    template: str = ""
    """Empty: the one that the digest's rule takes."""
    subject: str = ""
    """An id, or the name of a scheduled report; empty: a made-up storm."""
    revision: int = 0
    recordings: tuple[Path, ...] = ()


class _Notes(Notes):
    """Keeps what failed."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[str] = []

    def form_failed(self, destination: str, form: str, detail: str) -> None:
        self.failed.append(detail)


async def render(settings: Settings, asked: Asked, complain: Callable[[str], None]) -> Drawn:
    """Return what the message looks like.

    Args:
        settings: of the installation.
        asked: whose message, in which template.
        complain: told what is not as it would be.

    Raises:
        RenderError: the template is wrong, or there is none of this name.
        StoryError: nothing was told of the incident, or it cannot be read.
    """
    chosen = templates_of(settings, asked.template)
    try:
        forms = make_forms(msgspec.structs.replace(settings, templates=chosen))
    except SettingsError as error:
        complain(f"who is on call is not asked: {error}")
        forms = Forms(chosen)
    digest = await asyncio.to_thread(_digest, settings, asked, complain)
    if asked.template and not forms.name_of(digest):
        complain(f"revision {digest.revision} of {digest.id} ({digest.kind}) has no template")
    notes = _Notes()
    try:
        found = await drawing(asked.to)(settings, forms, digest, notes)
    finally:
        await forms.close()
    if notes.failed:
        raise RenderError("\n".join(notes.failed))
    return found


def templates_of(settings: Settings, name: str) -> Templates:
    """Return templates of which every digest takes the one of this name; empty: as configured.

    Raises:
        RenderError: there is none, or it is wrong.
    """
    if not name:
        return settings.templates
    if name in settings.templates.forms:
        form = settings.templates.forms[name]
    elif name in OURS:
        form = ours(name)
    elif name in (DEFAULT, DIGEST):
        return Templates()
    elif name.endswith(".j2"):
        form = _of_file(name)
    else:
        known = ", ".join(sorted({*settings.templates.forms, *OURS, DEFAULT, DIGEST}))
        raise RenderError(f"--template: expected a file *.j2, or one of {known}, found {name!r}")
    return Templates(forms={DEFAULT: form, DIGEST: form})


def _of_file(name: str) -> Form:
    try:
        with Path(name).open("rb") as file:
            content = file.read(FILE_BYTES + 1)
        form = Form(name, content.decode("utf-8-sig"))
    except OSError as error:
        raise RenderError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RenderError(f"{name}: not UTF-8") from None
    if len(content) > FILE_BYTES:
        raise RenderError(f"{name}: longer than {FILE_BYTES} bytes")
    problems, of_lists = problems_of(form), problems_of(form, lists=True)
    if problems and of_lists:  # it may be for either
        raise RenderError("\n".join(problems))
    return form


def _digest(settings: Settings, asked: Asked, complain: Callable[[str], None]) -> Digest:
    """Return the digest to draw, where its destination is the sink that is asked for."""
    if not asked.subject:
        made_up = [*samples(), *list_samples()]
        lists = asked.template == DIGEST
        found = [one for one in made_up if (one.kind in LIST_KINDS) == lists and one.page != "none"]
        return _for(found or [*list_samples()], asked.to)[0]
    told = _for(_told(settings, asked, complain), asked.to)
    if asked.revision:
        of_it = [one for one in told if one.revision == asked.revision]
        if not of_it:
            has = ", ".join(str(one) for one in sorted({one.revision for one in told}))
            raise StoryError(f"{asked.subject} has no revision {asked.revision}; told were {has}")
        return of_it[-1]
    return next((one for one in reversed(told) if _is_state(one)), told[-1])


def _told(settings: Settings, asked: Asked, complain: Callable[[str], None]) -> list[Digest]:
    """Return all that was told of what is asked for; of several reports of one name, the newest."""
    reports = {one.name for one in settings.holding.reports}
    try:
        told = told_of(settings, asked.subject, asked.recordings)
    except NothingTold as error:
        if asked.subject not in reports:
            raise
        hint = "it is told in the last tick before its moment, if anything happened"
        raise StoryError(f"{error}; {hint}") from None
    by_id = {one.id: one for one in told}
    newest = max(by_id.values(), key=lambda one: one.at_ms)
    others = [f"{one.id} ({_of_report(one)})" for one in by_id.values() if one is not newest]
    if others:
        more = f", and {len(others) - OTHERS_MOST} before" if len(others) > OTHERS_MOST else ""
        shown = ", ".join(others[-OTHERS_MOST:])
        complain(f"this is {newest.id} ({_of_report(newest)}); also told: {shown}{more}")
    return [one for one in told if one.id == newest.id]


def _of_report(digest: Digest) -> str:
    period = digest.reported.period if digest.reported is not None else ""
    return f"{digest.environment}, {period}"


_ANY: Final = Forms(Templates(forms={DEFAULT: Form("", ""), DIGEST: Form("", "")}))


def _is_state(digest: Digest) -> bool:
    """Return True where a template could be for it."""
    return bool(_ANY.name_of(digest))


def _for(digests: Sequence[Digest], sink: str) -> list[Digest]:
    """Return those for the sink; where it is told none of them, all of them as if it were."""
    own = [one for one in digests if one.destination.partition(":")[0] == sink]
    return own or [msgspec.structs.replace(one, destination=f"{sink}:example") for one in digests]
