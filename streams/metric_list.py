"""What Stormfold counts and measures: one typed list.

`METRICS` is the only place where a metric is named. The Prometheus objects are made from it in
`streams.metrics`, `docs/metrics.md` is printed from it, and the dashboard and the alert rules are
tested against it. Values only: nothing here counts.

Every label is bounded: its values are an enum's words, a stage, a sink or a partition number, never
an id, an address or a text from an event.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from correlators.acts import ACT_KINDS, ActOutcome
from correlators.events import KNOWN_RESOURCES
from correlators.responses import Asked
from correlators.types import DigestKind, Level, PageReason, Suppression
from sinks.entries import DeadReason, DropReason, HoldReason
from sinks.incident_looks import Look
from sinks.marks import RedriveOutcome
from sinks.pagerduty_heard import TYPES, Meaning
from sinks.watched import PageOutcome
from streams.config_files import Reread
from streams.intake_checks import OTHER_RESOURCE, Answer
from streams.processes import Standing
from streams.slack_inbound import OUTCOMES
from streams.slack_inbound import Kind as SlackKind

RESPONSE_SECONDS: Final = (
    *(15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0),
    *(3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0),
)
"""How long people take: from seconds to a day."""

PREFIX: Final = "stormfold_"
"""What every exposed name begins with."""


class Kind(StrEnum):
    """How a metric behaves; the words are Prometheus's own."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """How one gauge of several child processes becomes one number; all else is added."""

    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Label:
    """One label, what bounds its values, and the values themselves where they are known before.

    A counter whose labels are all known is told from the start, at nought: a rate over a series
    that only appears with its first event would not see that event.
    """

    name: str
    bound: str
    words: tuple[str, ...] = ()


