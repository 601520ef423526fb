"""CORRELATE and DELIVER in virtual time, against a local Slack and PagerDuty on real sockets.

A second of the log is a tick; a call takes 200 ms. `transcript` gives what the two services were
sent, each line with its time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from correlators.acts import Act
from sinks.base import Answer, Delivered, Sink
from sinks.entries import Changes
from sinks.outbox import Outbox
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Call
from sinks.peers.slack import SlackPeer
from sinks.targets import targets
from tests.correlators.acted import Stage
from tests.correlators.score import START, Push, ms

CALL_MS = 200


@dataclass
class Clock:
    """The time of the peers: what the log and the outbox say it is."""

    now_ms: int = START * 1000

    def __call__(self) -> float:
        return self.now_ms / 1000


@dataclass
class Line:
    """One thing that was sent, or that a person did."""

    second: float
    what: str
    text: str
    more: list[str] = field(default_factory=list)


class Life:
    """One environment and one outbox, from the first event on."""

    def __init__(self, clock: Clock, *sinks: Sink) -> None:
        self.stage = Stage()
        self.clock = clock
        self.changes: list[Changes] = []
        self._sinks = {sink.name: sink for sink in sinks}
        self._outbox = Outbox(targets(sinks), started_ms=clock.now_ms)
        self._answers: list[tuple[int, Answer]] = []
        self._taken = 0
        self.failed: list[Line] = []
        """Calls that were not carried out, or not known to be."""

    async def run(
        self,
        until: int,
        *pushes: Push | Iterable[Push],
        acts: Iterable[tuple[int, Act]] = (),
    ) -> None:
        """Let time run on to this second, with these events and acts in between."""
        acts = list(acts)
        flat: list[Push] = []
        for part in pushes:
            flat += [part] if isinstance(part, Push) else part
        for second in range(self.stage.now, until):
            now = [one for one in flat if ms(second) <= one.at_ms < ms(second + 1)]
            self.stage.run(second + 1, *now, acts=[one for one in acts if one[0] == second])
            self.clock.now_ms = ms(second + 1)
            for one in self.stage.digests[self._taken :]:
                self._outbox.accept(one, self.clock.now_ms)
            self._taken = len(self.stage.digests)
            await self._deliver(ms(second + 2))

    async def _deliver(self, until_ms: int) -> None:
        while True:
            for answer in [one for one in self._answers if one[0] <= self.clock.now_ms]:
                self._answers.remove(answer)
                self._outbox.receive(answer[1], self.clock.now_ms)
            due = self._outbox.due(self.clock.now_ms, room=8)
            self.changes.append(self._outbox.take_changes())
            for digest in self.changes[-1].handed:
                self._outbox.accept(digest, self.clock.now_ms)
            for one in due:
                sink = self._sinks[one.destination.partition(":")[0]]
                outcome = await (sink.find(one) if one.find else sink.send(one))
                said = Answer(key=one.key, number=one.number, outcome=outcome)
                self._answers.append((self.clock.now_ms + CALL_MS, said))
                if not isinstance(outcome, Delivered):
                    name = one.destination.partition(":")[0]
                    why = getattr(outcome, "reason", type(outcome).__name__)
                    text = f"{one.digest.page_key or one.digest.id} failed: {why}"
                    self.failed.append(Line(self.clock() - START, f"{name} {one.step}", text))
            times = [at_ms for at_ms, _ in self._answers]
            next_ms = self._outbox.next_due_ms(self.clock.now_ms)
            times += [next_ms] if next_ms is not None else []
            if not times or min(times) >= until_ms:
                return
            self.clock.now_ms = min(times)


def transcript(slack: SlackPeer, pagerduty: PagerDutyPeer, more: Iterable[Line]) -> str:
    """Return every message, every page and what else there is in the order of time."""
    lines = [*more, *_messages(slack), *map(_paged, pagerduty.taken)]
    said = []
    for one in sorted(lines, key=lambda line: line.second):
        at = datetime.fromtimestamp(START + one.second, UTC).strftime("%H:%M:%S.%f")[:10]
        said.append(f"{at}  {one.what:<19} {one.text}")
        said += [" " * 32 + more for more in one.more]
    return "\n".join(said)


def _messages(slack: SlackPeer) -> Iterator[Line]:
    for call in slack.taken:
        if call.method not in ("chat.postMessage", "chat.update"):
            continue
        blocks = call.args["blocks"]
        texts = [one["text"]["text"] for one in blocks if "text" in one]
        lines = [_read(line) for text in texts for line in text.split("\n")]
        reply = bool(call.args.get("thread_ts"))
        what = "edit" if call.method == "chat.update" else "reply" if reply else "post"
        yield Line(_second(call), f"slack {what}", lines[0], lines[1:])


def _paged(call: Call) -> Line:
    event = call.args
    details = event["payload"]["custom_details"]
    names = ("takes_the_place_of", "not_covered_by_its_acknowledgement", "goes_on_as")
    more = [f"{name}: {details[name]}" for name in names if name in details]
    said = f"{event['dedup_key']} {event['payload']['summary']}"
    return Line(_second(call), f"pagerduty {event['event_action']}", said, more)


def _second(call: Call) -> float:
    return call.at - START


def _read(text: str) -> str:
    """Return a line of Slack's markup as Slack shows it."""
    text = re.sub(r"<!date\^(\d+)\^[^|]*\|[^>]*>", lambda one: _clock(int(one[1])), text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _clock(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S")
