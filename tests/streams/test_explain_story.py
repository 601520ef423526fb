"""`stormfold explain --incident, --storm, --digest`, asked of a replay."""

from __future__ import annotations

import gzip
import io
import json
import re
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from correlators.decisions import Decision, Kind
from correlators.issue_change import IssueChange, IssueDoes
from correlators.recurring import Recurring
from correlators.scheduled import Scheduled
from sinks.attempted import Attempted, attempted
from sinks.base import Answer, Delivered, Receipt, Rejected, RejectReason, Step
from streams import story_words
from streams.codec import Said
from streams.config_places import Places
from streams.exit_status import DONE, FAILED, WRONG_USE
from streams.explain_story import Asked, Form, run, run_event
from streams.settings import load
from streams.stories import KEPT_MOST, Match, Recorded, Story, story_of
from tests.sinks.ephemeral_case import shaped
from tests.sinks.make import attempt, digest
from tests.sinks.person_case import shaped as shaped_for_one

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "recordings" / "shop-outage.jsonl.gz"
SETTINGS = load(ROOT / "stormfold.yaml", {})
RULES = """\
sinks:
  console: {}

rules:
  - name: noise
    when: {level: [info]}
    drop: known
  - {name: rest, to: [console:default]}
"""


@pytest.fixture(scope="module")
def shop() -> Recorded:
    return Recorded(SETTINGS, [SHOP])


def asked(form: Form = Form.TEXT, **what: str) -> tuple[int, str, str]:
    out, errors = io.StringIO(), io.StringIO()
    status = run(SETTINGS, Asked(**what), [SHOP], form=form, out=out, errors=errors)
    return status, out.getvalue(), errors.getvalue()


def storm_of(shop: Recorded) -> str:
    told = [one for one in shop.said(lambda one: one.subject.startswith("storm-"))]
    return max({one.subject for one in told}, key=[one.subject for one in told].count)


def test_a_storm_is_told_from_its_evidence_to_its_end(shop: Recorded) -> None:
    status, said, errors = asked(storm=storm_of(shop))
    assert (status, errors) == (DONE, "")
    lines = said.splitlines()
    assert "Outage in 3 services" in lines[0]
    places = [
        next(at for at, line in enumerate(lines) if word in line)
        for word in (
            "a storm of",
            "shared trace",
            "rules: page",
            "told, revision 1",
            "over: it was",
        )
    ]
    assert places == sorted(places)
    assert "stormfold.yaml:" in next(line for line in lines if "rules: page" in line)


def test_an_event_of_the_recording_leads_to_its_incident_and_the_storm_that_told_it(
    shop: Recorded,
) -> None:
    with gzip.open(SHOP) as file:
        line = file.read().splitlines()[399]
    out, errors = io.StringIO(), io.StringIO()
    status = run_event(
        SETTINGS, "-", [SHOP], form=Form.JSON, stdin=io.BytesIO(line), out=out, errors=errors
    )
    assert (status, errors.getvalue()) == (DONE, "")
    found: dict[str, Any] = json.loads(out.getvalue())
    assert found["story"]["subject"].startswith("inc-")
    assert found["story"]["storms"] == [storm_of(shop)]
    kinds = [one["kind"] for one in found["story"]["said"]]
    assert kinds[0] == "opened"
    assert {"joined", "ruled", "told", "paged"} <= set(kinds)
    opened = found["story"]["said"][0]
    assert opened["key"][3] == found["signature"]["versions"][0]["fingerprint"]


def test_a_digest_is_told_up_to_its_revision(shop: Recorded) -> None:
    storm = storm_of(shop)
    first = asked(digest=f"{storm}@1")[1]
    later = asked(digest=f"{storm}@3")[1]
    assert "revision 1" in first
    assert "revision 2" not in first
    assert "revision 3" in later


def test_the_short_form_fits_a_message_of_a_chat(shop: Recorded) -> None:
    for subject in {one.subject for one in shop.said(lambda one: True)}:
        short = story_words.short(story_of(shop, subject), Places(""))
        assert len("\n".join(short)) <= story_words.SHORT_CHARS


