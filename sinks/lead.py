"""The first 80 characters of every message and page: service, what, users, since which release.

Pure. The parts share the room fairly: one that is short stays whole, the long ones are cut to the
same length, so that all four survive whatever their lengths are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from correlators.personal import Deed
from correlators.types import NOTICES, Digest, DigestKind, PageAction, RollupLine, ServiceLine
from sinks.mrkdwn import cut, size
from sinks.words import clean

CHARS: Final = 80
BETWEEN: Final = " · "
_RAW: Final = 400
"""No part is looked at beyond this."""

_OTHER: Final = {
    DigestKind.SPIKE: "⏸️",
    DigestKind.DEPLOY: "🚀",
    DigestKind.REPORT: "📋",
    DigestKind.ROLLUP: "📚",
}
"""Kinds that tell of no error of their own: the title says it all."""

_SIGNS: Final = {
    DigestKind.ACKNOWLEDGED: ("🟡", "Acknowledged"),
    DigestKind.UNACKNOWLEDGED: ("🔴", "Nobody has it"),
    DigestKind.SILENCED: ("🔇", "Silenced"),
    DigestKind.NOTED: ("💬", "Noted"),
    DigestKind.REOPENED: ("🔴", "Back again"),
    DigestKind.REMINDER: ("⏰", "Acknowledged by nobody"),
    DigestKind.PAGE_TROUBLE: ("🚨", "About its page"),
    DigestKind.ISSUE_TROUBLE: ("⚠️", "Not so in Sentry"),
}
"""What happened, for the replies of these kinds."""

_THEIRS: Final = {
    Deed.ASSIGNED: ("👉", "Assigned to you"),
    Deed.MENTIONED: ("💬", "You are mentioned"),
}


def subject(digest: Digest) -> str:
    """Return what kind of thing the digest is about, in one word."""
    if digest.kind is DigestKind.ROLLUP:
        return "Roll-up"
    if digest.kind in _OTHER:
        return digest.kind.value.replace("_", " ").capitalize()
    return "Storm" if digest.storm else "Incident"


def speaks_of_itself(digest: Digest) -> bool:
    """Return True for a digest of no error: its title is all of its headline."""
    return digest.kind in _OTHER


def state(digest: Digest) -> tuple[str, str]:
    """Return the sign and the words of the state that the digest shows; words may be empty.

    What one person is told says what it is of to them.
    """
    if digest.personal is not None:
        return _THEIRS[digest.personal.deed]
    if digest.kind in NOTICES:
        return _SIGNS[digest.kind]
    if digest.kind is DigestKind.JOINED:
        return "➡️", "Merged" if digest.storm else "Part of a storm"
    if digest.kind is DigestKind.PARTED and digest.storm:
        return "➡️", "Goes on elsewhere" if digest.storm_id else "Taken apart"
    if digest.unconfirmed:
        return "❔", "Over, not confirmed" if digest.resolved else "Quiet, not confirmed"
    if digest.resolved:
        return "✅", "Resolved"
    if digest.page is PageAction.RESOLVE:
        return "☑️", "Page over"
    if digest.ignored:
        return "🔕", "Ignored in Sentry"
    if silence(digest):
        return "🔇", "Silenced"
    if has_owner(digest):
        return "🟡", "Acknowledged"
    if digest.page in (PageAction.TRIGGER, PageAction.UNACKNOWLEDGE):
        return "📟", "Page"
    if digest.flapping:
        return "🔁", "Flapping"
    if digest.escalating:
        return "📈", "Escalating"
    if digest.back is not None:
        return _SIGNS[DigestKind.REOPENED]
    return "🔴", "Regressed" if digest.regressed else ""


def has_owner(digest: Digest) -> bool:
    """Return True while somebody's acknowledgement stands."""
    return bool(digest.acked_by) and digest.kind is not DigestKind.UNACKNOWLEDGED


def silence(digest: Digest) -> int:
    """Return until when a person's silence mutes it; 0 where none does, or it is over."""
    return 0 if digest.resolved else digest.silenced_until_ms


def sign(line: RollupLine) -> str:
    """Return the sign of a line of a roll-up."""
    return "✅" if line.resolved else _SIGNS.get(line.kind, ("🔴", ""))[0]


def explain(digest: Digest) -> str:
    """Return the command that tells all of it."""
    if digest.kind is DigestKind.REPORT:
        return f"stormfold explain --digest {digest.id}@{digest.revision}"
    return f"stormfold explain --{'storm' if digest.storm else 'incident'} {digest.id}"


def change(digest: Digest) -> tuple[str, str]:
    """Return the sign and the words of what this revision tells."""
    if digest.page_over is not None:
        return "✅", "Page resolved"
    if digest.resolved or digest.unconfirmed or digest.page is PageAction.RESOLVE:
        return state(digest)
    if digest.kind is DigestKind.UPDATED and DigestKind.REOPENED in digest.untold:
        return _SIGNS[DigestKind.REOPENED]
    if digest.kind is DigestKind.UPDATED and digest.joined_services:
        return "🔴", "Spreads"
    if digest.kind is DigestKind.UPDATED and digest.back is not None:
        # Its first message has said that.
        digest = msgspec.structs.replace(digest, back=None)
    return _SIGNS.get(digest.kind) or state(digest)


