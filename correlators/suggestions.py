"""The rule that would make one of two signatures, in the syntax of Sentry's fingerprint rules.

Lives here: which matchers a pair has in common, and what else of the service they would catch. Not
here: which pairs look like one (`similarity`). A rule is text for a person to read, and to load.

Source: docs.sentry.io, "Fingerprint rules": matchers of frames hold on one and the same frame,
`error.type` on any exception of the chain, `message` without regard to case.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from correlators.similarity import Pair, Shape, Spot

PATTERN_CHARS: Final = 120
VALUE_CHARS: Final = 80

_UNSAFE: Final = re.compile(r"[^\w .,:;/$<>()#@=+~&|'-]")
_NUMBER: Final = re.compile(r"\d+")
_NAME: Final = re.compile(r"[^A-Za-z0-9_.]+")


class Rule(msgspec.Struct, frozen=True):
    """A rule that would merge a pair."""

    text: str
    also: int
    """Other signatures of the service that it would catch as well, by what their first events
    show."""


def rule_of(pair: Pair, of_service: Iterable[Shape]) -> Rule | None:
    """Return the rule that would make the pair one, or None where they share nothing to match.

    Args:
        pair: two signatures.
        of_service: all signatures of the service, with the pair.
    """
    matchers: list[str] = []
    tests: list[Callable[[Shape], bool]] = []
    kind = pair.left.types[0] if pair.same_type else ""
    if kind:
        matchers.append(f'error.type:"{_pattern(kind)}"')
        tests.append(lambda shape: kind in shape.types)
    name = kind
    if (spots := _shared_spot(pair)) is not None:
        matchers += _frame_matchers(*spots)
        tests.append(lambda shape: any(_is_caught(spot, *spots) for spot in shape.spots))
        name = f"{kind} {spots[0].function}"
    elif words := _shared_words(pair):
        matchers.append(f'message:"*{_pattern("*".join(words), keep="*")}*"')
        tests.append(lambda shape: _in_order(words, shape.words))
        name = f"{kind} {' '.join(words[:4])}"
    else:
        return None
    both = {pair.left.fingerprint, pair.right.fingerprint}
    also = sum(
        shape.fingerprint not in both and all(test(shape) for test in tests) for shape in of_service
    )
    value = _NAME.sub("-", name).strip("-.")[:VALUE_CHARS] or "merged"
    return Rule(f"{' '.join(matchers)} -> {value}", also)


def _shared_spot(pair: Pair) -> tuple[Spot, Spot] | None:
    """Return the frame nearest to the crash that both have and a rule can name, in-app first."""
    found = [
        (pair.left.spots[one.left], pair.right.spots[one.right])
        for one in pair.aligned
        if pair.left.spots[one.left].function and pair.right.spots[one.right].function
    ]
    in_app = [both for both in found if both[0].in_app and both[1].in_app]
    return next(iter([*in_app, *found]), None)


def _frame_matchers(left: Spot, right: Spot) -> list[str]:
    found: list[str] = []
    if left.module and right.module:
        found.append(f'stack.module:"{_common(left.module, right.module)}"')
    elif left.filename and right.filename:
        found.append(f'stack.abs_path:"**{_common(left.filename, right.filename)}"')
    return [*found, f'stack.function:"{_common(left.function, right.function)}"']


def _is_caught(spot: Spot, left: Spot, right: Spot) -> bool:
    """Return whether the matchers of two frames hold on another one."""
    if spot.name != left.name:
        return False
    where = "module" if left.module and right.module else "filename"
    ours, theirs, its = ((getattr(one, where), one.function) for one in (left, right, spot))
    return all(its[at] == ours[at] or ours[at] != theirs[at] for at in range(2))


def _common(left: str, right: str) -> str:
    """Return a pattern for two names that are the same, or differ in their numbers."""
    if left == right:
        return _pattern(left)
    plain = _NUMBER.sub("", left)
    places = {place for name in (left, right) for place in _number_places(name)}
    parts = [
        ("*" if place in places else "") + plain[place : place + 1]
        for place in range(len(plain) + 1)
    ]
    return _pattern("".join(parts), keep="*")


def _number_places(name: str) -> list[int]:
    """Return where the name has numbers, as places in the name without them."""
    found: list[int] = []
    removed = 0
    for number in _NUMBER.finditer(name):
        found.append(number.start() - removed)
        removed += len(number[0])
    return found


def _pattern(text: str, *, keep: str = "") -> str:
    """Return the text as a quoted pattern: what would have a meaning there is any character."""
    safe = _UNSAFE.sub(lambda found: found[0] if found[0] == keep else "?", text)
    return safe if len(safe) <= PATTERN_CHARS else safe[:PATTERN_CHARS] + "*"


def _shared_words(pair: Pair) -> list[str]:
    """Return the words that both messages have in one order, without what stands for a variable."""
    ours = [word for word in pair.left.words if not word.startswith("<")]
    theirs = [word for word in pair.right.words if not word.startswith("<")]
    blocks = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    return [word for block in blocks for word in ours[block.a : block.a + block.size]]


def _in_order(words: Iterable[str], among: Iterable[str]) -> bool:
    """Return whether the words stand in a text in this order, parts of longer words too."""
    text, place = " ".join(among), 0
    for word in words:
        place = text.find(word, place)
        if place < 0:
            return False
        place += len(word)
    return True
