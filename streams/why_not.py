"""`stormfold why-not`: why nothing was heard of a service, or nobody was paged: link by link along
the chain, from the webhook to the answer of Slack or PagerDuty.

Pure: `why_read` reads. The first link that does not hold is the answer; those after it are told as
far as they say something.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from correlators.decisions import Decision, Kind
from sinks.attempted import Attempted
from streams.config_places import Places
from streams.why_delivered import delivered
from streams.why_links import SHOWN_MOST, Link, many
from streams.why_read import Seen
from streams.why_words import HOLDS


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The chain of one service."""

    service: str
    since_ms: int
    links: tuple[Link, ...]

    @property
    def broken(self) -> Link | None:
        """The first link that does not hold."""
        return next((link for link in self.links if not link.ok), None)


def why_not(
    seen: Seen, service: str, places: Places, *, destination: str = "", pages: bool = False
) -> Answer:
    """Return the chain for a service.

    Args:
        seen: what stands on the topics.
        service: whose events are missed.
        places: where rules stand in the settings.
        destination: only this one is asked about; empty asks about all.
        pages: a page is missed, not a message.
    """
    own, incidents = _own(seen, service)
    decisions = [one for one in own if isinstance(one, Decision)]
    attempts = [
        one
        for one in own
        if isinstance(one, Attempted) and (not destination or one.destination == destination)
    ]
    letters = [
        one
        for one in seen.dead
        if one.subject in {said.subject for said in own}
        and (not destination or one.destination == destination)
    ]
    links = [_arrived(seen, service), _readable(seen), _keeps_up(seen)]
    links.append(_incidents(incidents, decisions, seen, service))
    links.append(_ruled(decisions, places, destination, pages=pages))
    links.append(_held(decisions, places, destination, pages=pages))
    links.append(delivered(decisions, attempts, letters, destination, pages=pages))
    return Answer(service=service, since_ms=seen.since_ms, links=tuple(links))


def _own(seen: Seen, service: str) -> tuple[list[Any], list[str]]:
    """Return what was said of the service's incidents and their storms, and those incidents."""
    incidents = [
        one.subject
        for one in seen.said
        if isinstance(one, Decision) and one.key is not None and one.key[1] == service
    ]
    wanted = set(incidents)
    wanted |= {
        one.other
        for one in seen.said
        if isinstance(one, Decision) and one.subject in wanted and one.kind is Kind.JOINED
    }
    return [one for one in seen.said if one.subject in wanted], list(dict.fromkeys(incidents))


def _arrived(seen: Seen, service: str) -> Link:
    arrived = seen.arrived.get(service)
    skipped = f" (the latest {seen.records:,} records were read)" if seen.skipped else ""
    if arrived is not None and arrived.events:
        ago = max(0, seen.now_ms - arrived.last_ms) // 1000
        kinds = ", ".join(f"{count:,} {name}" for name, count in arrived.resources.most_common(4))
        where = ", ".join(sorted(arrived.environments)[:SHOWN_MOST])
        said = f"{many(arrived.events, 'event')} of {service} came in ({kinds}), in {where}"
        return Link(name="arrived", ok=True, says=(f"{said}, the last {ago} s ago{skipped}",))
    if arrived is not None:
        said = f"only {arrived.changes:,} changes of issues of {service} came in, and no event"
        return Link(
            name="arrived",
            ok=False,
            says=(said + skipped,),
            do="turn on the webhook `error` of the Sentry integration, or add its alert rule "
            "action to an alert rule of this project",
        )
    if not seen.records:
        return Link(
            name="arrived",
            ok=False,
            says=("nothing of any service came in",),
            do="look whether `stormfold intake` runs and Sentry can reach it (GET /healthz), "
            "whether the integration's webhook URL and client secret are right (intake counts "
            "refused ones by reason), and send a test from Sentry",
        )
    others = sorted(seen.arrived, key=lambda name: -seen.arrived[name].events)
    near = difflib.get_close_matches(service, [name for name in others if name], n=3, cutoff=0.5)
    said = f"nothing of {service} came in, but {seen.records:,} records of {len(others)} others"
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    shown = ", ".join(name or "no service" for name in others[:SHOWN_MOST])
    return Link(
        name="arrived",
        ok=False,
        says=(said + skipped, f"services that came in: {shown}{hint}"),
        do="a service is a Sentry project, by its slug, or by its number where `projects` names "
        "it; look up the name, and whether the integration hears of this project",
    )


def _readable(seen: Seen) -> Link:
    if not seen.unreadable:
        return Link(name="readable", ok=True, says=("nothing is in the quarantine",))
    reasons = ", ".join(f"{count:,} {name}" for name, count in seen.unreadable.most_common(4))
    said = f"records of some service could not be read and are in the quarantine: {reasons}"
    return Link(name="readable", ok=True, says=(said,))


