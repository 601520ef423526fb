"""What `why` says in Slack: why something was told, is one storm, paged or did not, what holds it
back, and who did what. Pure.

From the state alone, so that it is said within the seconds that Slack waits; `stormfold explain`
reads every decision. Nothing of an error's text formats, mentions or links.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from correlators import evidence
from correlators.conditions import Asked, Lifecycle, When
from correlators.incident_news import told_with
from correlators.incidents import Closed, Incident
from correlators.judging import Config, Judge, Judgement
from correlators.people_told import acknowledged_by, was_paged
from correlators.returns import Back
from correlators.rulings import Rule, Tried, Urgency, tried
from correlators.silences import Silence
from correlators.storms import Storm
from correlators.suppressions import held_back
from correlators.types import PageReason, Suppression
from sinks.blocks import fitting
from sinks.mrkdwn import code, cut, escape
from sinks.words import PAGED_BECAUSE, lasting, many
from streams import live_lines
from streams.describe_rules import when_text
from streams.live import Live, Part
from streams.why_words import HOLDS

ACTS_SHOWN: Final = 8
RULES_SHOWN: Final = 3
LINE_CHARS: Final = 200
TEXT_CHARS: Final = 3_500
SOURCES: Final = {"slack": "Slack", "pagerduty": "PagerDuty", "sentry": "Sentry"}
ENDED: Final = {
    Closed.QUIET: "it went quiet",
    Closed.MAX_LIFE: "it was cut at its longest life",
    Closed.SENTRY: "its issue was resolved in Sentry",
    Closed.HAND: "a person said so",
}


def why_text(live: Live, subject: str) -> str:
    """Return why one incident or storm stands as it does, as a message; empty where it is not
    remembered."""
    found = live.find(subject) or live.find_remembered(subject)
    if found is None:
        return ""
    part, one = found
    detail = live_lines.detail(part.state, one, [])
    silences = live.mutes(part, one) if one.open else []
    lines = [
        _code(str(detail.what)),
        *_over(one),
        *_told(live, part, one),
        *_one_storm(part, one),
        *_paged(live, part, one),
        *_held(one, silences),
    ]
    acts = [_code(live_lines.act_line(done)) for done in detail.acts]
    lines.append("*Who did what:*" if acts else "*Who did what:* nobody did anything yet.")
    if len(acts) > ACTS_SHOWN:
        lines.append(f"… and {len(acts) - ACTS_SHOWN} before")
    option = "--storm" if isinstance(one, Storm) else "--incident"
    whole = f"Every decision: {code(f'stormfold explain {option} {one.id}')}"
    text = fitting("\n".join([*lines, *acts[-ACTS_SHOWN:]]), TEXT_CHARS, [])
    return f"{text}\n{whole}"


def _over(one: Storm | Incident) -> Iterator[str]:
    if one.open:
        return
    if isinstance(one, Storm) and one.merged_into:
        yield f"*Over:* it went into {code(one.merged_into)}."
    elif isinstance(one, Storm) and one.dissolved:
        yield "*Over:* what was in it goes on by itself."
    else:
        yield f"*Over:* {ENDED[one.closed or Closed.QUIET]}."


def _told(live: Live, part: Part, one: Storm | Incident) -> Iterator[str]:
    """Yield by which rule it was told, and where."""
    if one.back is not None:
        yield f"*Back again:* {_back(one.back, one.first_ms if isinstance(one, Storm) else 0)}"
    storm = part.state.storm_of(one) if isinstance(one, Incident) else None
    if storm is not None:
        yield f"*Told* by its storm, {code(storm.id)}; `why {storm.id}` says why."
    if not one.told.revision:
        if storm is None:
            yield "*Told:* nothing was told of it yet."
        return
    to = ", ".join(map(_code, one.told.to)) or "nobody"
    yield f"*Told {'before ' if storm is not None else ''}to* {to}, {_rule(live, one)}."


def _rule(live: Live, one: Storm | Incident) -> str:
    name = one.told.rule
    if not name:
        return "as the rules say"
    rule = next((rule for rule in live.config.decides if rule.name == name), None)
    if rule is None:
        return f"by the rule {_code(name)}, which the configuration has no more"
    return f"by the rule {_code(name)}: {_code(when_text(rule.when))}"


def _back(back: Back, first_ms: int) -> str:
    who = f" by {escape(back.by)}" if back.by else ""
    where = f" in {SOURCES.get(back.where, back.where)}" if back.where else ""
    ago = f" {lasting(first_ms - back.ended_ms)} before" if first_ms else ""
    told = f", told by {code(back.storm_id)} until then" if back.storm_id else ""
    return f"it was over{ago}{who}{where}{told}."


def _one_storm(part: Part, one: Storm | Incident) -> Iterator[str]:
    """Yield the evidence that makes it one storm, or ties it to the one that tells it."""
    storm = one if isinstance(one, Storm) else part.state.storm_of(one)
    if storm is None:
        return
    pieces = storm.evidence
    if isinstance(one, Incident):
        service = evidence.shown(one.key.service)
        pieces = tuple(piece for piece in pieces if not piece.services or service in piece.services)
    yield f"*One storm:* {'; '.join(map(_code, evidence.told(pieces))) or 'people said so'}."
    if storm.origin.reason:
        yield f"*Likely origin:* {_code(storm.origin.service)}, {_code(storm.origin.reason)}."


def _paged(live: Live, part: Part, one: Storm | Incident) -> Iterator[str]:
    """Yield why somebody was paged, or nobody."""
    teller = (part.state.storm_of(one) or one) if isinstance(one, Incident) else one
    if was_paged(part.state, teller):
        reason = teller.told.page_reason
        because = PAGED_BECAUSE.get(reason, "") if reason is not None else ""
        if rule := teller.told.page_rule:
            named = f"the rule {_code(rule)}"
            because = named if reason is PageReason.RULE else f"{because} ({named})"
        key, to = _page_of(part, teller)
        stands = f"; the page at {', '.join(map(_code, to))} is open" if key else "; it is over"
        yield f"*Paged:* {because or 'the rules said so'}{stands}."
        return
    if not one.open:
        yield "*Paged:* nobody was."
        return
    judgement = _judged(Judge(live.config, part.state), part, teller)
    who, _ = acknowledged_by(part.state, teller)
    if judgement.ruling.urgency is not Urgency.PAGE:
        rules = "; ".join(_unfit(live.config, judgement))
        yield f"*Paged:* nobody, {rules or 'no rule pages anybody'}."
    elif judgement.hold is not None:
        yield f"*Paged:* nobody yet: {HOLDS[judgement.hold.why]}."
    elif who:
        yield f"*Paged:* nobody: {escape(who)} had it before."
    else:
        yield "*Paged:* nobody yet; the rules page for it as it is now."


def _page_of(part: Part, one: Storm | Incident) -> tuple[str, tuple[str, ...]]:
    """Return the key of its open page, empty where none is, and who holds it."""
    if isinstance(one, Storm):
        return one.page_key, one.page_to
    episode = part.state.episode(one.key)
    return (episode.page_key, episode.page_to) if episode is not None else ("", ())


def _judged(judge: Judge, part: Part, one: Storm | Incident) -> Judgement:
    lifecycle = Lifecycle.UPDATED if one.told.revision else Lifecycle.OPENED
    if isinstance(one, Storm):
        return judge.of_storm(one, lifecycle, part.tick)
    return judge.of_incidents([one, *told_with(part.state, one)], lifecycle, part.tick)


def _unfit(config: Config, judgement: Judgement) -> list[str]:
    """Return why the first rules that page do not, as it is now."""
    read = {one.rule: one for one in tried(config.decides, judgement.facts, config.teams)}
    every = [rule for rule in config.decides if rule.urgency is Urgency.PAGE]
    # Those of other environments say something only where there are no others.
    elsewhere = {name for name, one in read.items() if one.failed is Asked.ENVIRONMENT}
    pages = [rule for rule in every if rule.name not in elsewhere] or every
    found = [_why_not(rule, read.get(rule.name)) for rule in pages[:RULES_SHOWN]]
    left = len(pages) - RULES_SHOWN
    return [*found, f"and {many(left, 'more rule')}"] if left > 0 else found


def _why_not(rule: Rule, found: Tried | None) -> str:
    if found is None:
        return f"the rule {_code(rule.name)} stands below the one that decides"
    asked = found.failed
    if asked is None or getattr(rule.when, asked, None) in (None, (), 0, ""):
        return f"the rule {_code(rule.name)} knows nobody to page for it"
    part = msgspec.structs.replace(When(), **{asked: getattr(rule.when, asked)})
    return f"the rule {_code(rule.name)} pages only for {_code(when_text(part))}"


def _held(one: Storm | Incident, silences: Sequence[Silence]) -> Iterator[str]:
    """Yield what holds it back, and how a silence is ended."""
    for silence in silences:
        ends = code(f"/stormfold unsilence {silence.id}")
        until = live_lines.moment(silence.to_ms)
        yield f"*Silenced* by {escape(silence.author)} until {until}; {ends} ends it."
    if not one.told.held:
        if one.open and not silences:
            yield "*Held back:* by nothing."
        return
    why, _, name = one.told.held.partition(":")
    if held_back(one.told.held).why is Suppression.SILENCED and silences:
        return
    named = f" ({_code(name)})" if name else ""
    yield f"*Held back:* {HOLDS.get(why, why)}{named}."


def _code(text: str) -> str:
    return str(code(cut(text, LINE_CHARS)))