def _words(name: str, bound: str, words: Iterable[StrEnum | str]) -> Label:
    return Label(name, bound, tuple(str(word) for word in words))


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the list: everything that is known about a metric before it has a value.

    Args:
        name: the attribute of `Metrics`; exposed with `PREFIX`, and with `_total` for a counter.
        kind: counter, gauge or histogram.
        help: one sentence for the reader of a dashboard.
        labels: in the order in which they are shown.
        unit: what is counted, or `seconds`; a name that measures time ends with it.
        buckets: a histogram's upper bounds, ascending, without infinity.
        merge: a gauge's way to one number over child processes.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    merge: Merge = Merge.SUM

    def __post_init__(self) -> None:
        """Check that buckets belong to a histogram and ascend."""
        assert (self.kind is Kind.HISTOGRAM) == bool(self.buckets), self.name
        assert list(self.buckets) == sorted(set(self.buckets)), self.name

    @property
    def exposed(self) -> str:
        """Return the name by which Prometheus knows the metric."""
        return PREFIX + self.name + ("_total" if self.kind is Kind.COUNTER else "")

    @property
    def samples(self) -> tuple[str, ...]:
        """Return every sample name that a scrape of this metric can hold."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(self.exposed + part for part in ("_bucket", "_count", "_sum"))
        return (self.exposed,)


def _counter(name: str, unit: str, help: str, *labels: Label) -> Metric:
    return Metric(name, Kind.COUNTER, help, labels, unit)


def _gauge(name: str, unit: str, help: str, *labels: Label, merge: Merge = Merge.SUM) -> Metric:
    return Metric(name, Kind.GAUGE, help, labels, unit, merge=merge)


def _seconds(name: str, buckets: tuple[float, ...], help: str, *labels: Label) -> Metric:
    return Metric(name, Kind.HISTOGRAM, help, labels, "seconds", buckets)


_STAGE: Final = Label(
    "stage", "fingerprint, correlate, deliver", ("fingerprint", "correlate", "deliver")
)
_SINK: Final = Label("sink", "the sinks that are configured")
_RESPONSE: Final = (
    _words("level", "`correlators.types.Level`", Level),
    _words("urgency", "`correlators.responses.Asked`: somebody was paged for it, or not", Asked),
)
_PARTITION: Final = Label(
    "partition", "partitions of the stage's input topic; `<topic>-<n>` of a self-hosted Sentry's"
)

_RESOURCES: Final = (*sorted(KNOWN_RESOURCES), OTHER_RESOURCE)
_RECORDS: Final = ("event", "state_change", "mark", "unreadable")

_ANSWER_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.5)
_TRANSACTION_S: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_DELIVERY_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)

METRICS: Final[tuple[Metric, ...]] = (
    _counter(
        "intake_requests",
        "requests",
        "Webhook requests answered by intake, by what became of them.",
        _words("outcome", "`streams.intake_checks.Answer`", Answer),
    ),
    _counter(
        "intake_resources",
        "requests",
        "Accepted webhook requests by Sentry resource: events in.",
        _words("resource", "Sentry's documented resources, and `other`", _RESOURCES),
    ),
    _counter(
        "intake_repeats", "requests", "Accepted webhook requests whose body intake has seen lately."
    ),
    _seconds(
        "intake_answer_seconds",
        _ANSWER_S,
        "From the whole body read to the answer, Kafka's word included.",
    ),
    _counter(
        "pagerduty_webhooks",
        "webhooks",
        "Webhooks that PagerDuty signed, by what they meant.",
        _words("kind", "`sinks.pagerduty_heard.TYPES`", TYPES),
        _words("outcome", "`sinks.pagerduty_heard.Meaning`", Meaning),
    ),
    _counter(
        "slack_requests",
        "requests",
        "What came back from Slack, by HTTP and by Socket Mode, by what it was and what became of "
        "it.",
        _words("kind", "`streams.slack_inbound.Kind`", SlackKind),
        _words("outcome", "`streams.slack_inbound.OUTCOMES`", OUTCOMES),
    ),
    _counter(
        "events",
        "records",
        "Records read by FINGERPRINT.",
        _words("kind", "event, state_change, mark, unreadable", _RECORDS),
    ),
    _counter(
        "quarantined",
        "records",
        "Records put into the quarantine, by why they could not be used.",
        Label("reason", "`correlators.wire_read.Reason`; delta, delta_batch, act, digest"),
    ),
    _counter(
        "frozen_entries",
        "entries",
        "Incidents and storms that decide nothing any more: they raised when they were due.",
    ),
    _counter(
        "raised_times",
        "records",
        "Records whose time went back and was raised to the highest before it.",
    ),
    _counter("deltas", "deltas", "Deltas written by FINGERPRINT."),
    _counter(
        "late_deltas",
        "deltas",
        "Deltas that came after their tick was applied, and joined the current one.",
    ),
    _counter(
        "repeated_deltas",
        "deltas",
        "Deltas that came again, after a crash or a rebalance, and were passed over.",
    ),
    _gauge(
        "held_deltas",
        "deltas",
        "Deltas and state changes that wait until every source partition has passed their tick.",
    ),
    _counter(
        "belated_events",
        "events",
        "Events that happened long before they stood in the log; folded apart.",
    ),
    _counter(
        "signature_cache",
        "look-ups",
        "Look-ups in the cache of finished signatures.",
        Label("result", "hit, miss", ("hit", "miss")),
    ),
    _counter("ticks", "ticks", "Ticks of stream time applied by CORRELATE, over its partitions."),
    _gauge(
        "tick_lag_seconds",
        "seconds",
        "How far the stage's stream time is behind the clock, the slowest partition.",
        _STAGE,
        merge=Merge.MAX,
    ),
    _gauge(
        "source_held_bytes",
        "bytes",
        "Bytes of records that the stage has fetched and not worked on: bounded for each process.",
        _STAGE,
    ),
    _gauge(
        "source_lag_records",
        "records",
        "Records of the input not yet read by the stage.",
        _STAGE,
        _PARTITION,
        merge=Merge.MAX,
    ),
    _counter(
        "digests",
        "digests",
        "Digest revisions decided by CORRELATE: digests out.",
        _words("kind", "`correlators.types.DigestKind`", DigestKind),
    ),
    _counter(
        "suppressed",
        "digests",
        "Digests that were held back, by the reason that is written down for each.",
        _words("reason", "`correlators.types.Suppression`", Suppression),
        Label(
            "rule",
            "rules, periods, inhibitions and reports of the configuration; empty for the others",
        ),
    ),
    _counter(
        "acts",
        "acts",
        "Decisions of people that reached CORRELATE, by what became of them.",
        _words("act", "the kinds of `correlators.acts.Act`", ACT_KINDS),
        _words("outcome", "`correlators.acts.ActOutcome`", ActOutcome),
    ),
    _seconds(
        "acknowledge_seconds",
        RESPONSE_SECONDS,
        "From the begin of an incident or a storm to the act of whoever first had it.",
        *_RESPONSE,
    ),
    _seconds(
        "resolve_seconds",
        RESPONSE_SECONDS,
        "From its begin to the act that ended it; what ended by quiet, or in Sentry, is not in it.",
        *_RESPONSE,
    ),
    _counter(
        "false_alarms",
        "incidents",
        "Incidents and storms of which somebody said that nothing was wrong.",
        *_RESPONSE,
    ),
    _gauge("incidents_open", "incidents", "Incidents that are open now."),
    _gauge("storms_open", "storms", "Storms that are open now."),
    _gauge(
        "unconfirmed",
        "incidents",
        "Incidents and storms that are quiet, and not confirmed to be over: somebody is not heard.",
    ),
    _counter(
        "pages",
        "digests",
        "Digests that page somebody, by the rule that decided it.",
        _words("reason", "`correlators.types.PageReason`", PageReason),
    ),
    _counter(
        "transactions",
        "transactions",
        "Kafka transactions of a stage, by how they ended.",
        _STAGE,
        Label("outcome", "committed, or too_slow: larger than a transaction may be"),
    ),
    _seconds(
        "transaction_seconds",
        _TRANSACTION_S,
        "From the begin of a Kafka transaction to its commit.",
        _STAGE,
    ),
    _counter(
        "deliveries",
        "deliveries",
        "Deliveries that came to an end, by how.",
        _SINK,
        _words("outcome", "delivered, `sinks.entries.DropReason`", ("delivered", *DropReason)),
    ),
    _counter(
        "held_resolves",
        "resolves",
        "Resolves of pages whose successor did not come: kept open, or sent all the same.",
        _SINK,
        _words("reason", "`sinks.entries.HoldReason`", HoldReason),
    ),
    _counter(
        "page_outcomes",
        "pages",
        "What became of pages at a destination: one can be handed to its fallback and come late.",
        _SINK,
        _words("outcome", "`sinks.watched.PageOutcome`", PageOutcome),
    ),
    _seconds(
        "page_seconds", _DELIVERY_S, "From the page accepted by DELIVER to the page there.", _SINK
    ),
    _counter(
        "page_reminders",
        "messages",
        "Reminders of pages at chats that nobody had acknowledged, delivered.",
        _SINK,
    ),
    _counter(
        "delivery_attempts",
        "attempts",
        "Single calls to a service, by what it answered.",
        _SINK,
        Label("outcome", "the outcomes of `sinks.base`"),
    ),
    _counter(
        "possible_repeats",
        "attempts",
        "Messages sent again, and marked, because nobody could tell whether they had arrived.",
        _SINK,
    ),
    _counter(
        "pages_looked_for",
        "pages",
        "Pages that a pager took, by whether an incident came of them; no_incident: perhaps nobody "
        "was woken.",
        Label("destination", "the routing keys that are configured"),
        _words("outcome", "`sinks.incident_looks.Look`", Look),
    ),
    _gauge(
        "deliveries_waiting",
        "deliveries",
        "Deliveries waiting for their bucket, a penalty or a retry.",
        _SINK,
    ),
    _seconds(
        "delivery_seconds", _DELIVERY_S, "From the digest decided to the digest delivered.", _SINK
    ),
    _counter(
        "dead_letters",
        "deliveries",
        "Deliveries given up and kept with their reason.",
        _SINK,
        _words("reason", "`sinks.entries.DeadReason`", DeadReason),
    ),
    _counter(
        "redriven",
        "deliveries",
        "Dead letters that were sent again by hand, by what became of them.",
        _SINK,
        _words("outcome", "`sinks.marks.RedriveOutcome`", RedriveOutcome),
    ),
    _counter(
        "penalties", "penalties", "Times a service told us to wait (429 or Retry-After).", _SINK
    ),
    _counter(
        "refusals",
        "calls",
        "Calls that a service refused, by its own word.",
        _SINK,
        Label(
            "reason",
            "the words of `sinks.slack_errors`, `status_404` and the like, `internal`, "
            "codes of SMTP, `other`",
        ),
    ),
    _counter(
        "messages_cut",
        "messages",
        "Messages that were shortened to what a service takes, by what was too long.",
        _SINK,
        Label("reason", "fields of a digest, `link`, `services`, `lines`, `text`, `size`"),
    ),
    _counter(
        "template_failures",
        "messages",
        "Messages told in the ordinary form because their template failed.",
        _SINK,
        Label("template", "the templates that are configured, and `critical`"),
    ),
    _counter(
        "stalls",
        "stalls",
        "Source partitions left out because they stood still while others moved on.",
    ),
    _gauge(
        "excluded_sources",
        "partitions",
        "Source partitions that are left out now, over all partitions of CORRELATE.",
    ),
    _gauge(
        "paused_partitions",
        "partitions",
        "Partitions not read for now: they are far ahead of the slowest, or of CORRELATE.",
        _STAGE,
    ),
    _gauge(
        "parked_partitions",
        "partitions",
        "Partitions not read any more: each ended its process again and again at one offset.",
    ),
    _counter(
        "deleted_unread",
        "records",
        "Records that retention deleted before their stage had read them: they are lost.",
        _STAGE,
    ),
    _counter("restarts", "restarts", "Stage processes restarted by the parent.", _STAGE),
    _gauge(
        "stage_processes",
        "processes",
        "Processes of a stage under this parent: that run, between a death and a start, or parked "
        "since they died again and again while others go on.",
        _STAGE,
        _words("kind", "`streams.processes.Standing`", Standing),
    ),
    _counter(
        "config_reloads",
        "reloads",
        "Times the configuration was read again, by what became of it.",
        _words("outcome", "`streams.config_files.Reread`", Reread),
    ),
    _gauge(
        "config_refused",
        "files",
        "1 while the configuration that was read last is refused, and an older one goes on.",
        merge=Merge.MAX,
    ),
    _gauge(
        "config_time_seconds",
        "seconds",
        "When the configuration that runs was taken, in seconds since the epoch.",
        merge=Merge.MAX,
    ),
)
"""Every metric there is, in the way of the data."""
