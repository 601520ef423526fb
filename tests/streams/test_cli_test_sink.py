"""`stormfold test-sink`: what it says of each answer, and what it never shows."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from typer.testing import CliRunner

from sinks.base import (
    CannotTell,
    Delivered,
    Gone,
    NotFound,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.peers.email import EmailPeer
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.slack import SlackPeer
from sinks.peers.teams import TeamsPeer
from sinks.peers.webhook import WebhookPeer
from sinks.trial import Tried, digest_of
from streams.cli import app
from streams.trial_words import OPEN, words_of

ROOT: Final = Path(__file__).resolve().parents[2]
TOKEN: Final = "xoxb-never-shown"
KEY: Final = "k" * 32
PASSWORD: Final = "mail-never-shown"
SIGNS: Final = "whsec_" + base64.b64encode(b"s" * 32).decode()
ADA, BOB = "ada@shop.test", "bob@shop.test"


class Done(NamedTuple):
    """What the command said, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


class Services:
    """A Slack, a PagerDuty and a mail server, and the settings that lead there."""

    def __init__(self, folder: Path) -> None:
        self.slack = SlackPeer(token=TOKEN, channels={"C0INC": "incidents", "C0OPS": "ops"})
        self.pagerduty = PagerDutyPeer(routing_keys=[KEY])
        self.teams = TeamsPeer(workflows=["ops"])
        self.webhook = WebhookPeer(secrets={"board": SIGNS})
        self.mail = EmailPeer(users={"stormfold": PASSWORD})
        self.file = folder / "stormfold.yaml"

    def write(self) -> None:
        self.file.write_text(
            f"""
slack_in: {{signing_secrets: ["${{NOT_THERE}}"]}}
shadow: {{to: "slack:incidents"}}
people: {{Ada L: {{slack: U0ADA, email: {ADA}}}}}
sinks:
  slack:
    token: {TOKEN}
    base_url: "{self.slack.base_url}"
    channels: {{incidents: C0INC}}
    webhooks: {{ops: "{self.slack.webhook_url("ops")}", lost: "${{NOT_THERE}}"}}
  pagerduty: {{routing_key: {KEY}, base_url: "{self.pagerduty.origin}"}}
  email:
    host: 127.0.0.1
    port: {self.mail.smtp_port}
    tls: none
    user: stormfold
    password: {PASSWORD}
    from: stormfold@shop.test
    lists: {{payments: [{ADA}, {BOB}]}}
  teams: {{workflows: {{ops: "{self.teams.workflow_url("ops")}", lost: "${{NOT_THERE}}"}}}}
  webhook:
    endpoints:
      board: {{url: "{self.webhook.url("board")}", secrets: ["{SIGNS}"]}}
      lost: {{url: "${{NOT_THERE}}", secrets: ["{SIGNS}"]}}
    internal: [127.0.0.0/8]
"""
        )

    async def test_sink(self, *arguments: str) -> Done:
        """Run the command to its end, beside the services: in this process, on a loop of its own.

        What a process of its own would add is `test_a_process_of_its_own_says_the_same`'s part.
        """
        alone: dict[str, str | None] = {name: None for name in os.environ if name != "PATH"}
        asked = ("test-sink", *arguments, "--config", str(self.file))
        ended = await asyncio.to_thread(CliRunner().invoke, app, asked, env=alone)
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.output
        return self.checked(Done(ended.exit_code, ended.stdout, ended.stderr))

    async def test_sink_apart(self, *arguments: str) -> Done:
        """Run the command to its end in a process of its own."""
        ended = await asyncio.to_thread(
            subprocess.run,
            (
                *(sys.executable, "-m", "streams.cli", "test-sink", *arguments),
                *("--config", str(self.file)),
            ),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return self.checked(Done(ended.returncode, ended.stdout, ended.stderr))

    def checked(self, done: Done) -> Done:
        """Return what was said, after a look for what never may be."""
        said = done.stdout + done.stderr
        urls = (self.slack.webhook_url("ops"), self.teams.workflow_url("ops"))
        hidden = [TOKEN, KEY, PASSWORD, ADA, BOB, SIGNS, *urls, self.webhook.url("board"), "U0ADA"]
        hidden += ["Traceback", "hooks.slack.com"]
        assert [one for one in hidden if one in said] == []
        return done


@asynccontextmanager
async def services(folder: Path) -> AsyncIterator[Services]:
    made = Services(folder)
    async with made.slack, made.pagerduty, made.mail, made.teams, made.webhook:
        made.write()
        yield made


@pytest.mark.parametrize(
    ("asked", "channel"),
    [
        ("slack:incidents", "incidents"),
        ("slack:C0OPS", "ops"),
        ("slack:#ops", "ops"),
        ("slack_webhook:ops", "ops"),
    ],
)
async def test_slack_is_told_a_test_without_buttons_in_shadow_mode_too(
    tmp_path: Path, asked: str, channel: str
) -> None:
    async with services(tmp_path) as made:
        done = await made.test_sink(asked)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith(f"{asked}, a test: test-")
        (post,) = made.slack.posts(channel)
        assert "TEST" in post.text
        assert all(block["type"] != "actions" for block in post.blocks)
        assert done.stderr == ""


async def test_a_process_of_its_own_says_the_same(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        taken, taken_apart = [
            await run("email:payments") for run in (made.test_sink, made.test_sink_apart)
        ]
        assert taken.returncode == taken_apart.returncode == 0, taken_apart
        assert [len(made.mail.inbox(one)) for one in (ADA, BOB)] == [2, 2]
        assert taken.stderr == taken_apart.stderr == ""
        await made.slack.stop_listening()
        for asked in ("slack:incidents", "slack:nowhere"):
            here, apart = await made.test_sink(asked), await made.test_sink_apart(asked)
            assert here.returncode == apart.returncode > 0
            assert here.stderr == apart.stderr
            assert _alike(here.stdout) == _alike(apart.stdout)


def _alike(said: str) -> str:
    return re.sub(r"test-[0-9a-f]{12}|in [0-9.]+ m?s", "", said)


async def test_one_person_is_told_a_test_directly_and_by_mail(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        made.slack.workspace.people |= {"U0ADA": "ada"}
        done = await made.test_sink("person_slack:Ada L")
        assert done.returncode == 0, done.stdout + done.stderr
        (post,) = made.slack.posts("U0ADA")
        assert "TEST" in post.text
        done = await made.test_sink("person_mail:Ada L")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [len(made.mail.inbox(one)) for one in (ADA, BOB)] == [1, 0]
        assert "Sent to you alone" in made.mail.inbox(ADA)[0].part("plain")


async def test_teams_and_a_signed_webhook_are_told_a_test(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        card = await made.test_sink("teams:ops")
        assert card.returncode == 0, card.stdout + card.stderr
        assert ["TEST" in one.text for one in made.teams.posted] == [True]
        signed = await made.test_sink("webhook:board")
        assert signed.returncode == 0, signed.stdout + signed.stderr
        (arrived,) = made.webhook.arrived
        assert arrived.message["data"]["id"].startswith("test-")
        made.teams.delete_workflow("ops")
        made.webhook.remove_receiver("board")
        for asked in ("teams:ops", "webhook:board"):
            refused = await made.test_sink(asked)
            assert refused.returncode == 1
            assert "404" in refused.stdout
            assert f"(sinks.{asked.partition(':')[0]})" in refused.stdout


async def test_what_slack_refuses_comes_with_its_word_and_what_to_do(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        made.slack.remove_bot("incidents")
        done = await made.test_sink("slack:incidents")
        assert done.returncode == 1
        assert "not_in_channel" in done.stdout
        assert "to do      invite the app: /invite @stormfold in C0INC (sinks.slack)" in done.stdout
        made.slack.invite_bot("incidents")
        made.slack.take_scope("channels:history")
        unread = await made.test_sink("slack:incidents")
        assert unread.returncode == 1
        assert "ok  sent       a message" in unread.stdout
        assert "NO  sent       nothing; it was looked for" in unread.stdout
        assert "missing_scope" in unread.stdout


async def test_a_pager_is_told_a_test_that_is_closed_again(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        done = await made.test_sink("pagerduty:default", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout)
        assert [one["step"] for one in said["calls"]] == ["trigger", "resolve"]
        (alert,) = made.pagerduty.alerts
        assert (alert.status, alert.severity) == ("resolved", "info")
        assert alert.dedup_key == f"stormfold-{said['id']}"
        assert "TEST" in alert.summary
        made.pagerduty.remove_key(KEY)
        refused = await made.test_sink("pagerduty:default")
        assert refused.returncode == 1
        assert "status 400: Invalid routing key" in refused.stdout
        assert "to do      copy the integration key again" in refused.stdout


async def test_mail_is_told_a_test_to_a_list_and_to_any_address(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        whole = await made.test_sink("email:payments")
        assert whole.returncode == 0, whole.stdout + whole.stderr
        assert [len(made.mail.inbox(one)) for one in (ADA, BOB)] == [1, 1]
        one = await made.test_sink(f"email:{ADA}")
        assert one.returncode == 0
        assert one.stdout.startswith("email: one address, a test: test-")
        assert [len(made.mail.inbox(one)) for one in (ADA, BOB)] == [2, 1]
        assert "TEST" in made.mail.inbox(ADA)[-1].header("Subject")
        made.mail.set_password("stormfold", "another")
        refused = await made.test_sink("email:payments")
        assert refused.returncode == 1
        assert "535" in refused.stdout
        assert "to do      give the user and the password that it knows" in refused.stdout
        assert refused.stdout.count("(sinks.email)") == 1


async def test_whom_a_mail_does_not_reach_is_said_though_the_others_have_it(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        made.mail.answer(BOB, "550 5.1.1 no such user")
        done = await made.test_sink("email:payments")
        assert done.returncode == 1
        assert "NO  sent" in done.stdout
        assert "taken, but not for address 2 of 2: 550 5.1.1, in" in done.stdout
        assert "to do      put the address right in sinks.email.lists" in done.stdout
        assert len(made.mail.inbox(ADA)) == 1
        made.mail.answer(ADA, "550 5.1.1 no such user")
        done = await made.test_sink("email:payments")
        assert "no_such_place, address 1 of 2: 550 5.1.1, in" in done.stdout
        assert "to do      put the address right in sinks.email.lists" in done.stdout
        done = await made.test_sink("person_mail:Ada L")
        assert "to do      put the address right in people.<name>.email" in done.stdout
        made.mail.answer(ADA, "450 4.2.0 greylisted")
        done = await made.test_sink(f"email:{ADA}")
        assert "to do      wait 1m, then test again" in done.stdout


async def test_who_is_not_taken_for_now_while_the_others_have_it_is_said(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        made.mail.answer(BOB, "450 4.2.0 greylisted for bob@shop.test")
        done = await made.test_sink("email:payments")
        assert done.returncode == 1
        assert "NO  sent" in done.stdout
        assert "came back  in_part, address 2 of 2: 450 4.2.0, in" in done.stdout
        assert "to do      wait some minutes, then test again; if it stays so, ask" in done.stdout
        assert [len(made.mail.inbox(one)) for one in (ADA, BOB)] == [1, 0]


async def test_somebody_whom_slack_does_not_know_is_no_channel(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        done = await made.test_sink("person_slack:Ada L")
        assert done.returncode == 1
        assert "to do      Slack knows nobody by the id of Ada L: copy their member" in done.stdout


async def test_a_receiver_that_wants_no_more_comes_with_how_it_gets_more(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        made.webhook.want_no_more("board")
        done = await made.test_sink("webhook:board")
        assert done.returncode == 1
        assert "came back  no_such_place, status 410, in" in done.stdout
        assert "to do      it wants no more; have the configuration read again" in done.stdout


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("slack:nowhere", "the settings have no such destination; they have: slack:incidents"),
        ("teapot:x", "expected a destination such as slack:incidents"),
        ("file:default", "the settings have no sinks.file"),
        ("email:nobody", "the settings have no such destination"),
        ("pagerduty:" + "k" * 32, "the settings have no such destination"),
        ("webhook:missing", "the settings have no such destination"),
        ("slack_webhook:https://hooks.slack.com/services/x", "no such destination"),
        ("email:not an@address", "expected an address"),
        ("slack_ephemeral:default", "is told only to whoever has just pressed a button"),
        ("slack_webhook:lost", "NOT_THERE"),
        ("person_mail:bo", "the settings have no such destination"),
        ("person:ada", "person_slack:Ada L, person_mail:Ada L"),
    ],
)
async def test_what_cannot_be_tested_is_one_line_and_nothing_is_sent(
    tmp_path: Path, asked: str, says: str
) -> None:
    async with services(tmp_path) as made:
        done = await made.test_sink(asked)
        assert done.returncode == 2
        assert says in done.stderr
        assert done.stdout == ""
        assert made.slack.calls == []
        assert made.mail.mails == []


async def test_a_service_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    async with services(tmp_path) as made:
        await made.slack.stop_listening()
        done = await made.test_sink("slack:incidents")
        assert done.returncode == 1
        assert "there is no connection from this machine: nothing was sent" in done.stdout


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize(
    "answer",
    [
        Delivered(Receipt(place="C1", id="1.2")),
        *(Retry(reason, 30_000) for reason in RetryReason),
        *(Rejected(reason, "its word") for reason in RejectReason),
        *(Unknown(reason) for reason in UnknownReason),
        NotFound(),
        CannotTell("missing_scope"),
        Gone(),
    ],
)
def test_every_answer_has_words_and_whoever_must_act_is_told_what_to_do(
    step: Step, answer: Delivered | Retry | Rejected | Unknown | NotFound | CannotTell | Gone
) -> None:
    pages = step in (Step.TRIGGER, Step.RESOLVE, Step.ACKNOWLEDGE)
    digest = digest_of("slack:a", "test-1", 1, pages=pages, over=False)
    tried = Tried(step=step, digest=digest, answer=answer, took_ms=3)
    words = words_of(tried, "sinks.slack")
    assert all(words[:3])
    assert bool(words.todo) or tried.fine
    assert tried.fine or "sinks.slack" in words.todo
    if step is Step.RESOLVE and not tried.fine:
        assert OPEN in words.todo
