"""A metric alert of Sentry as an incident of its own kind: how it opens, changes and ends.

It lives as any incident does, with four differences: only Sentry's word and `max_life` end it,
since it has no events that could fall silent; it is no part of a storm by itself; the second time
that it fires is no regression; and what else is told of its services tells it too (`folds`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from correlators import incidents, sets
from correlators.alerts import LEVELS, RESOLVED, Alert, key_of, services_of
from correlators.deltas import tick_start_ms
from correlators.incidents import Closed, Incident, Windows, incident_id, ticks
from correlators.types import Sample, StateChange


def heard(
    found: Sequence[Incident], change: StateChange, *, tick: int, windows: Windows
) -> Incident | None:
    """Return the alert's incident after Sentry's word, None where that changes nothing.

    The same word twice changes nothing the second time, and none changes anything after the end of
    the firing that it is about: webhooks come in any order.

    Args:
        found: the remembered incidents of its key, oldest first.
        change: of kind metric alert.
        tick: the tick being applied.
        windows: the lengths.
    """
    last = found[-1] if found else None
    if change.action == RESOLVED:
        return _ended(last, change, tick=tick)
    if change.action not in LEVELS:
        return None
    ended = {one.alert.firing for one in found if one.alert is not None and not one.open}
    if change.alert_firing and change.alert_firing in ended:
        return None
    if last is not None and last.open:
        return _changed(last, change, tick=tick)
    if (
        last is not None
        and last.sample.title
        and incidents.may_reopen(last, tick=tick, windows=windows)
    ):
        again = incidents.reopened(last, tick=tick, windows=windows)
        return _as_told(again, change, tick=tick)
    return _opened(change, tick=tick, windows=windows)


def _opened(change: StateChange, *, tick: int, windows: Windows) -> Incident:
    at_ms = tick_start_ms(tick)
    made = Incident(
        id=incident_id(key_of(change), tick),
        key=key_of(change),
        opened_tick=tick,
        last_tick=tick,
        onset_tick=tick,
        first_ms=at_ms,
        last_ms=at_ms,
        level=LEVELS[change.action],
        events=sets.EMPTY,
        users=sets.EMPTY,
        sample=Sample(at_ms=at_ms, event_id="", title=""),
        tell_tick=tick + ticks(windows.settle_ms),
    )
    return _as_told(made, change, tick=tick)


def _as_told(incident: Incident, change: StateChange, *, tick: int) -> Incident:
    """Return the incident as this word says that it stands."""
    at_ms = tick_start_ms(tick)
    return msgspec.structs.replace(
        incident,
        level=LEVELS[change.action],
        last_tick=tick,
        last_ms=at_ms,
        sample=Sample(
            at_ms=incident.sample.at_ms,
            event_id="",
            title=f"Metric alert: {change.title or 'without a name'}",
            web_url=change.url,
        ),
        alert=Alert(firing=change.alert_firing, services=services_of(change), since_ms=at_ms),
    )


def _changed(incident: Incident, change: StateChange, *, tick: int) -> Incident | None:
    level = LEVELS[change.action]
    alert = incident.alert
    assert alert is not None
    if change.alert_firing and change.alert_firing != alert.firing:
        # It fires anew, and its end before was never heard: the next end is that of this one.
        alert = msgspec.structs.replace(alert, firing=change.alert_firing)
    if level is incident.level:
        if alert == incident.alert:
            return None
        return msgspec.structs.replace(incident, alert=alert)
    return msgspec.structs.replace(
        incident,
        alert=msgspec.structs.replace(alert, since_ms=tick_start_ms(tick)),
        level=level,
        last_tick=tick,
        last_ms=tick_start_ms(tick),
        changes=incident.changes + 1,
        tell_tick=tick if alert.told_by else incident.tell_tick,
    )


def _ended(last: Incident | None, change: StateChange, *, tick: int) -> Incident | None:
    """Return the incident with its end, closed where it never was open here.

    An end that is heard before its beginning is kept, so that the beginning is known to be late.
    """
    if last is not None and last.open:
        alert = last.alert
        assert alert is not None
        if alert.firing and change.alert_firing and alert.firing != change.alert_firing:
            return None  # of an earlier firing
        return msgspec.structs.replace(last, last_tick=tick, last_ms=tick_start_ms(tick))
    if not change.alert_firing or (last is not None and last.opened_tick == tick):
        return None
    if last is not None and last.alert is not None and last.alert.firing == change.alert_firing:
        return None
    at_ms = tick_start_ms(tick)
    return Incident(
        id=incident_id(key_of(change), tick),
        key=key_of(change),
        opened_tick=tick,
        last_tick=tick,
        onset_tick=tick,
        closed_tick=tick,
        closed=Closed.SENTRY,
        first_ms=at_ms,
        last_ms=at_ms,
        level=LEVELS["warning"],
        events=sets.EMPTY,
        users=sets.EMPTY,
        sample=Sample(at_ms=at_ms, event_id="", title=""),
        alert=Alert(firing=change.alert_firing, services=services_of(change), since_ms=at_ms),
    )
