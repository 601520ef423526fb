"""Stack-trace rules at work: which frames are in-app, and which count for sameness at all.

All rules run from top to bottom on all frames: first what marks frames (`app`, `category`), then,
on frames as they are marked in the end, what takes them out (`group`, `max-frames`). Every action
of a rule finds its frames before the first of them is changed.

Source: docs.sentry.io, "Stack trace rules"; the two passes as in getsentry/ophio, enhancers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from correlators.sentry_rules.bounds import Memo
from correlators.sentry_rules.stack_rules import OF_EXCEPTION, StackRule
from correlators.sentry_rules.syntax import Matcher, Where, check_of, family_of
from correlators.types import ExceptionValue, Frame

_MARKED: Final = frozenset({"app", "category"})
"""Matchers whose answer changes while rules run, and the actions that change it."""


class Marks:
    """What the rules say of one stack, frame by frame."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        """Args: frames: oldest first."""
        self.in_app = [frame.in_app for frame in frames]
        self.counts = [True] * len(frames)
        self.category = [""] * len(frames)
        self.named: set[str] = set()
        """The categories that any frame has, or had."""
        self.most = 0
        """Frames that count at most; 0 for all."""
        self.most_by = ""
        """The place of the rule that said so."""

    def kept(self) -> list[bool]:
        """Return which frames are left for sameness.

        The limit holds among in-app frames where one of them counts, else among all, as only those
        would be looked at.
        """
        kept = list(self.counts)
        if not self.most:
            return kept
        counting = [at for at, counts in enumerate(kept) if counts]
        limited = [at for at in counting if self.in_app[at]] or counting
        for at in limited[: -self.most]:
            kept[at] = False
        return kept


class StackMatching:
    """The rules of a file, ready to run over stacks."""

    def __init__(self, rules: Sequence[StackRule]) -> None:
        """Args: rules: in order."""
        self._rules = [_Compiled(rule) for rule in rules]
        self._by_frame = Memo(self._holding)

    def run(
        self, frames: Sequence[Frame], platform: str, exception: ExceptionValue | None
    ) -> tuple[Marks, list[str]]:
        """Return what the rules say of this stack, and why.

        Args:
            frames: oldest first.
            platform: of the event, for frames that name none.
            exception: whose stack it is; None for the stack of a thread.
        """
        marks = Marks(frames)
        notes: list[str] = []
        candidates: dict[int, list[int]] = {}
        holding = [self._by_frame.about(_looked_at(frame, platform)) for frame in frames]
        for at, held in enumerate(holding):
            for number in held.here:
                candidates.setdefault(number, []).append(at)
        on = _Stack(holding, marks, exception)
        for marking in (True, False):
            for number in sorted(candidates):
                rule = self._rules[number]
                if not (rule.marks if marking else rule.takes_out):
                    continue
                if found := list(on.frames_of(number, rule, candidates[number])):
                    rule.act(marks, found, notes, marking=marking)
        return marks, notes

    def _holding(self, looked_at: tuple[str, ...]) -> _Held:
        """Return the rules that may hold on such a frame, or next to it."""
        values = dict(zip(_FRAME_PARTS, looked_at, strict=True))
        here, caller, callee = (
            tuple(
                number
                for number, rule in enumerate(self._rules)
                if (where is Where.HERE or rule.fixed[where])
                and _all_hold(rule.fixed[where], values)
            )
            for where in (Where.HERE, Where.CALLER, Where.CALLEE)
        )
        return _Held(here, frozenset(caller), frozenset(callee))


class _Held(NamedTuple):
    """The rules whose unchanging matchers hold on one frame, by whose frame they look at."""

    here: tuple[int, ...]
    caller: frozenset[int]
    callee: frozenset[int]


_FRAME_PARTS: Final = ("family", "function", "module", "package", "path")

Checks = list[tuple[Callable[[str], bool], Matcher]]


def _looked_at(frame: Frame, platform: str) -> tuple[str, ...]:
    return (
        family_of(frame.platform or platform),
        frame.function or "<unknown>",
        frame.module,
        frame.package,
        frame.abs_path or frame.filename,
    )


def _all_hold(checks: Checks, values: dict[str, str]) -> bool:
    """Return whether every matcher holds; what is missing matches nothing."""
    return all(
        (bool(value := values[matcher.name]) and check(value)) != matcher.negated
        for check, matcher in checks
    )


class _Compiled:
    """One rule with its checks sorted by frame, and by whether their answer can change."""

    def __init__(self, rule: StackRule) -> None:
        self.place = rule.place
        self.actions = rule.actions
        self.marks = any(action.name in _MARKED for action in rule.actions)
        self.takes_out = any(action.name not in _MARKED for action in rule.actions)
        self.exception: Checks = []
        self.fixed: dict[Where, Checks] = {where: [] for where in Where}
        self.marked: dict[Where, Checks] = {where: [] for where in Where}
        for matcher in rule.matchers:
            found = (check_of(matcher), matcher)
            if matcher.name in OF_EXCEPTION:
                self.exception.append(found)
            else:
                kind = self.marked if matcher.name in _MARKED else self.fixed
                kind[matcher.where].append(found)
        self.needs = [
            check
            for marked in self.marked.values()
            for check, matcher in marked
            if matcher.name == "category" and not matcher.negated
        ]
        """Checks of categories: each must find one, or the rule holds nowhere."""

        flags = [action for action in rule.actions if action.name in ("app", "group")]
        self.flags = {(action.name, action.direction): action.flag for action in flags}
        """What the last action of each name and direction sets."""

    def act(self, marks: Marks, found: list[int], notes: list[str], *, marking: bool) -> None:
        """Do to every frame found what this pass is about, and note what changed."""
        if marking:
            before = [*marks.in_app]
            self._set("app", marks.in_app, found)
            for action in self.actions:
                if action.name == "category":
                    marks.named.add(action.word)
                    for at in found:
                        marks.category[at] = action.word
            _note(notes, self.place, before, marks.in_app, "in-app", "not in-app")
            return
        before, most = [*marks.counts], marks.most
        self._set("group", marks.counts, found)
        for action in self.actions:
            if action.name == "max-frames":
                marks.most, marks.most_by = action.number, self.place
        _note(notes, self.place, before, marks.counts, "taken back in", "left out")
        if marks.most != most:
            says = f"only the newest {marks.most} count" if marks.most else "all frames count"
            notes.append(f"{self.place}: {says}")

    def _set(self, name: str, flags: list[bool], found: list[int]) -> None:
        """Set a flag around every frame found, as if one after the other from the oldest on.

        A frame is then last set by the newest one found above it (`v`), else as one of those found,
        else by one below it (`^`); so each direction is done once, in that order.
        """
        oldest, newest = found[0], found[-1]
        if (up := self.flags.get((name, "^"))) is not None:
            flags[oldest + 1 :] = [up] * (len(flags) - oldest - 1)
        if (own := self.flags.get((name, ""))) is not None:
            for at in found:
                flags[at] = own
        if (down := self.flags.get((name, "v"))) is not None:
            flags[:newest] = [down] * newest


def _note(
    notes: list[str], place: str, before: list[bool], after: list[bool], yes: str, no: str
) -> None:
    for wanted, says in ((True, yes), (False, no)):
        changed = sum(b != a and a is wanted for b, a in zip(before, after, strict=True))
        if changed:
            notes.append(f"{place}: {changed} {'frame' if changed == 1 else 'frames'} {says}")


class _Stack:
    """One stack while rules run over it."""

    def __init__(
        self, holding: list[_Held], marks: Marks, exception: ExceptionValue | None
    ) -> None:
        self._holding = holding
        self._marks = marks
        told = exception or ExceptionValue()
        self._exception = {
            "type": told.type or "<unknown>",
            "value": told.value or "<unknown>",
            "mechanism": told.mechanism or "<unknown>",
        }

    def frames_of(self, number: int, rule: _Compiled, candidates: list[int]) -> Iterator[int]:
        """Yield the frames on which the rule holds as they are marked now."""
        if not _all_hold(rule.exception, self._exception):
            return
        if not all(any(map(check, self._marks.named)) for check in rule.needs):
            return
        for at in candidates:
            if (
                self._marked(rule, Where.HERE, at)
                and self._beside(number, rule, Where.CALLER, at - 1)
                and self._beside(number, rule, Where.CALLEE, at + 1)
            ):
                yield at

    def _beside(self, number: int, rule: _Compiled, where: Where, at: int) -> bool:
        """Return whether the rule asks nothing of this neighbour, or it is there and fits."""
        if not rule.fixed[where] and not rule.marked[where]:
            return True
        if not 0 <= at < len(self._holding):
            return False
        held = self._holding[at]
        fitting = held.caller if where is Where.CALLER else held.callee
        return (not rule.fixed[where] or number in fitting) and self._marked(rule, where, at)

    def _marked(self, rule: _Compiled, where: Where, at: int) -> bool:
        marked = rule.marked[where]
        if not marked:
            return True
        values = {
            "app": "yes" if self._marks.in_app[at] else "no",
            "category": self._marks.category[at],
        }
        return _all_hold(marked, values)
