"""What is said in Slack means one thing, or the error says what was expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.slack_words import (
    ALSO,
    USAGE,
    Said,
    Word,
    WordsError,
    help_text,
    person_in,
    read,
    without_mention,
)

INC = "inc-4bb0c3f1a2d95e77"
STORM = "storm-7f4ac26c308e979e"
SIL = "sil-5d0c1f0b7a3e9c42"
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Said(word=Word.HELP)),
        ("help", Said(word=Word.HELP)),
        ("status", Said(word=Word.STATUS)),
        (INC, Said(word=Word.STATUS, subject=INC)),
        (f"ack {INC}", Said(word=Word.ACK, subject=INC)),
        (f"{INC} ack", Said(word=Word.ACK, subject=INC)),
        (
            f"  ACKNOWLEDGE\u00a0`{INC.upper()}` for 2h ",
            Said(word=Word.ACK, subject=INC, for_ms=2 * HOUR_MS),
        ),
        (
            f"silence {STORM} 2h database &amp; cache restored",
            Said(
                word=Word.SILENCE,
                subject=STORM,
                for_ms=2 * HOUR_MS,
                text="database & cache restored",
            ),
        ),
        (f"{STORM} mute 30m", Said(word=Word.SILENCE, subject=STORM, for_ms=HOUR_MS // 2)),
        (f"unsilence {SIL}", Said(word=Word.UNSILENCE, subject=SIL)),
        (f"assign {INC} @team-pay", Said(word=Word.ASSIGN, subject=INC, to="team-pay")),
        (f"assign {INC} #payments", Said(word=Word.ASSIGN, subject=INC, to="#payments")),
        (f"assign {INC} <@U0ADA|ada>", Said(word=Word.ASSIGN, subject=INC, to="<@U0ADA|ada>")),
        (
            f"assign {INC} <!subteam^S0PAY|@payments>",
            Said(word=Word.ASSIGN, subject=INC, to="payments"),
        ),
        (f"assign {INC} Ada Lovelace", Said(word=Word.ASSIGN, subject=INC, to="Ada Lovelace")),
        (f"merge {INC} {STORM}", Said(word=Word.MERGE, subject=INC, other=STORM)),
        (f"ignore {INC}", Said(word=Word.IGNORE, subject=INC)),
        (f"archive {INC} 30d", Said(word=Word.IGNORE, subject=INC, for_ms=30 * 24 * HOUR_MS)),
        (f"{INC} unignore", Said(word=Word.UNIGNORE, subject=INC)),
        (f"false_alarm {INC}", Said(word=Word.FALSE_ALARM, subject=INC)),
        (f"comment {INC} we roll back", Said(word=Word.COMMENT, subject=INC, text="we roll back")),
        ("link", Said(word=Word.LINK)),
        ("link mail in production", Said(word=Word.LINK, text="mail in production")),
        ("unlink payments", Said(word=Word.UNLINK, text="payments")),
        ("me", Said(word=Word.ME)),
    ],
)
def test_what_is_said_with_an_id_is_what_is_meant(text: str, means: Said) -> None:
    assert read(text) == means


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", Said(word=Word.STATUS, subject=STORM)),
        ("ack", Said(word=Word.ACK, subject=STORM)),
        ("silence 1h", Said(word=Word.SILENCE, subject=STORM, for_ms=HOUR_MS)),
        (f"split {INC}", Said(word=Word.SPLIT, subject=INC)),
        (f"merge {INC}", Said(word=Word.MERGE, subject=STORM, other=INC)),
        ("assign ada", Said(word=Word.ASSIGN, subject=STORM, to="ada")),
        ("ignore 2h", Said(word=Word.IGNORE, subject=STORM, for_ms=2 * HOUR_MS)),
    ],
)
def test_in_a_thread_its_own_incident_is_meant(text: str, means: Said) -> None:
    assert read(text, here=STORM) == means


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ack", "expected an id: `ack ID [2h]`; `status` lists what is open"),
        ("akc " + INC, 'no word "akc"; did you mean `ack`? `help` lists them'),
        ("brew tea", 'no word "brew"; `help` lists them'),
        ("ack inc-12", 'expected an id such as inc-4bb0c3f1a2d95e77, found "inc-12"'),
        (f"ack {SIL}", f"{SIL} is a silence; `ack ID [2h]` is about an incident or a storm"),
        (f"ack {INC} soon", 'expected `ack ID [2h]`, found "soon" behind it'),
        (f"silence {INC}", "expected how long, such as 30m, 2h, 7d: a silence has an end"),
        (
            f"silence {INC} soon",
            'expected how long, such as 30m, 2h, 7d, found "soon": a silence has an end',
        ),
        (f"silence {INC} 8d", 'expected at most 7d, found "8d"'),
        (f"silence {INC} 1h {'x' * 201}", "expected at most 200 characters of why"),
        (f"unsilence {INC}", "expected the id of a silence, sil-...: `unsilence SILENCE`"),
        (f"merge {INC}", "expected the id of what it is part of: `merge ID OTHER`"),
        (f"merge {INC} {INC}", "expected two ids: this is one and the same"),
        (f"assign {INC}", "expected a team or a person: `assign ID TEAM or PERSON`"),
        (f"comment {INC}", "expected a text: `comment ID TEXT`"),
        ("x" * 4_001, "expected at most 4,000 characters"),
    ],
)
def test_what_cannot_be_meant_says_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(WordsError) as error:
        read(text)
    assert str(error.value) == says


def test_the_thread_of_an_incident_is_no_silence_to_end() -> None:
    with pytest.raises(WordsError, match="expected an id"):
        read("unsilence", here=STORM)


def test_help_shows_every_word_as_it_is_said() -> None:
    told = help_text("/stormfold")
    assert all(USAGE[word] in told for word in Word if word is not Word.HELP)


@pytest.mark.parametrize("text", ["<@U0BOT> ack", "<@U0BOT|stormfold>, ack", " <@U0BOT>: ack"])
def test_the_mention_itself_is_no_word(text: str) -> None:
    assert read(without_mention(text), here=STORM).word is Word.ACK


@pytest.mark.parametrize("text", ["hey <@U0BOT> ack", "assign <@U0ADA> <@U0BOT>"])
def test_a_mention_that_stands_elsewhere_is_not_taken_out_of_what_is_said(text: str) -> None:
    assert without_mention(text) == text


def test_a_person_whom_slack_wrote_is_known_by_id() -> None:
    assert person_in("<@U0ADA|ada>") == "U0ADA"
    assert person_in("ada") == ""


PIECES = st.sampled_from(
    [*Word, *ALSO, INC, STORM, SIL, "2h", "9d", "for", "<@U0ADA>", "inc-1", "`", "é"]
)
TEXTS = st.lists(PIECES | st.text(max_size=10), max_size=6).map(" ".join)


@given(TEXTS, st.sampled_from(["", INC, STORM]))
def test_every_text_is_meant_or_refused_in_a_line_that_mentions_nobody(
    text: str, here: str
) -> None:
    said, refused = None, ""
    try:
        said = read(text, here=here)
    except WordsError as error:
        refused = str(error)
    assert "\n" not in refused
    assert "<" not in refused
    assert len(refused) < 200
    if said is not None:
        needs_none = {Word.HELP, Word.STATUS, Word.LINK, Word.UNLINK, Word.ME}
        assert said.subject or said.word in needs_none
        assert (said.word is Word.MERGE) == bool(said.other)
        assert said.subject != said.other or not said.other


@given(st.sampled_from([*Word]), st.sampled_from([INC, STORM]), st.text("\t \u00a0", min_size=1))
def test_neither_spaces_nor_order_nor_case_change_what_is_meant(
    word: Word, subject: str, space: str
) -> None:
    def told(text: str) -> Said | str:
        try:
            return read(text)
        except WordsError as error:
            return str(error)

    one = told(f"{word} {subject}")
    assert told(f"{space}{word.upper()}{space}{subject.upper()}{space}") == one
    assert told(f"{subject}{space}{word}") == one
