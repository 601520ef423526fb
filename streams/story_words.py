"""A story in words: as lines for a terminal, short for a chat, and as plain JSON.

Every kind of decision has its sentence here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from correlators.decisions import Decision, Kind
from correlators.decisions_of_entries import DISSOLVED, LAPSED
from correlators.evidence import LINKS
from correlators.incidents import Closed
from sinks.attempted import Attempted
from sinks.base import Step
from streams.codec import Said
from streams.config_places import Places
from streams.stories import Story, at_ms
from streams.why_words import HOLDS, left_over

SHORT_CHARS: Final = 2_800
"""A chat's message holds 3,000 characters in one block."""
SHORT_LINES: Final = 14
NAMES_SHOWN: Final = 5

_ENDS: Final = {
    Closed.QUIET.value: "over: it was quiet for long enough",
    Closed.SENTRY.value: "over: Sentry says that its issue is resolved",
    Closed.HAND.value: "over: a person says so",
    Closed.MAX_LIFE.value: "over: as old as any may be; what follows begins anew",
    DISSOLVED: "over: what goes on of it is told by itself, or by another storm",
}

_COMMANDS: Final = {"separate": "split (not part of its storm)", "merge into": "merge"}

_CALLS: Final = {
    "delivered": "delivered",
    "retry": "not taken, will be tried again",
    "rejected": "refused for good",
    "gone": "its first message is gone; it is posted afresh",
    "unknown": "nobody knows whether it arrived; it is looked up",
    "not_found": "looked up: it had not arrived",
    "cannot_tell": "looked up: nobody can tell",
}


def lines(story: Story, places: Places) -> list[str]:
    """Return the story in lines for people, oldest first.

    Args:
        story: what is told.
        places: where rules stand in the settings.
    """
    found = _head(story)
    day = ""
    for said in story.said:
        moment = datetime.fromtimestamp(at_ms(said) / 1000, UTC)
        if f"{moment:%Y-%m-%d}" != day:
            day = f"{moment:%Y-%m-%d}"
            found.append(f"{day} (UTC)")
        first, *more = sentence(said, places, story.names)
        found.append(f"  {moment:%H:%M:%S}  {_who(said, story)}{first}")
        found += [f"            {line}" for line in more]
    if story.left_out:
        found.append(f"and {story.left_out} more")
    return found


