"""What an event of the shop belongs to, as known of the shop: the outage, or an ambient error.

Every cause has code of its own, so types and functions decide; an error without a known cause is
refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

JsonObject = dict[str, Any]
OUTAGE: Final = "outage"

_DATABASE: Final = frozenset(
    {"InventoryUnavailable", "InventoryTimeout", "PoolExhausted", "InventoryLoading"}
)
_UPSTREAM: Final = frozenset({"UpstreamFailed", "UpstreamTimeout"})
_BY_FUNCTION: Final = {
    "parse_weight": "ambient:product-weight",
    "rate_of": "ambient:old-coupon",
    "wrapping_cents": "ambient:gift-wrap",
    "read_rows": "ambient:supplier-encoding",
    "to_minor_units": "ambient:currency",
    "_badge": "ambient:staging-badge",
    "authorise": "ambient:gateway-timeout",
}
_BY_MESSAGE: Final = {
    "Price list of": "ambient:old-price-list",
    "Order above the risk limit": "ambient:risk-not-scored",
}


class UnknownCause(Exception):
    """An error happened that the story does not explain: the run is no clean recording."""


def _raised(event: JsonObject) -> JsonObject:
    values: list[JsonObject] = event["exception"]["values"]
    return values[-1]


def _trace(event: JsonObject) -> str:
    return str(event["contexts"]["trace"]["trace_id"])


def _is_upstream(event: JsonObject) -> bool:
    return "exception" in event and _raised(event)["type"] in _UPSTREAM


def _own_label(event: JsonObject, story_s: float, broken: tuple[float, float]) -> str:
    if "exception" not in event:
        text = str(event.get("message") or event["logentry"]["message"])
        for beginning, label in _BY_MESSAGE.items():
            if text.startswith(beginning):
                return label
        raise UnknownCause(f"at {story_s:.1f} s: message {text!r}")
    raised = _raised(event)
    if raised["type"] in _DATABASE:
        if broken[0] <= story_s <= broken[1]:
            return OUTAGE
        raise UnknownCause(f"at {story_s:.1f} s, outside the outage: {raised['type']}")
    for frame in raised["stacktrace"]["frames"]:
        if frame["function"] in _BY_FUNCTION:
            return _BY_FUNCTION[frame["function"]]
    raise UnknownCause(f"at {story_s:.1f} s: {raised['type']}: {raised['value']}")


def label_all(
    events: Sequence[tuple[float, JsonObject]], broken: tuple[float, float]
) -> Iterable[str]:
    """Return one label for each (second of the story, event), in order.

    An error about another service has the cause of that service's error in the same trace; a
    timeout about one that reported nothing belongs to the outage while it lasts.

    Raises:
        UnknownCause: an error that the story does not explain.
    """
    causes = {
        _trace(event): _own_label(event, at_s, broken)
        for at_s, event in events
        if "exception" in event and not _is_upstream(event)
    }
    labels = []
    for at_s, event in events:
        if not _is_upstream(event):
            labels.append(_own_label(event, at_s, broken))
        elif _trace(event) in causes:
            labels.append(causes[_trace(event)])
        elif _raised(event)["type"] == "UpstreamTimeout" and broken[0] <= at_s <= broken[1]:
            labels.append(OUTAGE)
        else:
            raise UnknownCause(f"at {at_s:.1f} s: {_raised(event)['value']}, from nowhere")
    return labels
