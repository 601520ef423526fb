"""The desk: takes what somebody did in Slack, and answers with what will happen.

The same for HTTP (`intake_slack`) and for Socket Mode (`slack_socket`). An act is on the input log
of CORRELATE before it is answered. Slack waits three seconds; what takes longer is answered for the
moment, and in full where it was said.

What is asked in modals is `slack_asking`'s part; what is done, `slack_clerk`'s.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from pathlib import PurePath
from typing import Any, Final

import msgspec

from sinks.slack_buttons import PREFIX, About, Press, pressed
from sinks.slack_modals import asked_of, filled, told_view
from sinks.words import clean
from streams import slack_acts
from streams.slack_asking import ASKING, Asking
from streams.slack_book import Book
from streams.slack_clerk import Clerk
from streams.slack_done import Done, Missing, Who, as_told, failed, missing
from streams.slack_inbound import NOT_TAKEN, Inbound, Json, Kind, Outcome, Reply, text_in
from streams.slack_office import Office
from streams.slack_who import author_of, commander_of, person_of
from streams.slack_words import Said, without_mention

Say = Callable[[str], Coroutine[Any, Any, object]]
"""Says something to one person, where they are."""

ANSWER_WITHIN_S: Final = 2.2
"""From when a request begins to arrive; Slack waits for three seconds."""
AT_ONCE: Final = 256
"""Answers that are still being made; more is refused."""
EVENTS_KEPT: Final = 4_096
MOMENT: Final = "One moment: this takes longer than Slack waits. The answer follows where you were."


_log = logging.getLogger(__name__)


class Desk:
    """Answers what comes back from one workspace.

    Args:
        clerk: does what is meant.
        office: makes calls to Slack.
        book: reads the state.
        answer_within_s: in which Slack is answered, done or not.
    """

    def __init__(
        self,
        clerk: Clerk,
        office: Office,
        book: Book,
        *,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._answer_within_s = answer_within_s
        self._clerk, self._office, self._book = clerk, office, book
        self._asking = Asking(office, book)
        self._running: set[asyncio.Task[Any]] = set()
        self._events: OrderedDict[str, str] = OrderedDict()
        """By id: empty once it was taken, else by which name it was not."""

    async def finish(self, within_s: float) -> None:
        """Return once nothing is under way, or after this many seconds; then nothing is done."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=within_s)
        for one in set(self._running):
            one.cancel()
        await self._book.close()
        await self._office.close()

    async def handle(self, got: Inbound) -> Reply:
        """Return what Slack is answered, in time."""
        if len(self._running) >= AT_ONCE:
            return Reply(Outcome.OVERLOADED)
        payload = got.payload
        match got.kind:
            case Kind.URL_VERIFICATION:
                return Reply(Outcome.ANSWERED, {"challenge": text_in(payload, "challenge")})
            case Kind.BUTTON | Kind.SHORTCUT:
                who = self._clerk.known(person_of(payload))
                work = self._button if got.kind is Kind.BUTTON else self._shortcut
                return await self._answer(got, work(payload, who), self._respond(who), None)
            case Kind.COMMAND:
                who = self._clerk.known(commander_of(payload, got.at))
                text = clean(text_in(payload, "text"))
                said = self._clerk.say(text, "", who)
                return await self._answer(got, said, self._respond(who), _shown)
            case Kind.MODAL:
                return await self._modal(got)
            case Kind.MENTION:
                return await self._mention(got)
        return Reply(Outcome.IGNORED)

    # ---------------------------------------------------------------- the ways to answer

    async def _answer(
        self,
        got: Inbound,
        work: Coroutine[Any, Any, Done],
        say: Say,
        body: Callable[[str], Json] | None,
    ) -> Reply:
        """Return the answer to work that may take longer than Slack waits.

        Args:
            got: what is answered; Slack has waited since it began to arrive.
            work: what is to be done.
            say: says something where it was asked for.
            body: the answer that says it at once; None where only `say` can.
        """
        task = self._later(_done(work))
        now_s = asyncio.get_running_loop().time()
        waited_s = now_s - got.arrived_s if got.arrived_s is not None else 0.0
        done, _ = await asyncio.wait({task}, timeout=max(0.0, self._answer_within_s - waited_s))
        if not done:
            self._later(self._say_when(task, say, first="" if body is not None else MOMENT))
            return Reply(Outcome.ANSWERED, body(MOMENT) if body is not None else None)
        it = as_told(task.result(), got)
        if it.text and body is None:
            self._later(say(it.text))
        return Reply(it.outcome, body(it.text) if body is not None and it.text else None)

    def _later(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Take the error of a task that nobody waits for: asyncio would write all that it holds."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("somebody in Slack was not answered: %s", type(error).__name__)

    async def _say_when(self, task: asyncio.Task[Done], say: Say, *, first: str) -> None:
        if first:
            await say(first)
        it = await task
        if it.text:
            await say(it.text)

    def _respond(self, who: Who) -> Say:
        async def say(text: str) -> bool:
            if who.url and await self._office.respond(who.url, text):
                return True
            return await self._office.tell(who.channel, who.id, text, thread_ts=who.thread_ts)

        return say

    # ---------------------------------------------------------------- what was done

    async def _button(self, payload: Json, who: Who) -> Done:
        actions = payload.get("actions")
        action = actions[0] if isinstance(actions, list) and actions else {}
        found = pressed(
            text_in(action, "action_id"),
            text_in(action, "value"),
            text_in(action, "selected_option", "value"),
        )
        if found is None:
            return Done(Outcome.IGNORED)
        who = msgspec.structs.replace(who, ts=text_in(action, "action_ts"))
        return await self._pressed(*found, who, text_in(payload, "trigger_id"))

    async def _shortcut(self, payload: Json, who: Who) -> Done:
        named = text_in(payload, "callback_id").removeprefix(PREFIX)
        if named not in slack_acts.WORD_OF:
            return Done(Outcome.IGNORED)
        message = payload.get("message")
        app = text_in(payload, "api_app_id")
        here = await self._office.about(message, app)
        root = text_in(payload, "message", "thread_ts")
        if not here and root:
            here = await self._office.thread(who.channel, root, app)
        if isinstance(here, str) and here:
            found = await self._clerk.about(here)
            if isinstance(found, Missing):
                return missing(found, here)
            here = found
        if not isinstance(here, About):
            return Done(Outcome.GONE, "Nothing was done: this message is about no open incident.")
        return await self._pressed(Press(named), here, who, text_in(payload, "trigger_id"))

    async def _pressed(self, press: Press, it: About, who: Who, trigger: str) -> Done:
        word = slack_acts.WORD_OF.get(press)
        if word is None:
            return Done(Outcome.ANSWERED)
        if refused := await self._clerk.may_not(word, who):
            return refused
        if press in ASKING and not (press is Press.SPLIT and not it.id.startswith("storm-")):
            view = await self._asking.open(press, it, who.channel, who.thread_ts, who.name, trigger)
            if view is None:
                return failed(Outcome.SLACK_FAILED)
            self._later(view)
            return Done(Outcome.ASKED)
        return await self._clerk.said(Said(word=word, subject=it.id), it.environment, who)

    # ---------------------------------------------------------------- modals and mentions

    async def _modal(self, got: Inbound) -> Reply:
        payload = got.payload
        view = payload.get("view")
        asked = asked_of(view) if isinstance(view, dict) else None
        if asked is None or not isinstance(view, dict):
            return Reply(Outcome.IGNORED)
        state = view.get("state")
        given = filled(asked, state if isinstance(state, dict) else {})
        who = msgspec.structs.replace(
            self._clerk.known(person_of(payload)),
            channel=asked.channel,
            thread_ts=asked.thread_ts,
            ts=got.at,
        )
        if wrong := self._asking.wrong(given):
            return Reply(Outcome.WRONG, {"response_action": "errors", "errors": wrong})

        def body(text: str) -> Json:
            return {"response_action": "update", "view": told_view(asked, text)}

        async def work() -> Done:
            if refused := await self._clerk.may_not(slack_acts.WORD_OF[asked.press], who):
                return refused
            if asked.press is Press.SILENCE:
                return await self._clerk.silence(given, who)
            return await self._clerk.said(self._asking.said(given), asked.about.environment, who)

        return await self._answer(got, work(), self._respond(who), body)

    async def _mention(self, got: Inbound) -> Reply:
        payload = got.payload
        event = payload.get("event")
        user = text_in(payload, "event", "user")
        if not isinstance(event, dict) or not user or event.get("bot_id"):
            return Reply(Outcome.IGNORED)
        id = text_in(payload, "event_id")
        if id and self._events.get(id) == "":
            return Reply(Outcome.REPEATED)
        thread, channel = text_in(event, "thread_ts"), text_in(event, "channel")
        # By another name, as where Slack says none now, it would be another act.
        who = msgspec.structs.replace(author_of(payload), name=self._events.get(id, ""))
        named = self._clerk.known(who) if not who.name else who

        async def work() -> Done:
            nonlocal named
            app = text_in(payload, "api_app_id")
            here = await self._office.thread(channel, thread, app) if thread else ""
            if not named.name:
                named = msgspec.structs.replace(who, name=await self._office.name(user))
            text = clean(text_in(event, "text"))
            return await self._clerk.say(without_mention(text), here or "", named)

        reply = await self._answer(got, work(), self._respond(who), None)
        self._events[id] = named.name if reply.outcome in NOT_TAKEN else ""
        if len(self._events) > EVENTS_KEPT:
            self._events.popitem(last=False)
        return reply


async def _done(work: Coroutine[Any, Any, Done]) -> Done:
    """Return what became of work, also where a bug of ours stops it: whoever asked is told, and
    nothing of what they said is in the log."""
    try:
        return await work
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{PurePath(at.filename).name}:{at.lineno}"
        _log.error("it could not be done: %s in %s", type(error).__name__, where)
        return failed(Outcome.FAULT)


def _shown(text: str) -> Json:
    return {"response_type": "ephemeral", "text": text}
