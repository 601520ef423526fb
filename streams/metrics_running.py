"""Metrics of Stormfold itself: its processes, its configuration, its dead-man's switch."""

from __future__ import annotations

from typing import Final

from streams.beating import Beaten
from streams.config_files import Reread
from streams.metric_types import STAGE, Merge, counter, gauge, words
from streams.processes import Standing

RUNNING: Final = (
    counter("restarts", "restarts", "Stage processes restarted by the parent.", STAGE),
    gauge(
        "stage_processes",
        "processes",
        "Processes of a stage under this parent: that run, between a death and a start, or parked "
        "since they died again and again while others go on.",
        STAGE,
        words("kind", "`streams.processes.Standing`", Standing),
    ),
    counter(
        "frozen_entries",
        "entries",
        "Incidents and storms that decide nothing any more: they raised when they were due.",
    ),
    counter(
        "heartbeats",
        "beats",
        "Made-up events that were sent the whole way, by what became of them.",
        words("outcome", "`streams.beating.Beaten`", Beaten),
    ),
    gauge(
        "heartbeat_time_seconds",
        "seconds",
        "When the heartbeat address took the last ping, in seconds since the epoch.",
        merge=Merge.MAX,
    ),
    counter(
        "config_reloads",
        "reloads",
        "Times the configuration was read again, by what became of it.",
        words("outcome", "`streams.config_files.Reread`", Reread),
    ),
    gauge(
        "config_refused",
        "files",
        "1 while the configuration that was read last is refused, and an older one goes on.",
        merge=Merge.MAX,
    ),
    gauge(
        "config_time_seconds",
        "seconds",
        "When the configuration that runs was taken, in seconds since the epoch.",
        merge=Merge.MAX,
    ),
)
