"""The buttons below a digest: which ones, what each carries, and how a press is read back.

Pure. A button carries the id of what it is about, the revision that its message shows, and a hash
of the environment, by which the act finds the partition that owns it: nothing else has to be known
where it is pressed. Values are bounded; in a menu Slack takes 150 characters of each.

What is over has only *Why* and the way to Sentry; a digest that is no incident's has none.

Source: docs.slack.dev, Block Kit reference: actions, button, overflow menu, confirmation dialog.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import msgspec
import xxhash

from correlators.types import NOTICES, Digest, DigestKind
from sinks.blocks import Json
from sinks.lead import speaks_of_itself
from sinks.mrkdwn import linkable
from sinks.templating import LINK_CHARS

PREFIX: Final = "stormfold."
"""What the `action_id` of everything that is ours begins with."""
BAR: Final = "stormfold"
"""The `block_id` of the buttons; a message has one such block."""
ID_CHARS: Final = 80
"""Longest id that a value carries."""

_VALUE: Final = re.compile(r"([A-Za-z0-9_.:-]{1,80})@([0-9]{1,9})@([0-9a-f]{16})", re.ASCII)
_OPTION: Final = re.compile(r"([a-z_]{1,20})@(.*)", re.ASCII)


class Press(StrEnum):
    """What a button does. The word is the end of its `action_id`, and the metric label."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    SILENCE = "silence"
    ASSIGN = "assign"
    PAGE = "page"
    RESOLVE = "resolve"
    SENTRY = "sentry"
    """Opens an address; nothing has to be done."""
    WHY = "why"
    SPLIT = "split"
    MERGE = "merge"
    FALSE_ALARM = "false_alarm"
    MORE = "more"
    """The menu: which of the above, its option says."""


LABELS: Final = {
    Press.ACKNOWLEDGE: "Acknowledge",
    Press.UNACKNOWLEDGE: "Give back",
    Press.SILENCE: "Silence…",
    Press.ASSIGN: "Assign…",
    Press.PAGE: "Page the on-call",
    Press.RESOLVE: "Resolve",
    Press.SENTRY: "Open in Sentry",
    Press.WHY: "Why?",
    Press.SPLIT: "Not part of this…",
    Press.MERGE: "Merge into…",
    Press.FALSE_ALARM: "False alarm",
}
"""What stands on each; "…" asks something before it does anything."""


class About(msgspec.Struct, frozen=True):
    """What a button is about."""

    id: str
    revision: int
    """That its message showed."""
    environment: int
    """Hash of the environment's name."""

    @property
    def value(self) -> str:
        """Return it as a button carries it."""
        return f"{self.id}@{self.revision}@{self.environment:016x}"


def environment_hash(environment: str) -> int:
    """Return the hash that tells which partition owns an environment."""
    return xxhash.xxh3_64_intdigest(environment.encode("utf-8", "surrogatepass"))


def about(value: str) -> About | None:
    """Return what a value says, None where it is none of ours."""
    found = _VALUE.fullmatch(value)
    return About(found[1], int(found[2]), int(found[3], 16)) if found is not None else None


def pressed(action_id: str, value: str, option: str = "") -> tuple[Press, About] | None:
    """Return which button was pressed and about what; None where it is none of ours.

    Args:
        action_id: of the button.
        value: what it carries.
        option: what the chosen option of a menu carries.
    """
    word = action_id.removeprefix(PREFIX) if action_id.startswith(PREFIX) else ""
    if word == Press.MORE:
        found = _OPTION.fullmatch(option)
        word, value = (found[1], found[2]) if found is not None else ("", "")
    it = about(value)
    if it is None or word not in set(LABELS):
        return None
    return Press(word), it


def bar(digest: Digest) -> list[Json]:
    """Return the block of buttons below the message of a digest, or nothing where it has none.

    Args:
        digest: in the state that its message shows.
    """
    it = about_of(digest)
    if it is None or digest.kind is DigestKind.ISSUE_TROUBLE:
        return []  # what Sentry did not take is no state of it, and is never edited
    shown, menu = _offered(digest)
    elements = [_button(one, it, digest) for one in shown]
    if len(menu) == 1:
        elements.append(_button(menu[0], it, digest))
    elif menu:
        elements.append(_menu(menu, it))
    return [{"type": "actions", "block_id": BAR, "elements": elements}]


def about_of(digest: Digest) -> About | None:
    """Return what the buttons of a digest are about, None where it is about nothing of the kind."""
    if digest.kind is DigestKind.ROLLUP or speaks_of_itself(digest):
        return None
    it = About(digest.id, digest.revision, environment_hash(digest.environment))
    return it if about(it.value) == it else None


def _offered(digest: Digest) -> tuple[list[Press], list[Press]]:
    """Return which buttons a digest has, and what stands in its menu."""
    sentry = [Press.SENTRY] if linkable(digest.url, LINK_CHARS) else []
    if digest.kind is DigestKind.JOINED and not digest.storm:
        return [Press.SPLIT, *sentry, Press.WHY], []
    gone = digest.kind in (DigestKind.JOINED, DigestKind.PARTED) and digest.storm
    if digest.resolved or gone:
        return [*sentry, Press.WHY], []
    ack = Press.UNACKNOWLEDGE if digest.acked_by else Press.ACKNOWLEDGE
    if digest.kind in NOTICES:
        return [ack, Press.SILENCE], []
    page = [] if digest.paged else [Press.PAGE]
    rare = [Press.SPLIT] if digest.storm else []
    shown = [ack, Press.SILENCE, Press.ASSIGN, *page, Press.RESOLVE, *sentry]
    return shown, [Press.WHY, *rare, Press.MERGE, Press.FALSE_ALARM]


def _button(press: Press, it: About, digest: Digest) -> Json:
    made: Json = {
        "type": "button",
        "action_id": PREFIX + press,
        "text": _plain(LABELS[press]),
        "value": it.value,
    }
    if press is Press.SENTRY:
        made["url"] = digest.url
    if press is Press.ACKNOWLEDGE:
        made["style"] = "primary"
    if press is Press.PAGE:
        made["style"] = "danger"
        made["confirm"] = _asked(
            "Page the on-call?", "Somebody is woken, whatever the rules say.", "Page"
        )
    if press is Press.RESOLVE:
        made["confirm"] = _asked(
            "Resolve it?",
            "It is told as over, and its page is resolved. What happens after that opens it again.",
            "Resolve",
        )
    return made


def _menu(menu: list[Press], it: About) -> Json:
    options = [{"text": _plain(LABELS[one]), "value": f"{one}@{it.value}"} for one in menu]
    return {"type": "overflow", "action_id": PREFIX + Press.MORE, "options": options}


def _asked(title: str, text: str, yes: str) -> Json:
    return {
        "title": _plain(title),
        "text": _plain(text),
        "confirm": _plain(yes),
        "deny": _plain("Cancel"),
    }


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
