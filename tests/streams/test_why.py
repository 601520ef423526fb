"""`why-not`, `why-late`, `why-many`: the chain ends where it really ends, and says what to do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from correlators.decisions import Decision, Kind
from sinks.attempted import Attempted
from sinks.base import Receipt, Rejected, Step
from sinks.slack_errors import outcome_of
from streams.codec import Said
from streams.config_places import Places
from streams.settings import load
from streams.stories import Recorded
from streams.why_late import lines as late_lines
from streams.why_late import why_late
from streams.why_many import lines as many_lines
from streams.why_many import why_many
from streams.why_not import Answer, why_not
from streams.why_not import lines as not_lines
from streams.why_read import Arrived, Letter, Seen, WrongUse, since_of

ROOT = Path(__file__).parents[2]
SETTINGS = load(ROOT / "stormfold.yaml", {})
PLACES = Places("")
NOW_MS = 1_700_000_100_000
TICK = 1_700_000_000
SLACK = "slack:incidents"
PAGER = "pagerduty:default"
INC = "inc-0123456789abcdef"
KEY = ("production", "checkout", "1.0", "f" * 32)


def opened() -> Decision:
    return Decision(tick=TICK, subject=INC, kind=Kind.OPENED, key=KEY, title="TimeoutError")


def ruled(urgency: str = "alert", *to: str, tried: tuple[tuple[str, str], ...] = ()) -> Decision:
    return Decision(
        tick=TICK + 10,
        subject=INC,
        kind=Kind.RULED,
        why=urgency,
        name="rest",
        tried=tried or (("rest", ""),),
        to=to or (SLACK,),
    )


def told(kind: Kind = Kind.TOLD, to: str = SLACK, after: int = 10) -> Decision:
    return Decision(
        tick=TICK + after, subject=INC, kind=kind, why="opened", name="rest", to=(to,), revision=1
    )


def held(why: str, name: str = "") -> Decision:
    return Decision(tick=TICK + 10, subject=INC, kind=Kind.HELD, why=why, name=name)


def call(outcome: str, reason: str = "", *, after_ms: int = 11_500, to: str = SLACK) -> Attempted:
    return Attempted(
        at_ms=TICK * 1000 + after_ms,
        subject=INC,
        destination=to,
        step=Step.POST if to == SLACK else Step.TRIGGER,
        outcome=outcome,
        reason=reason,
        revision=1,
        receipt=Receipt(id="1") if outcome == "delivered" else None,
    )


def seen(*said: Said, events: int = 5, dead: tuple[Letter, ...] = (), **more: object) -> Seen:
    arrived = {"checkout": Arrived(events=events, last_ms=NOW_MS - 5_000)} if events else {}
    found = Seen(
        since_ms=NOW_MS - 3_600_000,
        now_ms=NOW_MS,
        arrived=arrived,
        records=events,
        said=list(said),
        dead=list(dead),
    )
    for name, value in more.items():
        setattr(found, name, value)
    return found


def letter(reason: str, detail: str = "not_in_channel") -> Letter:
    return Letter(destination=SLACK, reason=reason, detail=detail, at_ms=1, subject=INC)


def rejected(word: str, channel: str) -> str:
    """Return what the sink says of one of Slack's words."""
    outcome = outcome_of(Step.POST, word, status=200, headers={}, channel=channel)
    assert isinstance(outcome, Rejected)
    return outcome.detail


def ends_at(answer: Answer) -> str:
    return answer.broken.name if answer.broken is not None else ""


ENDS = {
    "nothing came in at all": (seen(events=0), "arrived", "GET /healthz"),
    "others came in": (
        seen(events=0, records=9, arrived={"chekout": Arrived(events=9)}),
        "arrived",
        "look up the name",
    ),
    "only changes of issues": (
        seen(events=0, records=2, arrived={"checkout": Arrived(changes=2)}),
        "arrived",
        "webhook `error`",
    ),
    "a stage stands still": (
        seen(opened(), troubles=("correlate incident.deltas-0: parked",)),
        "keeps up",
        "stormfold status",
    ),
    "no rule names the destination": (
        seen(opened(), ruled("alert", "slack:other"), told(to="slack:other")),
        "rules",
        "add it to the rule",
    ),
    "a rule drops it": (
        seen(opened(), ruled("drop"), held("dropped", "noise")),
        "rules",
        "put one that tells above it",
    ),
    "quiet hours": (seen(opened(), ruled(), held("quiet_hours", "nights")), "held back", "explain"),
    "the bot is not invited": (
        seen(opened(), ruled(), told(), call("rejected"), dead=(letter("not_allowed"),)),
        "delivered",
        "/invite @stormfold",
    ),
    "the channel is archived": (
        seen(
            *(opened(), ruled(), told(), call("rejected")),
            dead=(letter("not_allowed", rejected("is_archived", "#pay")),),
        ),
        "delivered",
        "#pay is archived: unarchive it or configure another; then",
    ),
    "the token is refused": (
        seen(opened(), ruled(), told(), dead=(letter("not_authorised"),)),
        "delivered",
        "make a new one",
    ),
    "it waits": (
        seen(opened(), ruled(), told(), call("retry", "rate_limited")),
        "delivered",
        "why-late",
    ),
    "it was told": (seen(opened(), ruled(), told(), call("delivered")), "", ""),
}