def test_every_incident_that_a_story_names_is_told_with_its_service_and_title(
    shop: Recorded,
) -> None:
    story = story_of(shop, storm_of(shop))
    members = {one for said in story.said for one in getattr(said, "to", ()) if one[:4] == "inc-"}
    assert len(members) > 5
    told = "\n".join(story_words.lines(story, Places("")))
    opened = {
        one.subject: one
        for one in shop.said(lambda said: isinstance(said, Decision) and said.kind is Kind.OPENED)
        if isinstance(one, Decision)
    }
    for one in members:
        key, title = opened[one].key, opened[one].title
        assert key is not None
        assert title
        assert re.search(rf"{one}(  | \(){key[1]}: {re.escape(title[:20])}", told)


def test_what_another_storm_decided_is_told_as_its_own_also_in_the_short_form(
    shop: Recorded,
) -> None:
    story = story_of(shop, storm_of(shop))
    (merged,) = [one for one in story.said if one.subject not in story.names | {story.subject: ""}]
    went = f"{merged.subject}: went into {story.subject}: one outage"
    assert any(went in line for line in story_words.short(story, Places("")))
    assert any(went in line for line in story_words.lines(story, Places("")))


def test_an_incident_that_nothing_ties_to_a_storm_is_told_so(shop: Recorded) -> None:
    stayed = [
        said
        for said in shop.said(lambda said: getattr(said, "kind", None) is Kind.STAYED_OUT)
        if isinstance(said, Decision) and said.why == "0"
    ]
    assert stayed
    for one in stayed:
        (first,) = story_words.sentence(one, Places(""), {one.other: "checkout: KeyError"})
        assert first.endswith(f"near it, such as {one.other} (checkout: KeyError)")


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ({"incident": "storm-0123456789abcdef"}, "explain --storm storm-0123456789abcdef"),
        ({"storm": "storm-0123456789abcdef"}, "is not known to a replay of"),
        ({"storm": "inc-0123456789abcdef"}, "explain --incident inc-0123456789abcdef"),
        ({"incident": "inc-1"}, "expected inc- and 16 hex digits"),
        ({"digest": "inc-1"}, "is no digest: expected its id and revision"),
    ],
)
def test_what_is_not_known_is_said_in_one_line(what: dict[str, str], problem: str) -> None:
    status, said, errors = asked(Form.TEXT, **what)
    assert (status, said) == (WRONG_USE, "")
    assert problem in errors
    assert errors.count("\n") == 1


def test_a_revision_that_was_never_told_is_refused(shop: Recorded) -> None:
    status, _, errors = asked(digest=f"{storm_of(shop)}@99")
    assert status == WRONG_USE
    assert "was never told in a revision 99" in errors


def test_rules_are_found_where_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "stormfold.yaml"
    file.write_text(RULES)
    places = Places(str(file))
    assert places.of("noise") == f"{file}:5 rules[0]"
    assert places.of("rest") == f"{file}:8 rules[1]"
    assert places.of("unknown") == ""
    assert Places("").of("loud") == "the default of pages.events"


class Given:
    """Decisions that are given."""

    name = "a test"

    def __init__(self, said: list[Said]) -> None:
        self._said = said

    def said(self, match: Match) -> list[Said]:
        return [one for one in self._said if match(one)]


def call(number: int, outcome: str, reason: str = "") -> Attempted:
    return Attempted(
        at_ms=1_700_000_000_000 + number,
        subject="inc-0123456789abcdef",
        destination="slack:incidents",
        step=Step.POST,
        outcome=outcome,
        reason=reason,
        revision=1,
        number=number,
        receipt=Receipt(place="C1", id="17.5") if outcome == "delivered" else None,
    )


def test_every_call_is_told_with_what_came_back() -> None:
    said: list[Said] = [call(1, "retry", "rate_limited, not before 3 s"), call(2, "delivered")]
    lines = story_words.lines(story_of(Given(said), "inc-0123456789abcdef"), Places(""))
    assert lines[-2].endswith(
        "slack:incidents: post of revision 1: not taken, will be tried again "
        "(rate_limited, not before 3 s)"
    )
    assert lines[-1].endswith("post of revision 1, call 2: delivered as 17.5")