def missed(digest: Digest, *, reply: bool = False) -> list[str]:
    """Return in words what revisions before this one would have said, had they been told.

    Args:
        digest: any.
        reply: its first line says what happened (`change`), so that is not said again.
    """
    untold, found = digest.untold, []
    says = change(digest) if reply else ("", "")
    if DigestKind.REOPENED in untold and says != _SIGNS[DigestKind.REOPENED]:
        found.append("it came back")
    if DigestKind.RESOLVED in untold and not digest.resolved:
        found.append("it was over meanwhile")
    if DigestKind.UPDATED in untold and digest.escalated_now:
        found.append("it escalated")
    if DigestKind.UPDATED in untold and digest.joined_services:
        found.append("joined: " + ", ".join(digest.joined_services))
    return found


def lead(digest: Digest, chars: int = CHARS, *, reply: bool = False, bare: bool = False) -> str:
    """Return the first line: the state, then service, what, users and release, unescaped.

    Args:
        digest: any.
        chars: the most it may be long, escaped for Slack, >= 40.
        reply: say what happened in this revision, not only the state.
        bare: without the state, where that is said before it.
    """
    assert chars >= 40
    if speaks_of_itself(digest):
        return cut(f"{_OTHER[digest.kind]} {clean(digest.title[:_RAW])}", chars)
    mark, words = change(digest) if reply else state(digest)
    begin = "" if bare else f"{mark} {words}: " if words else f"{mark} "
    parts = [part for part in (service(digest), what(digest), hurt(digest), since(digest)) if part]
    room = chars - size(begin) - len(BETWEEN) * (len(parts) - 1)
    return begin + BETWEEN.join(fair(parts, room))


def fair(parts: Sequence[str], room: int) -> list[str]:
    """Return the parts cut so that they take at most `room`: the longest give first.

    None is cut that takes no more than an equal share.
    """
    found = list(parts)
    by_length = sorted(range(len(parts)), key=lambda at: size(parts[at]))
    for done, at in enumerate(by_length):
        share = max(1, room // (len(parts) - done))
        found[at] = cut(parts[at], share)
        room -= size(found[at])
    return found


def service(digest: Digest) -> str:
    """Return where it is: for a storm its likely origin, and how many more."""
    first = digest.origin or (digest.services[0].service if digest.services else "")
    name = clean(first[:_RAW])
    others = len(digest.services) + digest.more_services - 1
    return f"{cut(name, 60)} +{others:,}" if digest.storm and name and others > 0 else name


def what(digest: Digest) -> str:
    """Return what broke; of a storm's title only what its other parts do not say."""
    title = clean(digest.title[:_RAW])
    named = clean(digest.origin[:_RAW])
    _, found, rest = title.partition(f" {named}: ") if digest.storm and named else ("", "", "")
    return rest if found and rest else title


def unsaid(digest: Digest) -> str:
    """Return what broke in full where the first line has only its beginning, else nothing."""
    said = what(digest)
    return "" if speaks_of_itself(digest) or said in lead(digest) else said


def repeats(line: ServiceLine, digest: Digest) -> bool:
    """Return True where a service's line has the error that the message leads with in full."""
    said = unsaid(digest)
    return bool(said) and said.startswith(line.title.removesuffix("…"))


def hurt(digest: Digest) -> str:
    """Return how many users, else events, in few characters."""
    if digest.metric_alert and digest.alerts:
        return clean(digest.alerts[0].status[:_RAW])
    if digest.users:
        about, count, noun = digest.about_users, digest.users, "user"
    else:
        about, count, noun = digest.about, digest.events, "event"
    sure = "≥" if digest.at_least else "~" if about else ""
    return f"{sure}{_compact(count)} {noun}{'' if count == 1 else 's'}"


def _compact(count: int) -> str:
    for unit, name in ((10**9, "bn"), (10**6, "M"), (10**3, "k")):
        if count >= 10 * unit:
            return f"{count // unit:,}{name}"
    return f"{count:,}"


def since(digest: Digest) -> str:
    """Return the release with which it began, else the one that it is in."""
    if digest.new_release:
        return f"since {_version(digest.new_release)}"
    named = release(digest)
    return f"in {_version(named)}" if named else ""


def release(digest: Digest) -> str:
    """Return one release that it is in: of a storm that of its likely origin, where one is named
    after it; empty where none is known."""
    own = (one for one in digest.releases if digest.origin and one.startswith(f"{digest.origin}@"))
    return next(own, next(iter(digest.releases), ""))


def _version(release: str) -> str:
    """Return what differs between releases: without the package that Sentry puts before the @."""
    text = clean(release[:_RAW])
    return text.rpartition("@")[2] or text
