"""Fingerprint rules: which events get a custom fingerprint, and which title.

A rule is `matcher:pattern ... -> value, {{ variable }} ... [title="..."]`. All its matchers must
hold; those that look at a frame on one and the same frame, those that look at an exception on one
and the same exception. The first rule that holds wins and replaces what the SDK sent.

Source: docs.sentry.io, "Fingerprint rules"; what counts as one thing to hold on as in
getsentry/sentry, grouping/fingerprinting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from correlators.custom import TAG_VARIABLE, VALUES_READ, variable_in
from correlators.sentry_rules.bounds import Memo, stacks_within
from correlators.sentry_rules.syntax import (
    Matcher,
    RuleProblem,
    Scanner,
    Where,
    check_of,
    family_of,
    read_lines,
    unescaped,
)
from correlators.types import Event, Frame

MATCHERS: Final = (
    "type",
    "value",
    "message",
    "logger",
    "level",
    "tags.NAME",
    "path",
    "module",
    "function",
    "package",
    "app",
    "family",
    "sdk",
    "release",
)

_SAYS: Final = "matcher:pattern ... -> value, ..."
_IGNORING_CASE: Final = frozenset({"value", "message", "level"})
_ATTRIBUTE: Final = re.compile(r"([A-Za-z0-9_.\-]++)=\"((?:[^\"\\]|\\.)*+)\"")
_QUOTED: Final = re.compile(r"\"((?:[^\"\\]|\\.)*+)\"")
_BARE: Final = re.compile(r"\{\{\s*+[^\s{}]++\s*+\}\}|[^\s{,]++")
_SDK_PARTS: Final = {"javascript": 99, "native": 3}

Checks = list[tuple[Callable[[str], bool], Matcher]]


class FingerprintRule(msgspec.Struct, frozen=True):
    """One line of the file."""

    matchers: tuple[Matcher, ...]
    values: tuple[str, ...]
    title: str
    place: str
    """`file:line`."""


def parse_fingerprint_rules(
    text: str, file: str
) -> tuple[tuple[FingerprintRule, ...], tuple[str, ...]]:
    """Return the rules of a file in order, and its problems as `file:line: what is wrong`."""
    return read_lines(text, file, _rule)


def _rule(line: str, place: str) -> FingerprintRule:
    scanner = Scanner(line)
    matchers = scanner.matchers(lambda rest: rest.startswith("->"), MATCHERS, _SAYS)
    if any(matcher.where is not Where.HERE for matcher in matchers):
        raise RuleProblem("[ caller ] | and | [ callee ] are for stack-trace rules")
    if not scanner.take("->"):
        raise RuleProblem(f"expected -> and values, with a blank before it, found {scanner.found}")
    values: list[str] = []
    title = ""
    while scanner.rest:
        if attribute := scanner.match(_ATTRIBUTE):
            if attribute[1] != "title":
                raise RuleProblem(f'unknown attribute "{attribute[1][:60]}"; allowed: title')
            title = unescaped(attribute[2])
        elif quoted := scanner.match(_QUOTED):
            values.append(unescaped(quoted[1]))
        elif bare := scanner.match(_BARE):
            values.append(bare[0])
        else:
            raise RuleProblem(
                f'expected a value, "a value", {{{{ variable }}}} or title="...", '
                f"found {scanner.found}"
            )
        scanner.take(",")
    if not values:
        raise RuleProblem("expected at least one value behind ->")
    if len(values) > VALUES_READ:
        raise RuleProblem(f"expected at most {VALUES_READ} values")
    return FingerprintRule(matchers, tuple(values), title, place)


class Reads(NamedTuple):
    """What rules read of an event beside what every signature reads."""

    tags: frozenset[str]
    formatted: bool
    constants: frozenset[str]
    """Values that are no variables: one that repeats the message is parameterised with it."""
    release: bool
    sdk: bool


class FingerprintMatching:
    """The rules of a file, ready to match events."""

    def __init__(self, rules: Sequence[FingerprintRule]) -> None:
        """Args: rules: in order."""
        self._rules = [_Compiled(rule) for rule in rules]
        self._by_frame = Memo(self._holding)
        self.reads = _reads(rules)

    def first(self, event: Event) -> FingerprintRule | None:
        """Return the first rule that holds for this event."""
        facts = _Facts(event)
        on_frames: set[int] | None = None
        for at, compiled in enumerate(self._rules):
            if not compiled.holds_beside_frames(facts):
                continue
            if compiled.frame:
                if on_frames is None:
                    on_frames = self._on_frames(event)
                if at not in on_frames:
                    continue
            return compiled.rule
        return None

    def _on_frames(self, event: Event) -> set[int]:
        """Return the rules whose frame matchers all hold on one frame of the event."""
        chain = [one.frames for one in event.exceptions]
        within = zip(chain, stacks_within(chain), strict=True)
        stacks = [*(frames for frames, looked_at in within if looked_at), event.frames]
        return {
            at
            for frame in {_looked_at(frame) for frames in stacks for frame in frames}
            for at in self._by_frame.about(frame)
        }

    def _holding(self, looked_at: tuple[str, ...]) -> tuple[int, ...]:
        values = dict(zip(_FRAME_PARTS, looked_at, strict=True))
        return tuple(
            at
            for at, compiled in enumerate(self._rules)
            if compiled.frame and _all_hold(compiled.frame, values)
        )


_FRAME_PARTS: Final = ("function", "module", "path", "filename", "package", "app")


def _looked_at(frame: Frame) -> tuple[str, ...]:
    return (
        frame.function or "<unknown>",
        frame.module,
        frame.abs_path or frame.filename,
        frame.filename,
        frame.package,
        "yes" if frame.in_app else "no",
    )


def _all_hold(checks: Checks, values: dict[str, str]) -> bool:
    """Return whether every matcher holds on this one thing; what is missing matches nothing."""
    for check, matcher in checks:
        value = values.get(matcher.name, "")
        found = bool(value) and check(value)
        if not found and matcher.name == "path" and (other := values.get("filename")):
            found = check(other)
        if not found and matcher.name == "message" and (other := values.get("value")):
            found = check(other)
        if found == matcher.negated:
            return False
    return True


class _Compiled:
    """One rule, its matchers sorted by the kind of thing on which they must hold together."""

    def __init__(self, rule: FingerprintRule) -> None:
        self.rule = rule
        self.frame: Checks = []
        self._beside: dict[str, Checks] = {}
        for matcher in rule.matchers:
            check = check_of(matcher, ignore_case=_IGNORING_CASE)
            kind = _KINDS.get(matcher.name, "tags")
            checks = self.frame if kind == "frame" else self._beside.setdefault(kind, [])
            checks.append((check, matcher))

    def holds_beside_frames(self, facts: _Facts) -> bool:
        return all(
            any(_all_hold(checks, values) for values in facts.of(kind))
            for kind, checks in self._beside.items()
        )


_KINDS: Final = {
    "type": "exception",
    "value": "exception",
    "message": "text",
    "logger": "log",
    "level": "log",
    "path": "frame",
    "module": "frame",
    "function": "frame",
    "package": "frame",
    "app": "frame",
    "family": "family",
    "sdk": "sdk",
    "release": "release",
}


class _Facts:
    """What matchers look at in one event, each kind worked out once."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._known: dict[str, list[dict[str, str]]] = {}

    def of(self, kind: str) -> list[dict[str, str]]:
        """Return the things of this kind, each as values by matcher; none means no match."""
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = self._found(kind)
        return found

    def _found(self, kind: str) -> list[dict[str, str]]:
        event = self._event
        match kind:
            case "exception":
                return [{"type": one.type, "value": one.value.strip()} for one in event.exceptions]
            case "text":
                text = (event.formatted or event.message).strip()
                return [*([{"message": text}] if text else []), *self.of("exception")]
            case "log":
                return [{"logger": event.logger, "level": event.level.value}]
            case "family":
                return [{"family": family_of(event.platform)}]
            case "sdk":
                return [{"sdk": sdk_of(event.sdk)}]
            case "release":
                return [{"release": event.release.strip()}]
        return [{f"tags.{name}": value.strip() for name, value in event.tags}]


def sdk_of(name: str) -> str:
    """Return the SDK as rules call it: `sentry.python.flask` is `sentry.python`.

    JavaScript's keep their framework; what is not Sentry's is `other`.

    Source: getsentry/sentry, utils/tag_normalization.py.
    """
    parts = re.sub(r"[\W_]+", ".", name).split(".")
    if len(parts) < 2 or parts[0] != "sentry":
        return "other"
    return ".".join(parts[: _SDK_PARTS.get(parts[1], 2)])


def _reads(rules: Sequence[FingerprintRule]) -> Reads:
    names = {matcher.name for rule in rules for matcher in rule.matchers}
    templates = [text for rule in rules for text in (*rule.values, rule.title)]
    variables = {
        variable_in(found) for text in templates for found in re.findall(r"\{\{[^{}]*+\}\}", text)
    }
    return Reads(
        tags=frozenset(
            name.removeprefix(TAG_VARIABLE)
            for name in names | variables
            if name.startswith(TAG_VARIABLE)
        ),
        formatted="message" in names | variables,
        constants=frozenset(
            value for rule in rules for value in rule.values if not variable_in(value)
        ),
        release="release" in names,
        sdk="sdk" in names,
    )