@pytest.mark.parametrize("case", ENDS)
def test_the_chain_ends_where_it_ends_and_says_what_to_do(case: str) -> None:
    given, link, do = ENDS[case]
    answer = why_not(given, "checkout", PLACES, destination=SLACK)
    assert ends_at(answer) == link, not_lines(answer)
    assert do in (answer.broken.do if answer.broken is not None else "")
    assert all(one.isprintable() for one in not_lines(answer))


def test_an_incident_of_which_nothing_is_decided_yet_is_told_what_it_waits_for() -> None:
    answer = why_not(seen(opened()), "checkout", PLACES)
    assert answer.broken is not None
    assert "`incidents.settle`" in answer.broken.do
    assert "1 incident of checkout opened" in " ".join(not_lines(answer))
    one = why_not(seen(opened(), events=1), "checkout", PLACES)
    assert "1 event of checkout came in" in " ".join(not_lines(one))


def test_a_missing_page_names_the_part_of_the_rule_that_did_not_hold() -> None:
    tried = (("storm", "storm_services"), ("loud", "events"), ("rest", ""))
    answer = why_not(seen(opened(), ruled(tried=tried), told()), "checkout", PLACES, pages=True)
    assert ends_at(answer) == "rules"
    said = " ".join(not_lines(answer))
    assert '"loud" (the default of pages.events) did not hold: events, 1 time' in said


def test_a_page_that_was_opened_and_taken_is_told() -> None:
    page = told(Kind.PAGED, PAGER)
    given = seen(opened(), ruled("page", SLACK, PAGER), page, call("delivered", to=PAGER))
    assert ends_at(why_not(given, "checkout", PLACES, destination=PAGER, pages=True)) == ""


def test_what_its_storm_was_told_counts_for_the_service() -> None:
    storm = "storm-0123456789abcdef"
    joined = Decision(tick=TICK, subject=INC, kind=Kind.JOINED, other=storm)
    of_storm = [
        Decision(tick=TICK, subject=storm, kind=Kind.RULED, why="alert", name="rest", to=(SLACK,)),
        Decision(tick=TICK, subject=storm, kind=Kind.TOLD, why="opened", to=(SLACK,), revision=1),
    ]
    delivered = Attempted(
        at_ms=1, subject=storm, destination=SLACK, step=Step.POST, outcome="delivered"
    )
    given = seen(opened(), joined, *of_storm, delivered)
    assert ends_at(why_not(given, "checkout", PLACES)) == ""


LATE = {
    "not late": ((told(), call("delivered")), "nothing is late"),
    "rate limited": (
        (told(), call("retry", "rate_limited"), call("delivered", after_ms=90_000)),
        "the service limits us: 1 call was told to wait",
    ),
    "slow": ((told(), call("delivered", after_ms=60_000)), "the network, or the service itself"),
    "held": (
        (held("quiet_hours", "nights"), told(after=600), call("delivered", after_ms=601_500)),
        "quiet_hours nights",
    ),
    "waits": ((told(), call("unknown", "timed_out")), "not taken by the service yet"),
    "nothing": ((), "why-not"),
}


@pytest.mark.parametrize("case", LATE)
def test_the_longest_part_of_the_way_is_named(case: str) -> None:
    said, verdict = LATE[case]
    answer = why_late(seen(opened(), *said), SETTINGS)
    assert verdict in answer.verdict
    assert late_lines(answer)[-1].startswith("Why: ")


def test_a_stage_that_stands_still_is_the_first_reason() -> None:
    given = seen(opened(), told(), troubles=("deliver deliveries-1: nobody",))
    assert "deliver deliveries-1" in why_late(given, SETTINGS).verdict


def test_many_messages_are_counted_as_they_were_sent_and_the_loudest_named() -> None:
    shop = Recorded(SETTINGS, [ROOT / "recordings" / "shop-outage.jsonl.gz"])
    said = list(shop.said(lambda one: True))
    answer = why_many(seen(*said), PLACES)
    sent = Counter(
        place
        for one in said
        if isinstance(one, Decision) and one.kind is Kind.TOLD
        for place in one.to
    )
    assert answer.messages == sent.total() == sum(answer.kinds.values())
    assert answer.pages == 1
    assert any("update_every" in one for one in answer.advice)
    assert many_lines(answer)[0] == f"{answer.messages} messages and 1 pages"
    assert why_many(seen(*said), PLACES, destination="slack:none").messages == 0


@pytest.mark.parametrize("text", ["", "1", "0s", "-1h", "9999d"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongUse, match="--since: expected a duration"):
        since_of(text)
