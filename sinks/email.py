"""Mail by SMTP: each list of people is a destination, each digest a mail, its thread an incident.

A mail server answers for each recipient. Whoever it takes gets the mail; who is refused for good is
noted and delays nobody. Who is refused for now is tried again alone, for ten minutes: the sink
remembers who has the mail already, and should it forget that with its process, all get it once
more, marked as a possible repeat and under the same id. An answer that is lost after the mail was
on its way is the same.

Recipients are named by their place in the list, never by their address.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict
from collections.abc import Mapping
from email.headerregistry import Address
from typing import Final

import msgspec

from sinks.base import (
    Attempt,
    CannotTell,
    Delivered,
    Found,
    Limit,
    Outcome,
    Plan,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.formed import MAILS, Formed
from sinks.forms import Forms, Told
from sinks.mail import BYTES_MOST, Envelope, Letter, id_of, letter
from sinks.notes import Notes
from sinks.smtp import Handed, Mail, Offers, Server, Smtp
from sinks.smtp_words import AGAIN_MS, Point, Said, numbers, passes, refusal, todo, wait_ms, why

TIMEOUT_MS: Final = 9_000
ATTEMPT_MS: Final = 10_000
"""A mail server looks at a mail before it answers; who hands partitions over waits that long."""
REST_MS: Final = 600_000
"""So long whoever is refused for now is tried again while the others have the mail: a greylist lets
them in by then. After that they are asked once for each mail, until they are taken again."""
URGENT_MS: Final = 250
"""Between two mails that somebody is woken for."""
REMEMBERED: Final = 1_000
"""Mails that some of their recipients have."""

_UNFIT: Final = Said(Point.RECIPIENT, 553, "5.6.7")
"""What a server that writes only ASCII would say of another address."""


class _Half(msgspec.Struct, frozen=True):
    """A mail that some have."""

    got: frozenset[str] = frozenset()
    unsure: bool = False
    """The others may have it too."""


class EmailSink:
    """Mails to lists of people through one server.

    Args:
        server: takes the mails.
        sender: in whose name; its domain is that of the ids.
        lists: addresses by the name in the configuration.
        list_id: the end of the lists' ids; empty: the sender's domain.
        forms: what mails say, by the rule that decided.
        mail_every_ms: between two mails to one list, after a burst of five.
        mails_every_ms: between two mails, after a burst of ten.
        timeout_ms: of one conversation, shorter than an attempt may last.
        context: whose certificates are believed; None: as this machine says.
    """

    name = "email"
    is_list = True
    """What it mails to are lists, and the mails say so."""
    named_in = "sinks.email.lists"
    """Where the settings name the addresses."""

    def __init__(
        self,
        *,
        server: Server,
        sender: Address,
        lists: Mapping[str, tuple[str, ...]],
        list_id: str = "",
        forms: Forms | None = None,
        mail_every_ms: int = 2_000,
        mails_every_ms: int = 250,
        timeout_ms: int = TIMEOUT_MS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._lists = {f"{self.name}:{name}": people for name, people in lists.items()}
        self._sender, self._list_id = sender, list_id or f"stormfold.{sender.domain}"
        self._smtp = Smtp(server, sender=sender.addr_spec, timeout_ms=timeout_ms, context=context)
        self._halves: OrderedDict[str, _Half] = OrderedDict()
        self._refused_ms: dict[str, int] = {}
        """Since when an address is not taken; of those of the lists."""
        self.notes = Notes()
        """What was cut and refused."""
        self._forms = Formed(forms, self.notes, MAILS)
        one = Limit(
            name="mail", scope=Scope.DESTINATION, every_ms=mail_every_ms, burst=5, in_flight=2
        )
        all_ = Limit(
            name="mails", scope=Scope.METHOD, every_ms=mails_every_ms, burst=10, in_flight=8
        )
        at_once = Limit(
            name="urgent", scope=Scope.DESTINATION, every_ms=URGENT_MS, burst=5, in_flight=4
        )
        # Nothing can be asked, so nothing is waited for.
        self._plan = Plan(
            steps={Step.POST: (one, all_), Step.REPLY: (one, all_)},
            urgent=(at_once,),
            attempt_ms=ATTEMPT_MS,
        )

    def __repr__(self) -> str:
        return f"EmailSink({', '.join(self._lists)})"

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination: one per list."""
        return tuple(self._lists)

    def account(self, destination: str) -> str:
        """Return the sink's name: there is one server."""
        return self.name

    def plan(self, destination: str) -> Plan:
        """Return mails and replies with the limits of a list and of all."""
        return self._plan

    async def send(self, attempt: Attempt) -> Outcome:
        """Make the one call of this attempt and return what became of it."""
        id = id_of(attempt.digest, self._sender.domain)
        half = self._halves.get(id)
        before = half or _Half()
        to = tuple(one for one in self._lists[attempt.destination] if one not in before.got)
        marked = attempt.possible_repeat and (half is None or half.unsure)
        form = await self._forms.said(attempt.digest, None, possible_repeat=marked)
        made: list[Letter] = []
        unfit: dict[str, Said] = {}

        def make(offers: Offers) -> Mail | None:
            unfit.update((one, _UNFIT) for one in to if not offers.utf8 and not one.isascii())
            fit = tuple(one for one in to if one not in unfit)
            if not fit:
                return None
            found = self._letter(attempt, fit, offers, marked, form)
            if found is None:
                return None
            made.append(found)
            utf8 = any(not one.isascii() for one in fit)
            return Mail(found.raw, fit, utf8)

        result = await self._smtp.hand_over(make)
        if isinstance(result, Handed):
            self.notes.cut(attempt.destination, made[0].cuts)
            refused = {**unfit, **result.refused}
            receipt = Receipt(place=made[0].subject.removeprefix("Re: "), id=id)
            return self._handed(attempt, before, to, refused, receipt)
        if result is None:
            if len(unfit) == len(to):
                cure = todo(_UNFIT, self.named_in)
                return Rejected(RejectReason.NO_SUCH_PLACE, f"553 5.6.7: {cure}")
            return Rejected(RejectReason.TOO_LARGE, "the server takes no mail of this size")
        outcome = refusal(result) if isinstance(result, Said) else result
        if isinstance(outcome, Unknown):
            self._remember(id, msgspec.structs.replace(before, unsure=True))
        elif isinstance(result, Said) or isinstance(outcome, Retry):
            self._note(attempt.destination, result, outcome)
        return outcome

    async def find(self, attempt: Attempt) -> Found:
        """Return that nobody can tell: a mail server is not asked what it has taken."""
        return CannotTell("a mail cannot be looked up")

    async def close(self) -> None:
        """Close the connections; none to the mail server is kept."""
        await self._forms.close()

    def _letter(
        self,
        attempt: Attempt,
        to: tuple[str, ...],
        offers: Offers,
        marked: bool,
        form: tuple[Told, Told] | None,
    ) -> Letter | None:
        """Return the mail, its text alone where the server takes no more; None where not even."""
        envelope = Envelope(
            sender=self._sender,
            to=to,
            name=attempt.destination.partition(":")[2],
            list_id=self._list_id if self.is_list else "",
        )
        for bare in (False, True):
            found = letter(
                attempt.digest,
                envelope,
                now_ms=self._now_ms(attempt),
                root=attempt.root,
                reply=attempt.step is Step.REPLY,
                possible_repeat=marked,
                utf8=any(not one.isascii() for one in to),
                bare=bare,
                form=form,
            )
            if len(found.raw) <= min(offers.size_bytes or BYTES_MOST, BYTES_MOST):
                return (
                    found
                    if not bare
                    else msgspec.structs.replace(found, cuts=(*found.cuts, "size"))
                )
        return None

    def _handed(
        self,
        attempt: Attempt,
        before: _Half,
        to: tuple[str, ...],
        refused: Mapping[str, Said],
        receipt: Receipt,
    ) -> Outcome:
        """Return what the answers for the recipients come to."""
        destination, people = attempt.destination, self._lists[attempt.destination]
        now_ms = self._now_ms(attempt)
        got = before.got | {one for one in to if one not in refused}
        told = {
            one: f"address {people.index(one) + 1} of {len(people)}: {numbers(said)}"
            for one, said in refused.items()
        }
        for one in to:
            if one not in refused:
                self._refused_ms.pop(one, None)
        passing = [one for one, said in refused.items() if passes(said)]
        later = [
            one for one in passing if now_ms - self._refused_ms.setdefault(one, now_ms) < REST_MS
        ]
        left = []
        for one, said in refused.items():
            detail = told[one] if one in passing else f"{told[one]}: {todo(said, self.named_in)}"
            left.append(detail)
            self.notes.refused(destination, str(said.code), detail, loud=one not in later)
        if not got and passing:
            after_ms = max(AGAIN_MS, *(wait_ms(refused[one].text) for one in passing))
            return Retry(RetryReason.UNAVAILABLE, after_ms, detail=told[passing[0]])
        if not got:
            first = next(iter(refused))
            cure = todo(refused[first], self.named_in)
            return Rejected(why(refused[first]), f"{told[first]}: {cure}")
        if not later:
            self._halves.pop(receipt.id, None)
            return Delivered(receipt, _left_out(left))
        self._remember(receipt.id, msgspec.structs.replace(before, got=frozenset(got)))
        # Written down before anything else: whoever comes after this process must know.
        who = _left_out([told[one] for one in later])
        if not attempt.possible_repeat:
            return Unknown(UnknownReason.IN_PART, who)
        return Retry(RetryReason.IN_PART, AGAIN_MS, detail=who)

    def _now_ms(self, attempt: Attempt) -> int:
        return attempt.deadline_ms - self._plan.attempt_ms

    def _remember(self, id: str, half: _Half) -> None:
        self._halves[id] = half
        self._halves.move_to_end(id)
        while len(self._halves) > REMEMBERED:
            self._halves.popitem(last=False)

    def _note(self, destination: str, result: object, outcome: Outcome) -> None:
        """Note a refusal; one that a person has to end is said loudly."""
        detail = outcome.detail if isinstance(outcome, Retry | Rejected) else ""
        loud = isinstance(outcome, Rejected) or (
            isinstance(outcome, Retry) and outcome.reason is RetryReason.NEEDS_SOMEBODY
        )
        if isinstance(result, Said) or loud:
            word = str(result.code) if isinstance(result, Said) else "other"
            self.notes.refused(destination, word, detail, loud=loud)


def _left_out(refusals: list[str]) -> str:
    """Return the first refusal in words, and how many more there are."""
    more = len(refusals) - 1
    first = "".join(refusals[:1])
    return first.replace(":", f" and {more} more:", 1) if more > 0 else first
