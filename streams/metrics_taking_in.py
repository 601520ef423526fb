"""Metrics that answer: is it taking everything in?

What comes in over HTTP, and what FINGERPRINT reads of it.
"""

from __future__ import annotations

from typing import Final

from correlators.events import KNOWN_RESOURCES
from correlators.wire_read import Reason
from sinks.pagerduty_heard import TYPES, Meaning
from sinks.sentry_counted import OUTCOMES as OUTCOMES_COUNTED
from streams.intake_checks import OTHER_RESOURCE, Answer
from streams.metric_types import Merge, counter, gauge, seconds, words
from streams.slack_inbound import OUTCOMES
from streams.slack_inbound import Kind as SlackKind

_RESOURCES: Final = (*sorted(KNOWN_RESOURCES), OTHER_RESOURCE)
_RECORDS: Final = ("event", "state_change", "mark", "unreadable", "heartbeat")

_ANSWER_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 2.5)
"""The promise is 50 ms; Sentry itself waits one second, and Kafka may take 0.8 s."""

TAKING_IN: Final = (
    counter(
        "intake_requests",
        "requests",
        "Webhook requests answered by intake, by what became of them.",
        words("outcome", "`streams.intake_checks.Answer`", Answer),
    ),
    counter(
        "intake_resources",
        "requests",
        "Accepted webhook requests by Sentry resource: events in.",
        words("resource", "Sentry's documented resources, and `other`", _RESOURCES),
    ),
    counter(
        "intake_repeats", "requests", "Accepted webhook requests whose body intake has seen lately."
    ),
    seconds(
        "intake_answer_seconds",
        _ANSWER_S,
        "From the whole body read to the answer, Kafka's word included.",
    ),
    gauge(
        "last_webhook_time_seconds",
        "seconds",
        "When Sentry's last webhook was accepted, in seconds since the epoch; until there is one, "
        "since when intake waits for it.",
        merge=Merge.MAX,
    ),
    gauge(
        "sentry_events",
        "events",
        "Errors that Sentry itself counted in the last whole hour, by what it did with them.",
        words("outcome", "`sinks.sentry_counted.OUTCOMES`", OUTCOMES_COUNTED),
        merge=Merge.MAX,
    ),
    gauge(
        "sentry_counted_time_seconds",
        "seconds",
        "When the hour began that Sentry was asked for last, in seconds since the epoch.",
        merge=Merge.MAX,
    ),
    counter(
        "pagerduty_webhooks",
        "webhooks",
        "Webhooks that PagerDuty signed, by what they meant.",
        words("kind", "`sinks.pagerduty_heard.TYPES`", TYPES),
        words("outcome", "`sinks.pagerduty_heard.Meaning`", Meaning),
    ),
    counter(
        "slack_requests",
        "requests",
        "What came back from Slack, by HTTP and by Socket Mode, by what it was and what became of "
        "it.",
        words("kind", "`streams.slack_inbound.Kind`", SlackKind),
        words("outcome", "`streams.slack_inbound.OUTCOMES`", OUTCOMES),
    ),
    counter(
        "events",
        "records",
        "Records read by FINGERPRINT.",
        words("kind", "event, state_change, mark, unreadable; heartbeat is no event", _RECORDS),
    ),
    counter(
        "belated_events",
        "events",
        "Events that happened long before they stood in the log; folded apart.",
    ),
    counter(
        "quarantined",
        "records",
        "Records put into the quarantine, by why they could not be used.",
        words(
            "reason",
            "`correlators.wire_read.Reason`; delta, delta_batch, act, digest",
            (*Reason, "delta", "delta_batch", "act", "digest"),
        ),
    ),
)
