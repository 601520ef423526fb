"""Is it keeping up? Alerts about lag, stream time, partitions, processes, unreadable records."""

from __future__ import annotations

from observability.rules.made import Alert, Pace, Severity
from streams.processes import StageName
from streams.settings_heartbeat import LEAST_MS

BEHIND_S = 60
LEAST_BEHIND_S = 8
"""Of a trial: FINGERPRINT and CORRELATE are one to two seconds behind the clock at their best."""

LEAST_BEATS_S = 2 * LEAST_MS // 1000
"""Of a trial: as long as two heartbeats that follow each other as fast as may be configured."""


def alerts(pace: Pace) -> tuple[Alert, ...]:
    """Return them at this pace."""
    return (*_lag(pace), *_processes(pace), *_records(pace))


def _lag(pace: Pace) -> tuple[Alert, ...]:
    behind_s = pace.seconds("1m", least_s=LEAST_BEHIND_S)
    none = pace.window("3m", least_s=2 * LEAST_BEHIND_S)
    return (
        Alert(
            "StormfoldBehind",
            Severity.PAGE,
            f"stage:stormfold_behind_seconds:max > {behind_s}",
            "{{ $labels.stage }} is {{ $value | humanizeDuration }} behind the clock",
            hold="2m",
        ),
        Alert(
            "StormfoldWatermarkStuck",
            Severity.PAGE,
            # A lag stands still with the process that tells it; what is behind a time grows.
            "time() - min(stormfold_applied_time_seconds) > "
            f"{pace.seconds('2m', least_s=LEAST_BEHIND_S)}\n"
            # A process that dies before it has restored its state tells none.
            f"or absent_over_time(stormfold_applied_time_seconds[{none}])",
            "No second of stream time was decided for three minutes",
            hold="1m",
        ),
        Alert(
            "StormfoldStall",
            Severity.TICKET,
            f"sum(increase(stormfold_stalls_total[{pace.window('10m')}])) > 0",
            "A source partition was left out because it stood still",
        ),
        Alert(
            "StormfoldSourceExcluded",
            Severity.PAGE,
            "max(stormfold_excluded_sources) > 0",
            "Incidents are decided without a source partition: its events come late",
            hold="5m",
        ),
    )


def _processes(pace: Pace) -> tuple[Alert, ...]:
    beats = pace.window("10m", least_s=LEAST_BEATS_S)
    return (
        Alert(
            "StormfoldPartitionParked",
            Severity.PAGE,
            "sum(stormfold_parked_partitions) > 0",
            "A partition ended its process again and again at one offset and stands still",
        ),
        Alert(
            "StormfoldStageMissing",
            Severity.PAGE,
            # Of all workers together: one of them may run this stage for the others, and where
            # none is told to, there is no number at all.
            'sum by (stage) (stormfold_stage_processes{kind="running"}) == 0'
            + "".join(
                f'\nor absent(stormfold_stage_processes{{stage="{stage}", kind="running"}})'
                for stage in StageName
            ),
            "No process of {{ $labels.stage }} runs",
            hold="1m",
        ),
        Alert(
            "StormfoldWorkerParked",
            Severity.TICKET,
            'sum by (stage) (stormfold_stage_processes{kind="parked"}) > 0',
            "A process of {{ $labels.stage }} died again and again and is parked; the others go on",
        ),
        Alert(
            "StormfoldRestarts",
            Severity.TICKET,
            f"sum by (stage) (increase(stormfold_restarts_total[{pace.window('15m')}])) > 3",
            "{{ $labels.stage }} is started again and again",
        ),
        Alert(
            # The service behind the address wakes somebody; this says of what the heart stopped.
            # An increase is drawn out to its window, so that one may look like 1.1.
            "StormfoldHeartbeatLost",
            Severity.TICKET,
            "sum by (outcome) (increase(stormfold_heartbeats_total"
            f'{{outcome=~"lost|not_sent|not_pinged"}}[{beats}])) > 1.5',
            "Heartbeats do not arrive: {{ $labels.outcome }}",
        ),
        Alert(
            "StormfoldConfigurationRefused",
            Severity.TICKET,
            "max(stormfold_config_refused) > 0",
            "A changed stormfold.yaml was refused, and the old one goes on",
        ),
    )


def _records(pace: Pace) -> tuple[Alert, ...]:
    lately = pace.window("10m")
    return (
        Alert(
            "StormfoldQuarantine",
            Severity.TICKET,
            f"sum by (reason) (increase(stormfold_quarantined_total[{lately}])) > 0",
            "Records could not be read and wait in the quarantine: {{ $labels.reason }}",
        ),
        Alert(
            "StormfoldFrozen",
            Severity.TICKET,
            f"sum(increase(stormfold_frozen_entries_total[{lately}])) > 0",
            "An incident or a storm raised when it was due and decides nothing any more",
        ),
        Alert(
            "StormfoldDeletedUnread",
            Severity.PAGE,
            f"sum by (stage) (increase(stormfold_deleted_unread_total[{lately}])) > 0",
            "Retention deleted records before {{ $labels.stage }} had read them",
        ),
    )