def test_the_page_at_a_chat_and_what_is_said_of_it_are_told_apart_from_the_message() -> None:
    of = [call(1, "delivered"), call(1, "delivered"), call(1, "delivered")]
    of[1] = msgspec.structs.replace(of[1], delivery="inc-0123456789abcdef.1")
    of[2] = msgspec.structs.replace(of[2], delivery="inc-0123456789abcdef.1~reminder")
    told = story_words.lines(story_of(Given(list(of)), "inc-0123456789abcdef"), Places(""))
    said = [line.partition("slack:incidents: ")[2] for line in told[-3:]]
    assert sorted(said) == [
        "post of revision 1 about page inc-0123456789abcdef.1: delivered as 17.5",
        "post of revision 1 of page inc-0123456789abcdef.1: delivered as 17.5",
        "post of revision 1: delivered as 17.5",
    ]


def test_a_story_is_bounded_and_says_what_is_left_out() -> None:
    said: list[Said] = [call(number, "delivered") for number in range(KEPT_MOST + 5)]
    story: Story = story_of(Given(said), "inc-0123456789abcdef")
    assert (len(story.said), story.left_out) == (KEPT_MOST, 5)
    assert story_words.lines(story, Places(""))[-1] == "and 5 more"


def test_the_story_in_the_docs_is_the_one_that_is_told() -> None:
    page = (ROOT / "docs" / "explain.md").read_text()
    shown = page.split("$ stormfold explain --storm ", 1)[1].split("  ...\n", 1)[0]
    command, _, story = shown.partition("\n")
    told = asked(storm=command.split()[0])[1]
    where = f"{ROOT}/stormfold.yaml"
    assert told.replace(where, "stormfold.yaml").startswith(story)


def test_where_no_kafka_answers_one_line_says_so_in_plain_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound, but nobody listens there.
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = load(ROOT / "stormfold.yaml", {"KAFKA_BOOTSTRAP": at})
        out, errors = io.StringIO(), io.StringIO()
        status = run(
            settings,
            Asked(storm="storm-0123456789abcdef"),
            [],
            form=Form.TEXT,
            out=out,
            errors=errors,
        )
    assert (status, out.getvalue()) == (FAILED, "")
    assert errors.getvalue() == f"explain: Kafka at {at} cannot be asked: no broker answers there\n"


def test_what_the_pager_hears_of_an_acknowledgement_is_told_with_its_page() -> None:
    told = Decision(
        tick=1, subject="inc-1", kind=Kind.PAGE_ACKNOWLEDGED, other="inc-1.1", to=("pagerduty:p",)
    )
    said = story_words.sentence(told, Places(""), {})
    assert said == ["page inc-1.1 acknowledged at pagerduty:p"]


def test_an_act_is_told_by_the_name_of_its_command() -> None:
    def told(because: str) -> str:
        act = Decision(
            tick=1, subject="inc-1", kind=Kind.ACTED, name="ada", why="done", because=(because,)
        )
        return story_words.sentence(act, Places(""), {})[0]

    assert told("merge into in cli") == "ada: merge in cli (done)"
    assert told("separate in slack") == "ada: split (not part of its storm) in slack (done)"
    assert told("acknowledge in cli") == "ada: acknowledge in cli (done)"


def test_what_is_asked_of_sentry_is_told_by_whose_button_and_of_which_issues() -> None:
    def told(**how: Any) -> list[str]:
        asked = Decision(tick=1, subject="inc-1", kind=Kind.SENTRY_ASKED, name="slack", **how)
        return story_words.sentence(asked, Places(""), {})

    assert told(why="resolve", to=("41",), revision=1) == [
        "Sentry is asked to resolve, by slack: issue 41"
    ]
    assert told(why="assign", other="team:pay", to=("41", "42"), revision=2) == [
        "Sentry is asked to assign to team:pay, by slack: 2 issues",
        "issues 41, 42",
    ]
    assert told(why="assign", to=("41",), revision=1) == [
        "Sentry is asked to assign to nobody, by slack: issue 41"
    ]
    assert told(why="ignore", to=("41",), revision=1, until_tick=3_600, because=("3 more",)) == [
        "Sentry is asked to ignore, until 1970-01-01 01:00:00, by slack: issue 41",
        "3 more",
    ]