def short(story: Story, places: Places) -> list[str]:
    """Return the story short enough for a reply in a chat: what decided, not what repeated it."""
    found = _head(story)
    told: set[tuple[str, str, str]] = set()
    for said in story.said:
        if isinstance(said, Attempted) and said.outcome == "delivered":
            continue
        if isinstance(said, Decision):
            if said.kind in (Kind.SENTRY_SAID, Kind.RULED) or said.why == "unchanged":
                continue
            of = (said.subject, said.kind.value, said.why)
            if of in told and said.kind in (Kind.JOINED, Kind.TOLD, Kind.SUPPRESSED, Kind.HELD):
                continue
            told.add(of)
        moment = datetime.fromtimestamp(at_ms(said) / 1000, UTC)
        words = "; ".join(sentence(said, places, story.names)[:2])
        found.append(f"{moment:%H:%M:%S} {_who(said, story)}{words}")
    if len(found) > SHORT_LINES:
        found = [*found[: SHORT_LINES - 4], f"… {len(found) - SHORT_LINES} more …", *found[-3:]]
    while sum(map(len, found)) + len(found) > SHORT_CHARS:
        longest = max(range(len(found)), key=lambda at: len(found[at]))
        found[longest] = found[longest][: max(20, len(found[longest]) * 3 // 4)].rstrip(" …") + "…"
    return found


def plain(story: Story, places: Places) -> dict[str, Any]:
    """Return the story as JSON has it: every decision with its fields, its moment, its words and
    the line of the settings that decided."""
    said = []
    for one in story.said:
        row: dict[str, Any] = {"at_ms": at_ms(one), "text": sentence(one, places, story.names)}
        row |= msgspec.to_builtins(one)
        place = places.of(one.name) if isinstance(one, Decision) and one.name else ""
        if place:
            row["place"] = place
        said.append(row)
    return {
        "subject": story.subject,
        "storms": list(story.storms),
        "said": said,
        "left_out": story.left_out,
    }


def _head(story: Story) -> list[str]:
    own = [one for one in story.said if isinstance(one, Decision) and one.subject == story.subject]
    title = next((one.title for one in reversed(own) if one.title), "")
    found = [f"{story.subject}  {title}".rstrip()]
    key = next((one.key for one in own if one.key), None)
    if key is not None:
        environment, service, release, fingerprint = key
        of_release = f", release {release}" if release else ", no release"
        found.append(f"{service} in {environment}{of_release}, fingerprint {fingerprint}")
    return found


def _who(said: Said, story: Story) -> str:
    return "" if said.subject == story.subject else f"{said.subject}: "


def sentence(said: Said, places: Places, names: Mapping[str, str]) -> list[str]:
    """Return one decision or call in words: a line, and lines below it.

    Args:
        said: what is told.
        places: where rules stand in the settings.
        names: what incidents are, by id; one that is not there is told by its id alone.
    """
    if isinstance(said, Attempted):
        return [_call(said)]
    return _decision(said, places, names)


def _call(said: Attempted) -> str:
    reason = f" ({said.reason})" if said.reason else ""
    receipt = f" as {said.receipt.id}" if said.receipt is not None and not said.beside else ""
    again = f", call {said.number}" if said.number > 1 else ""
    repeat = ", marked as a possible repeat" if said.possible_repeat else ""
    what = f"look-up of {said.step}" if said.find else said.step.value
    page, _, about = said.delivery.partition("~")
    whose = ""
    if page and said.step in (Step.POST, Step.REPLY, Step.EDIT):
        whose = f" {'about' if about else 'of'} page {page}"
    if about.startswith("sentry."):
        whose = " about what Sentry did not take"
    outcome = _CALLS.get(said.outcome, said.outcome)
    told = f"{what} of revision {said.revision}{whose}"
    if said.delivery.startswith("issue."):
        told = "{2} of issue {1}".format(*said.delivery.split(".", 2))
    if said.delivery.startswith("cor-"):
        told = "word to whoever pressed that it was not done"
    if said.delivery.startswith("per-"):
        told = f"word to {said.destination.partition(':')[2]} alone"
    return f"{said.destination}: {told}{again}: {outcome}{receipt}{reason}{repeat}"


def _decision(said: Decision, places: Places, names: Mapping[str, str]) -> list[str]:
    because = list(said.because)
    by = f" by {_named(said.name, places)}" if said.name else ""
    match said.kind:
        case Kind.ACTED:
            act, *text = because or [""]
            return [f"{said.name}: {_command(act)} ({said.why.replace('_', ' ')})", *text]
        case Kind.OPENED:
            return ["opened: no incident of this error was open here", *because]
        case Kind.REOPENED:
            hand = ["a person had said that it is over"] if said.why == Closed.HAND else []
            back = because or ["it came back"]
            return ["open again, not opened anew: " + "; ".join(back), *hand]
        case Kind.REGRESSED:
            return ["regressed: this error was known, and had been resolved"]
        case Kind.ESCALATED:
            return ["escalating: far more in this hour than in its busiest hour before"]
        case Kind.SENTRY_SAID:
            return ["Sentry says: " + "; ".join(because)]
        case Kind.STORM_OPENED:
            first, below = _incidents(said.to, names)
            return [f"a storm of {first}: weights of {LINKS} and more link them", *because, *below]
        case Kind.JOINED if said.other:
            return [f"became part of {said.other}", *because]
        case Kind.JOINED:
            first, below = _incidents(said.to, names)
            return [f"{first} became part of it", *because, *below]
        case Kind.MERGED:
            return [f"went into {said.other}: one outage", *because]
        case Kind.PARTED:
            return [f"left {said.other}, and is told by itself again", *because]
        case Kind.STAYED_OUT:
            nearest, _ = _incidents((said.other,), names)
            much = f"only {said.why} of {LINKS} that a link needs tie it to {nearest}"
            if said.why == "0":
                much = f"nothing ties it to what began near it, such as {nearest}"
            return [f"stayed out of every storm: {much}", *because]
        case Kind.ACKNOWLEDGED:
            return [f"acknowledged by {said.name} in {said.why}", *because]
        case Kind.UNACKNOWLEDGED:
            if said.why == LAPSED:
                return ["acknowledged no more: " + "; ".join(because)]
            anew = ": a new page was opened, which nobody has acknowledged" if said.why else ""
            return [f"acknowledged no more{anew}"]
        case Kind.ASSIGNED:
            return [f"assigned to {said.why or 'nobody'} by {said.name}", *because]
        case Kind.CLOSED:
            return [_ENDS.get(said.why, f"over: {said.why}"), *because]
        case Kind.RULED:
            return _ruled(said, places)
        case Kind.HELD:
            why = HOLDS.get(said.why, said.why.replace("_", " "))
            return [f"held back: {why}{by}{_until(said.until_tick)}"]
        case Kind.SUPPRESSED:
            why = HOLDS.get(said.why, said.why.replace("_", " "))
            return [f"not told: {why}{by}"]
        case Kind.TOLD:
            return [f"told, revision {said.revision} ({said.why}), to {_listed(said.to)}{by}"]
        case Kind.PAGED:
            why = f" because {said.why}" if said.why else ""
            return [f"paged {_listed(said.to)}{why}{by}; page {said.other}", *because]
        case Kind.PAGE_ACKNOWLEDGED:
            return [f"page {said.other} acknowledged at {_listed(said.to)}"]
        case Kind.PAGE_UNACKNOWLEDGED:
            return [f"page {said.other} acknowledged no more, as told to {_listed(said.to)}"]
        case Kind.PAGE_RESOLVED:
            return [f"page {said.other} resolved at {_listed(said.to)}{left_over(said)}"]
        case Kind.TOLD_PERSON:
            return [f"told {said.name}, who is {said.why}, by {_listed(said.to)}"]
        case Kind.SENTRY_ASKED:
            return _sentry_asked(said)
        case Kind.SILENCED | Kind.SILENCE_ENDED:
            verb = "silenced" if said.kind is Kind.SILENCED else "silence ended"
            return [f"{verb}{by}{_until(said.until_tick)}", *because]
        case _:
            return [f"{said.kind.value.replace('_', ' ')}{by} {said.why}".rstrip(), *because]


def _sentry_asked(said: Decision) -> list[str]:
    what = f"issue {said.to[0]}" if said.revision == 1 else f"{said.revision} issues"
    below = [f"issues {', '.join(said.to)}"] if said.revision > 1 else []
    does = said.why
    if said.other or does == "assign":
        does = f"assign to {said.other or 'nobody'}"
    until = _until(said.until_tick)
    return [f"Sentry is asked to {does}{until}, by {said.name}: {what}", *below, *said.because]


def _ruled(said: Decision, places: Places) -> list[str]:
    held = [rule for rule, failed in said.tried if not failed]
    failed = [f"{rule} ({part} does not hold)" for rule, part in said.tried if part]
    first = f"rules: {said.why}"
    if held:
        first += f" by {' and '.join(_named(one, places) for one in held)}"
    if said.to:
        first += f", for {_listed(said.to)}"
    before = [f"read before it: {', '.join(failed)}"] if failed else []
    return [first, *before, *said.because]


def _named(name: str, places: Places) -> str:
    place = places.of(name)
    return f'"{name}" ({place})' if place else f'"{name}"'


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    shown = ", ".join(found[:NAMES_SHOWN])
    more = len(found) - NAMES_SHOWN
    return (f"{shown} and {more} more" if more > 0 else shown) or "nobody"


def _incidents(ids: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return incidents for a sentence, one with what it is, and a line for each of several."""
    if len(ids) == 1:
        return (f"{ids[0]} ({names[ids[0]]})" if ids[0] in names else ids[0]), []
    return _listed(ids), [f"{one}  {names[one]}" for one in ids[:NAMES_SHOWN] if one in names]


def _command(act: str) -> str:
    """Return an act as its command and button are called."""
    for stored, command in _COMMANDS.items():
        if act.startswith(f"{stored} in "):
            return command + act.removeprefix(stored)
    return act


def _until(tick: int) -> str:
    if tick < 0:
        return ""
    return f", until {datetime.fromtimestamp(tick, UTC):%Y-%m-%d %H:%M:%S}"
