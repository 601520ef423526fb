"""How alike two signatures look, and which pairs of a service are worth a person's look.

Lives here: shapes of signatures, the alignment of their frames, the pairs above a threshold with
their evidence. Not here: what is one error (`fingerprint`), the rule that would merge a pair
(`suggestions`). Nothing merges by itself.

Two stacks are aligned in linear time: the occurrences of each frame are paired in their order,
every frame for itself, whatever lies between. A pair counts for as much as the frame is rare in its
service and near to the crash, and for less the further it moved. Candidates come from an index of
rare features, so the work grows with the number of signatures and not with that of their pairs.

Source: I. M. Rodrigues, D. Aloise, E. R. Fernandes, "FaST: A linear time stack trace alignment
heuristic for crash report deduplication", MSR 2022 (the alignment; weights and bounds are ours).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from correlators.parameterise import message_line
from correlators.types import Event, Frame, Signature, SignatureKind

FRAMES_READ: Final = 48
"""Newest frames of a stack that are compared."""

WORDS_READ: Final = 32
"""Words of a message that are compared."""

KEYS_EACH: Final = 12
"""Rare features by which a signature finds others."""

BUCKET_MOST: Final = 48
"""A feature that more signatures of a service share finds nobody: it is common."""

THRESHOLD: Final = 0.5
"""Pairs at least this alike are told."""

_FAR: Final = 0.08
"""How fast a frame counts for less, per frame away from the crash."""

_MOVED: Final = 0.15
"""How fast a pair of frames counts for less, per place that one of them moved."""

_LIBRARY: Final = 0.4
"""What a frame counts that is not in-app, where others are."""

_DIGITS: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"<\w+>|\w{2,}")


class Spot(NamedTuple):
    """One frame of a shape."""

    name: str
    """By which frames are compared: where and what, without numbers."""
    module: str
    function: str
    filename: str
    in_app: bool


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What one signature looks like: that of its first event."""

    fingerprint: str
    title: str
    types: tuple[str, ...]
    """Types of the chain, the one that was raised first."""
    spots: tuple[Spot, ...]
    """Frames, newest first, at most `FRAMES_READ`."""
    words: tuple[str, ...]
    """Words of the parameterised message, at most `WORDS_READ`."""


class Aligned(NamedTuple):
    """A frame that both stacks have, and how many frames before the crash."""

    name: str
    left: int
    right: int


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two signatures that look like one, and why."""

    left: Shape
    right: Shape
    score: float
    """0 to 1."""
    stack: float
    """How alike the stacks are, 0 to 1; 0 where neither has one."""
    message: float
    """How alike the messages are, 0 to 1."""
    same_type: bool
    aligned: tuple[Aligned, ...]
    """Nearest to the crash first."""


def shape_of(event: Event, signature: Signature) -> Shape | None:
    """Return what the signature looks like by this event, or None where nothing may be suggested:
    the program itself, or Sentry, says what belongs together."""
    if signature.kind not in _OURS:
        return None
    raised = event.exceptions[-1] if event.exceptions else None
    frames = raised.frames if raised is not None else event.frames
    text = raised.value if raised is not None else event.message
    return Shape(
        fingerprint=signature.fingerprint,
        title=signature.title,
        types=tuple(one.type for one in reversed(event.exceptions) if not one.synthetic),
        spots=tuple(_spot(frame) for frame in reversed(frames[-FRAMES_READ:])),
        words=tuple(_WORD.findall(message_line(text).lower())[:WORDS_READ]),
    )


_OURS: Final = frozenset({SignatureKind.STACK, SignatureKind.MESSAGE, SignatureKind.TYPE})


def _spot(frame: Frame) -> Spot:
    filename = frame.filename.replace("\\", "/").rsplit("/", 1)[-1]
    where = frame.module or filename or frame.package.rsplit("/", 1)[-1]
    name = _DIGITS.sub("", f"{where} {frame.function}")
    return Spot(name, frame.module, frame.function, filename, frame.in_app)


class Rarity:
    """How much each frame and each word says within one service: the rarer, the more."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        """Args: shapes: all signatures of the service."""
        self._most = len(shapes)
        self._holders: Counter[str] = Counter()
        for shape in shapes:
            self._holders.update(features(shape))

    def of(self, feature: str) -> float:
        """Return a weight above 0, at most 1."""
        found = self._holders[feature]
        return math.log1p(self._most / max(1, found)) / math.log1p(max(1, self._most))

    def holders(self, feature: str) -> int:
        """Return how many signatures have the feature."""
        return self._holders[feature]


def features(shape: Shape) -> set[str]:
    """Return what others may share with the shape: frames, words, the raised type."""
    found = {"frame " + spot.name for spot in shape.spots}
    found |= {"word " + word for word in shape.words}
    return found | {"type " + one for one in shape.types[:1]}


def align(left: Shape, right: Shape) -> list[Aligned]:
    """Return the frames that both stacks have, in linear time, nearest to the crash first.

    The first occurrence of a frame is paired with the first, the second with the second.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for place, spot in enumerate(right.spots):
        places[spot.name].append(place)
    seen: Counter[str] = Counter()
    found: list[Aligned] = []
    for place, spot in enumerate(left.spots):
        others = places.get(spot.name, ())
        if seen[spot.name] < len(others):
            found.append(Aligned(spot.name, place, others[seen[spot.name]]))
            seen[spot.name] += 1
    return found