def _keeps_up(seen: Seen) -> Link:
    if not seen.troubles:
        return Link(name="keeps up", ok=True, says=("every stage runs and keeps up",))
    return Link(
        name="keeps up",
        ok=False,
        says=seen.troubles[:SHOWN_MOST],
        do="`stormfold status` shows who reads what; look at the log of that stage",
    )


def _incidents(incidents: list[str], decisions: list[Decision], seen: Seen, service: str) -> Link:
    if incidents:
        latest = ", ".join(incidents[-SHOWN_MOST:])
        said = f"{many(len(incidents), 'incident')} of {service} opened: {latest}"
        return Link(name="incidents", ok=True, says=(said,))
    if service in seen.arrived and seen.arrived[service].events:
        said = (
            "its events are part of incidents that opened earlier; ask with a longer --since to "
            "see those decided"
        )
        return Link(name="incidents", ok=True, says=(said,))
    return Link(name="incidents", ok=True, says=(f"no incident of {service} opened",))


def _ruled(decisions: list[Decision], places: Places, destination: str, *, pages: bool) -> Link:
    ruled = [one for one in decisions if one.kind is Kind.RULED]
    if not ruled:
        return Link(name="rules", ok=True, says=("no rule was asked in this time",))
    counts = Counter((one.name, one.why, one.to) for one in ruled)
    says = [
        f"{_named(name, places)}: {urgency} to {', '.join(to) or 'nobody'}, {many(count, 'time')}"
        for (name, urgency, to), count in counts.most_common(SHOWN_MOST)
    ]
    if all(one.why == "drop" for one in ruled):
        return Link(
            name="rules",
            ok=False,
            says=tuple(says),
            do="a rule drops it: narrow what that asks for, or put one that tells above it",
        )
    if pages and not any(one.why == "page" for one in ruled):
        return Link(
            name="rules",
            ok=False,
            says=(*says, *_failed(ruled, places)),
            do="no rule that pages held; of each rule the part that did not is named: loosen one",
        )
    if destination and not any(destination in one.to for one in ruled):
        return Link(
            name="rules",
            ok=False,
            says=tuple(says),
            do=f"no rule that held names {destination}; add it to the rule, or one above it",
        )
    return Link(name="rules", ok=True, says=tuple(says))


def _failed(ruled: Iterable[Decision], places: Places) -> list[str]:
    failed = Counter(pair for one in ruled for pair in one.tried if pair[1])
    return [
        f"{_named(rule, places)} did not hold: {part}, {many(count, 'time')}"
        for (rule, part), count in failed.most_common(SHOWN_MOST)
    ]


def _held(decisions: list[Decision], places: Places, destination: str, *, pages: bool) -> Link:
    wanted = Kind.PAGED if pages else Kind.TOLD
    told = [
        one
        for one in decisions
        if one.kind is wanted and (not destination or destination in one.to)
    ]
    held = [one for one in decisions if one.kind in (Kind.HELD, Kind.SUPPRESSED)]
    counts = Counter((one.why, one.name) for one in held)
    says = [
        f"{HOLDS.get(why, why)}{f': {_named(name, places)}' if name else ''}, {many(count, 'time')}"
        for (why, name), count in counts.most_common(SHOWN_MOST)
    ]
    word = f"{many(len(told), 'page')} opened" if pages else f"{many(len(told), 'message')} decided"
    says.insert(0, word)
    if told or not held:
        do = "nothing was decided yet: the first message comes `incidents.settle` after an event"
        return Link(name="held back", ok=bool(told), says=tuple(says), do="" if told else do)
    return Link(
        name="held back",
        ok=False,
        says=tuple(says),
        do=f"`{_explain(held[-1].subject)}` shows each, and when it ends",
    )


def _explain(subject: str) -> str:
    return (
        f"stormfold explain --{'storm' if subject.startswith('storm-') else 'incident'} {subject}"
    )


def _named(name: str, places: Places) -> str:
    place = places.of(name)
    return f'"{name}" ({place})' if place else f'"{name}"'


def lines(answer: Answer) -> list[str]:
    """Return the answer in lines for people: the chain, then what to do."""
    found = [
        f"{answer.service}, since {datetime.fromtimestamp(answer.since_ms / 1000, UTC):%F %T} (UTC)"
    ]
    broken = answer.broken
    mark = "ok"
    for link in answer.links:
        first, *more = link.says or ("",)
        # What follows the end of the chain is told, and proves nothing.
        mark = "NO" if link is broken else "--" if mark != "ok" else "ok"
        found.append(f"  {mark}  {link.name:10} {first}")
        found += [f"                 {one}" for one in more]
    if broken is None:
        found.append("It was told. `stormfold explain --incident ID` shows where and when.")
    else:
        found.append(f"It ends at: {broken.name}. {broken.do}".rstrip())
    return found


def plain(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(answer)
    found["broken"] = answer.broken.name if answer.broken is not None else None
    return found