def test_what_sentry_answered_is_told_of_the_incident_that_it_was_asked_about() -> None:
    change = IssueChange(issue_id="41", does=IssueDoes.RESOLVE, subject="inc-1")
    made = msgspec.structs.replace(digest("sentry:default", id="isu-1"), issue_change=change)
    call = msgspec.structs.replace(attempt(Step.POST, made), key=f"sentry:default|{change.name}")
    no = Rejected(RejectReason.NOT_AUTHORISED, "status 403")
    said = attempted(call, Answer(key=call.key, number=1, outcome=no), 5)
    assert said.subject == "inc-1"
    assert story_words.sentence(said, Places(""), {}) == [
        "sentry:default: status of issue 41: refused for good (not_authorised: status 403)"
    ]
    notice = Attempted(
        at_ms=5,
        subject="inc-1",
        destination="slack:a",
        step=Step.POST,
        outcome="delivered",
        revision=1,
        delivery="inc-1~sentry.resolve",
    )
    assert story_words.sentence(notice, Places(""), {}) == [
        "slack:a: post of revision 1 about what Sentry did not take: delivered"
    ]


def test_what_whoever_pressed_was_told_alone_is_told_of_the_incident() -> None:
    made = shaped(digest("slack_ephemeral:default", id="inc-1"))
    made = msgspec.structs.replace(made, id="cor-1")
    call = msgspec.structs.replace(attempt(Step.POST, made), key="slack_ephemeral:default|cor-1")
    there = Delivered(Receipt(place="C0INC", id="1790000000.000100"))
    said = attempted(call, Answer(key=call.key, number=1, outcome=there), 5)
    assert (said.subject, said.beside) == ("inc-1", True)
    assert story_words.sentence(said, Places(""), {}) == [
        "slack_ephemeral:default: word to whoever pressed that it was not done: delivered"
    ]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Delivered(Receipt(place="D0BEN", id="1790000000.000100")), "delivered"),
        (
            Rejected(RejectReason.NO_SUCH_PLACE, "channel_not_found"),
            "refused for good (no_such_place: channel_not_found)",
        ),
    ],
)
def test_what_came_of_telling_one_person_is_told_of_the_incident(
    outcome: Delivered | Rejected, words: str
) -> None:
    theirs = shaped_for_one(digest("person_slack:Ben O'Neil", id="inc-1"))
    theirs = msgspec.structs.replace(theirs, id="per-1")
    call = msgspec.structs.replace(attempt(Step.POST, theirs), key=f"{theirs.destination}|per-1")
    said = attempted(call, Answer(key=call.key, number=1, outcome=outcome), 5)
    assert (said.subject, said.beside) == ("inc-1", True)
    assert story_words.sentence(said, Places(""), {}) == [
        f"person_slack:Ben O'Neil: word to Ben O'Neil alone: {words}"
    ]


def test_when_a_report_was_told_and_to_whom_is_told_by_its_id() -> None:
    daily = Recurring(minutes=(9 * 60 + 23,))
    report = Scheduled(name="Day", at=daily, to=("console:default",))
    holding = msgspec.structs.replace(SETTINGS.holding, reports=(report,))
    settings = msgspec.structs.replace(SETTINGS, holding=holding)
    told = Recorded(settings, [SHOP]).said(lambda one: one.subject.startswith("rep-"))
    (subject,) = {one.subject for one in told}
    out, errors = io.StringIO(), io.StringIO()
    asked_of = Asked(digest=f"{subject}@1")
    status = run(settings, asked_of, [SHOP], form=Form.TEXT, out=out, errors=errors)
    assert (status, errors.getvalue()) == (DONE, "")
    assert 'told, revision 1 (report), to console:default by "Day"' in out.getvalue()