def stack_similarity(
    left: Shape, right: Shape, aligned: Sequence[Aligned], rarity: Rarity
) -> float:
    """Return how alike two stacks are, 0 to 1: what is aligned, of all that there is."""
    ours, theirs = _weights(left, rarity), _weights(right, rarity)
    shared = sum(
        min(ours[one.left], theirs[one.right]) * math.exp(-_MOVED * abs(one.left - one.right))
        for one in aligned
    )
    everything = sum(ours) + sum(theirs) - shared
    return shared / everything if everything > 0 else 0.0


def _weights(shape: Shape, rarity: Rarity) -> list[float]:
    some_in_app = any(spot.in_app for spot in shape.spots)
    return [
        rarity.of("frame " + spot.name)
        * math.exp(-_FAR * place)
        * (_LIBRARY if some_in_app and not spot.in_app else 1.0)
        for place, spot in enumerate(shape.spots)
    ]


def message_similarity(left: Shape, right: Shape) -> float:
    """Return how many of the words of two messages are shared, 0 to 1; 1 for two empty ones."""
    ours, theirs = Counter(left.words), Counter(right.words)
    everything = (ours | theirs).total()
    return (ours & theirs).total() / everything if everything else 1.0


def pair_of(left: Shape, right: Shape, rarity: Rarity) -> Pair:
    """Return how alike two signatures of a service are, and why."""
    aligned = align(left, right)
    stack = stack_similarity(left, right, aligned, rarity)
    message = message_similarity(left, right)
    same_type = bool(left.types and right.types and left.types[0] == right.types[0])
    if left.spots and right.spots:
        score = 0.65 * stack + 0.2 * same_type + 0.15 * message
    elif left.spots or right.spots:
        score = 0.0  # one tells where it failed, the other does not: nothing to align
    else:
        kinds_differ = bool(left.types or right.types) and not same_type
        score = message * (0.45 if kinds_differ else 0.9)
    return Pair(
        left=left,
        right=right,
        score=round(score, 6),
        stack=round(stack, 6),
        message=round(message, 6),
        same_type=same_type,
        aligned=tuple(aligned),
    )


def candidates(shapes: Sequence[Shape], rarity: Rarity) -> list[tuple[int, int]]:
    """Return pairs of places that share one of their rarest features, in order.

    At most `KEYS_EACH * BUCKET_MOST / 2` for each signature.
    """
    buckets: dict[str, list[int]] = defaultdict(list)
    for place, shape in enumerate(shapes):
        keys = sorted(
            (one for one in features(shape) if 1 < rarity.holders(one) <= BUCKET_MOST),
            key=lambda one: (rarity.holders(one), one),
        )
        for key in keys[:KEYS_EACH]:
            buckets[key].append(place)
    found: set[tuple[int, int]] = set()
    for places in buckets.values():
        for at, left in enumerate(places):
            found.update((left, right) for right in places[at + 1 :])
    return sorted(found)


def pairs(shapes: Iterable[Shape], *, threshold: float = THRESHOLD) -> list[Pair]:
    """Return the pairs of one service's signatures that look like one, the most alike first.

    The same shapes in any order give the same pairs.

    Args:
        shapes: each fingerprint once.
        threshold: 0 to 1; pairs below it are left out.
    """
    ordered = sorted(shapes, key=lambda shape: shape.fingerprint)
    rarity = Rarity(ordered)
    found = [
        pair
        for left, right in candidates(ordered, rarity)
        if (pair := pair_of(ordered[left], ordered[right], rarity)).score >= threshold
    ]
    return sorted(found, key=lambda one: (-one.score, one.left.fingerprint, one.right.fingerprint))
