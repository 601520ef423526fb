"""The laws of the outbox, over whatever Hypothesis does to it, the services and its owner.

The machine drives the real outbox as DELIVER does: due, written down, called, heard. Between any
two of these the owner may die. What was not written is gone, and the digests since then are read
again; calls that were handed out may still be made until their deadline, by an owner who does not
know that it is dead. At the end the faults stop, and everything has to be somewhere.
"""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from correlators.types import Digest, DigestKind, PageAction, RollupLine
from sinks.base import Answer, Attempt, Retry, Scope, Step
from sinks.entries import FINISHED, DeadLetter, DropReason, Status, decode, encode
from sinks.outbox import Outbox
from sinks.steps import urgency
from tests.sinks.make import digest
from tests.sinks.outbox_model import TARGETS, Fault, Penalty, Services

START_MS = 1_790_000_000_000
CHATS = ("slack:quick", "slack:slow")
PAGER = "pagerduty:p"
IDS = [f"i{number}" for number in range(7)]
FAULTS = st.lists(
    st.one_of(st.sampled_from([Fault.NONE] * 6 + list(Fault))), min_size=3, max_size=3
)


class OutboxMachine(RuleBasedStateMachine):
    """An outbox, what it talks to, and what must hold of both."""

    most = 200_000

    @initialize()
    def begin(self) -> None:
        self.now_ms = START_MS
        self.services = Services(once=self.most > len(IDS) * len(CHATS))
        self.stored: dict[str, bytes] = {}
        self.accepted: dict[tuple[str, str], Digest] = {}
        self.revisions: dict[str, int] = {}
        self.unwritten: list[Digest] = []
        self.heard: list[Penalty] = []
        self.coming: list[tuple[int, int, str, Any]] = []
        self.sequence = 0
        self.dead: list[DeadLetter] = []
        self.dropped: list[DropReason] = []
        self.asked: dict[tuple[str, int], Attempt] = {}
        self.outbox = Outbox(TARGETS, started_ms=self.now_ms, max_entries=self.most)

    # ------------------------------------------------------------ what happens

    @rule(
        to=st.sampled_from(CHATS),
        id=st.sampled_from(IDS),
        mood=st.sampled_from(["", "", "", "resolved", "resolved", "storm", "paged", "escalating"]),
        again=st.booleans(),
    )
    def digest(self, to: str, id: str, mood: str, again: bool) -> None:
        revision = self.revisions[id] = self.revisions.get(id, 0) + 1
        kind = DigestKind.OPENED if revision == 1 else DigestKind.UPDATED
        if mood == "resolved":
            kind = DigestKind.RESOLVED
        elif again and revision > 1:
            kind = DigestKind.REOPENED
        made = digest(to, id=id, revision=revision, resolved=mood == "resolved", kind=kind)
        made = msgspec.structs.replace(
            made,
            title=f"{id}.{revision}",
            storm=mood == "storm",
            paged=mood == "paged",
            escalating=mood == "escalating",
        )
        self._take(made, (to, id))

    @rule(to=st.sampled_from(CHATS))
    def burst(self, to: str) -> None:
        for id in IDS:
            self.digest(to, id, "", False)

    @rule(
        id=st.sampled_from(["p", "q"]),
        action=st.sampled_from([PageAction.TRIGGER, PageAction.RESOLVE]),
    )
    def page(self, id: str, action: PageAction) -> None:
        revision = self.revisions[id] = self.revisions.get(id, 0) + 1
        made = digest(PAGER, id=id, revision=revision, page=action, at_ms=START_MS + revision)
        self._take(made, (PAGER, id))
        self.services.over[f"{PAGER}|{id}"] = action is PageAction.RESOLVE

    def _take(self, made: Digest, name: tuple[str, str]) -> None:
        self.accepted[name] = made
        self.unwritten.append(made)
        self.outbox.accept(made, self.now_ms)

    @rule(faults=FAULTS, dies=st.sampled_from(["", "", "", "unwritten", "uncalled", "unheard"]))
    def turn(self, faults: list[Fault], dies: str = "") -> None:
        self._pass(0)
        attempts = self.outbox.due(self.now_ms, room=3, kept=1)
        ranks = [min(1, self._urgency(one)) for one in attempts]
        assert ranks == sorted(ranks), "a page waited behind something that is none"
        assert sum(ranks) <= 2, "nothing is kept for a page"
        if dies == "unwritten":
            self.restart()
            return
        self.write()
        if dies == "uncalled":
            for one, fault in zip(attempts, faults, strict=False):
                self._haunt(one, fault)
            self.restart()
            return
        for one, fault in zip(attempts, faults, strict=False):
            self._call(one, fault)
        if dies == "unheard":
            self.restart()

    @rule(ms=st.sampled_from([1, 200, 1_000, 4_000, 30_000, 90_000]))
    def wait(self, ms: int) -> None:
        self._pass(ms)

    @rule()
    def wait_for_what_is_due(self) -> None:
        due_ms = self.outbox.next_due_ms(self.now_ms)
        times = [one[0] for one in self.coming] + ([due_ms] if due_ms is not None else [])
        if times:
            self._pass(min(120_000, max(0, min(times) - self.now_ms)))

    @rule(faults=st.lists(FAULTS, min_size=2, max_size=12))
    def live_on(self, faults: list[list[Fault]]) -> None:
        """A while without a crash: whenever something is due, it is done."""
        for found in faults:
            self.wait_for_what_is_due()
            self.turn(found)

    @rule()
    def restart(self) -> None:
        """The owner dies: what it had heard and not written is gone; the digests are read again."""
        event("restarted")
        self.coming = [one for one in self.coming if one[2] != "hear"]
        self.heard = []
        self.outbox = Outbox(TARGETS, started_ms=self.now_ms, max_entries=self.most)
        self.outbox.load(decode(entry) for entry in self.stored.values())
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.stored, "restored and live differ"
        for one in self.unwritten:
            self.outbox.accept(one, self.now_ms)

    # ------------------------------------------------------------ how

    def write(self) -> None:
        changes = self.outbox.take_changes()
        self.dead += changes.dead
        self.dropped += [one.reason for one in changes.dropped]
        for key, entry in changes.entries.items():
            if entry is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = encode(entry)
        live = {key: encode(entry) for key, entry in self.outbox.entries().items()}
        assert live == self.stored, "something changed that was not written"
        self.unwritten = []
        self.services.penalties += self.heard
        self.heard = []
        entries = self.outbox.entries().values()
        rollups = sum(one.is_rollup for one in entries)
        assert len(live) - rollups <= min(self.most, len(self.accepted))
        unfinished = sum(one.is_rollup and one.status not in FINISHED for one in entries)
        assert unfinished <= 3 * len(CHATS)
        assert rollups - unfinished <= self.most

    def _call(self, one: Attempt, fault: Fault, *, zombie: bool = False) -> None:
        self.services.arrive(self.now_ms, one, zombie=zombie)
        self.asked[one.key, one.number] = one
        for at_ms, what, answer in self.services.answer(self.now_ms, one, fault):
            if what == "apply" or not zombie:
                self._later(at_ms, what, answer if what == "hear" else one)

    def _haunt(self, one: Attempt, fault: Fault) -> None:
        """The dead owner may still make this call, before its deadline."""
        self.services.until_ms[one.key] = max(self.services.until_ms[one.key], one.deadline_ms)
        if fault in (Fault.NONE, Fault.LATE, Fault.SILENT) and not one.find:
            after_ms = {Fault.NONE: 500, Fault.LATE: 3_900, Fault.SILENT: 2_000}[fault]
            self._later(self.now_ms + after_ms, "zombie", one)

    def _later(self, at_ms: int, what: str, value: Answer | Attempt) -> None:
        self.sequence += 1
        self.coming.append((at_ms, self.sequence, what, value))

    def _pass(self, ms: int) -> None:
        until_ms = self.now_ms + ms
        while self.coming and min(self.coming)[:2][0] <= until_ms:
            one = min(self.coming, key=lambda found: found[:2])
            self.coming.remove(one)
            self.now_ms = max(self.now_ms, one[0])
            if one[2] == "apply":
                self.services.carry_out(self.now_ms, one[3])
            elif one[2] == "zombie":
                event("a zombie's call")
                self._call(one[3], Fault.SILENT, zombie=True)
            else:
                self._hear(one[3])
        self.now_ms = until_ms

    def _hear(self, answer: Answer) -> None:
        outcome = answer.outcome
        if isinstance(outcome, Retry) and outcome.scope is not None:
            call = self.asked[answer.key, answer.number]
            target = TARGETS[call.destination]
            limits = target.plan.find if call.find else target.plan.steps[call.step]
            self.heard.append(
                Penalty(
                    self.now_ms,
                    self.now_ms + outcome.after_ms,
                    call.destination if outcome.scope is Scope.DESTINATION else target.account,
                    None if outcome.scope is Scope.ACCOUNT else limits[0].name,
                )
            )
        self.outbox.receive(answer, self.now_ms)

    def _urgency(self, one: Attempt) -> int:
        entry = self.outbox.entries()[one.key]
        if one.find or one.step is not Step.TRIGGER:
            return max(1, urgency(entry, TARGETS[one.destination].plan))
        return 0

    # ------------------------------------------------------------ in the end

    def teardown(self) -> None:
        if not hasattr(self, "outbox"):
            return
        self._rest()
        for name, count in self.services.seen.items():
            if count and name in ("rolled up", "possible repeat", "history lags"):
                event(name)
        lost: set[tuple[str, str]] = set()
        for letter in self.dead:
            given_up = msgspec.msgpack.decode(letter.digest, type=Digest)
            lines = given_up.rollup.lines if given_up.rollup is not None else ()
            lost |= {(letter.destination, title) for title in _titles(given_up, lines)}
        entries = self.outbox.entries()
        for (to, id), newest in self.accepted.items():
            entry = entries.get(f"{to}|{id}")
            if entry is None:
                assert not self.services.once, "an entry is gone"
            else:
                assert entry.status in (Status.DELIVERED, Status.DROPPED, Status.DEAD)
            if to == PAGER:
                self._check_page(newest, f"{to}|{id}")
                continue
            told = self.services.told[to, newest.title] > 0
            assert told or (to, newest.title) in lost, f"{newest.title} is nowhere"
            edits = [one for one in self.dead if one.step is Step.EDIT]
            if entry is not None and entry.root is not None and not lost and not edits:
                shows = self.services.messages[entry.root.id].shows
                assert shows == newest.revision, f"{id} shows {shows}, not {newest.revision}"
        waiting = self.outbox.waiting()
        assert waiting == dict.fromkeys(TARGETS, 0)

    def _check_page(self, newest: Digest, key: str) -> None:
        stands = self.services.alerts.get(key, False)
        refused = any(one.destination == PAGER for one in self.dead)
        if newest.page is PageAction.RESOLVE:
            assert refused or not stands, "a page is left open"
        else:
            assert refused or stands, "a page was never opened"

    def _rest(self) -> None:
        for _ in range(2_000):
            self._pass(0)
            attempts = self.outbox.due(self.now_ms, room=8)
            self.write()
            for one in attempts:
                self._call(one, Fault.NONE)
            due_ms = self.outbox.next_due_ms(self.now_ms)
            times = [one[0] for one in self.coming]
            if not times and not sum(self.outbox.waiting().values()):
                return
            if due_ms is not None:
                times.append(due_ms)
            assert times, "something waits and nothing will ever wake it"
            self._pass(max(1, min(times) - self.now_ms))
        raise AssertionError("the outbox does not come to rest")


def _titles(digest: Digest, lines: tuple[RollupLine, ...]) -> list[str]:
    return [digest.title, *(one.title for one in lines)]


class FullOutboxMachine(OutboxMachine):
    """The same with room for hardly anything: what has no entry is told in roll-ups."""

    most = 4


assert settings.default is not None
SETTINGS = settings(
    stateful_step_count=30,
    max_examples=max(200, settings.default.max_examples),
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
TestOutbox = OutboxMachine.TestCase
TestOutbox.settings = SETTINGS
TestFullOutbox = FullOutboxMachine.TestCase
TestFullOutbox.settings = SETTINGS
