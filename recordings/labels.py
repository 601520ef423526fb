"""What an event of the shop belongs to, as known of the shop: the outage, or an ambient error.

Every cause has code of its own, so types and functions decide; an error without a known cause is
refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from recordings.grouping import message_of

JsonObject = dict[str, Any]
OUTAGE: Final = "outage"

_UPSTREAM: Final = frozenset({"UpstreamFailed", "UpstreamTimeout"})


class Causes(NamedTuple):
    """How the cause of an error is known: what tells of the outage, what of an ambient error."""

    database: frozenset[str]
    """Types that only the dependency that dies brings about."""
    by_function: Mapping[str, str]
    """Labels, by a function that the raised exception passed through; `OUTAGE` is one."""
    by_message: Mapping[str, str]
    """Labels of messages without an exception, by their beginning."""
    drops_repeats: bool = False
    """The SDK drops an error that looks like the one before, so a service that failed may have
    reported nothing; and no ambient error of these services reaches another one."""


SHOP: Final = Causes(
    frozenset({"InventoryUnavailable", "InventoryTimeout", "PoolExhausted", "InventoryLoading"}),
    {
        "parse_weight": "ambient:product-weight",
        "rate_of": "ambient:old-coupon",
        "wrapping_cents": "ambient:gift-wrap",
        "read_rows": "ambient:supplier-encoding",
        "to_minor_units": "ambient:currency",
        "_badge": "ambient:staging-badge",
        "authorise": "ambient:gateway-timeout",
    },
    {
        "Price list of": "ambient:old-price-list",
        "Order above the risk limit": "ambient:risk-not-scored",
    },
)


class UnknownCause(Exception):
    """An error happened that the story does not explain: the run is no clean recording."""


def _raised(event: JsonObject) -> JsonObject:
    values: list[JsonObject] = event["exception"]["values"]
    return values[-1]


def _trace(event: JsonObject) -> str:
    return str(event["contexts"]["trace"]["trace_id"])


def _is_upstream(event: JsonObject) -> bool:
    return "exception" in event and _raised(event).get("type") in _UPSTREAM


def _own_label(
    event: JsonObject, story_s: float, broken: tuple[float, float], causes: Causes
) -> str:
    if "exception" not in event or "type" not in _raised(event):
        text = str(message_of(event).get("formatted") or _raised(event)["value"])
        for beginning, label in causes.by_message.items():
            if text.startswith(beginning):
                return label
        raise UnknownCause(f"at {story_s:.1f} s: message {text!r}")
    raised = _raised(event)
    frames = (raised.get("stacktrace") or {}).get("frames") or []
    functions = [str(frame.get("function")) for frame in frames]
    labels = [causes.by_function[name] for name in functions if name in causes.by_function]
    own = OUTAGE if raised["type"] in causes.database else next(iter(labels), None)
    if own is None:
        raise UnknownCause(f"at {story_s:.1f} s: {raised['type']}: {raised['value']}")
    if own == OUTAGE and not broken[0] <= story_s <= broken[1]:
        raise UnknownCause(f"at {story_s:.1f} s, outside the outage: {raised['type']}")
    return own


def label_all(
    events: Sequence[tuple[float, JsonObject]],
    broken: tuple[float, float],
    causes: Causes = SHOP,
) -> Iterable[str]:
    """Return one label for each (second of the story, event), in order.

    An error about another service has the cause of that service's error in the same trace; a
    timeout about one that reported nothing belongs to the outage while it lasts, and where the SDK
    drops repeated errors, so does a failure.

    Raises:
        UnknownCause: an error that the story does not explain.
    """
    known = {
        _trace(event): _own_label(event, at_s, broken, causes)
        for at_s, event in events
        if "exception" in event and not _is_upstream(event)
    }
    labels = []
    for at_s, event in events:
        if not _is_upstream(event):
            labels.append(_own_label(event, at_s, broken, causes))
        elif _trace(event) in known:
            labels.append(known[_trace(event)])
        elif (causes.drops_repeats or _raised(event)["type"] == "UpstreamTimeout") and broken[
            0
        ] <= at_s <= broken[1]:
            labels.append(OUTAGE)
        else:
            raise UnknownCause(f"at {at_s:.1f} s: {_raised(event)['value']}, from nowhere")
    return labels
