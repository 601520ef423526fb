"""Metrics that answer: is it delivering?

Calls to services, what became of them, and what waits.
"""

from __future__ import annotations

from typing import Final, get_args

from sinks.base import Found, Outcome
from sinks.entries import DeadReason, DropReason, HoldReason
from sinks.incident_looks import Look
from sinks.marks import RedriveOutcome
from sinks.watched import PageOutcome
from streams.metric_types import SINK, Label, Merge, counter, gauge, seconds, words

_FIRST_S: Final = (
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 300.0, 1_800.0),
)
"""Half a second is promised at the 99th percentile."""
_CALL_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""A call that takes longer than its sink's deadline, mostly 4 s, is cancelled."""
_DELIVERY_S: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)

_OUTCOMES: Final = tuple(one.__name__.lower() for one in (*get_args(Outcome), *get_args(Found)[1:]))

DELIVERING: Final = (
    counter(
        "deliveries",
        "deliveries",
        "Deliveries that came to an end, by how.",
        SINK,
        words("outcome", "delivered, `sinks.entries.DropReason`", ("delivered", *DropReason)),
    ),
    counter(
        "held_resolves",
        "resolves",
        "Resolves of pages whose successor did not come: kept open, or sent all the same.",
        SINK,
        words("reason", "`sinks.entries.HoldReason`", HoldReason),
    ),
    counter(
        "page_outcomes",
        "pages",
        "What became of pages at a destination: one can be handed to its fallback and come late.",
        SINK,
        words("outcome", "`sinks.watched.PageOutcome`", PageOutcome),
    ),
    seconds(
        "page_seconds", _DELIVERY_S, "From the page accepted by DELIVER to the page there.", SINK
    ),
    counter(
        "page_reminders",
        "messages",
        "Reminders of pages at chats that nobody had acknowledged, delivered.",
        SINK,
    ),
    counter(
        "delivery_attempts",
        "attempts",
        "Single calls to a service, by what it answered.",
        SINK,
        words("outcome", "the outcomes of `sinks.base`", _OUTCOMES),
        Label("reason", "the reasons of `sinks.base`; empty for an outcome that needs none"),
    ),
    counter(
        "possible_repeats",
        "attempts",
        "Messages sent again, and marked, because nobody could tell whether they had arrived.",
        SINK,
    ),
    counter(
        "pages_looked_for",
        "pages",
        "Pages that a pager took, by whether an incident came of them; no_incident: perhaps nobody "
        "was woken.",
        Label("destination", "the routing keys that are configured"),
        words("outcome", "`sinks.incident_looks.Look`", Look),
    ),
    gauge(
        "deliveries_waiting",
        "deliveries",
        "Deliveries waiting for their bucket, a penalty or a retry.",
        SINK,
    ),
    seconds(
        "delivery_seconds", _DELIVERY_S, "From the digest decided to the digest delivered.", SINK
    ),
    seconds(
        "first_delivery_seconds",
        _FIRST_S,
        "From the end of an incident's or storm's settle time to its first message there.",
        SINK,
    ),
    seconds(
        "call_seconds",
        _CALL_S,
        "From the begin of a call to a service to its answer.",
        Label("destination", "the destinations that are configured; `<sink>:other` for all others"),
    ),
    gauge(
        "oldest_undelivered_seconds",
        "seconds",
        "How long the oldest delivery that is not finished has waited.",
        SINK,
        merge=Merge.MAX,
    ),
    counter(
        "dead_letters",
        "deliveries",
        "Deliveries given up and kept with their reason.",
        SINK,
        words("reason", "`sinks.entries.DeadReason`", DeadReason),
    ),
    counter(
        "redriven",
        "deliveries",
        "Dead letters that were sent again by hand, by what became of them.",
        SINK,
        words("outcome", "`sinks.marks.RedriveOutcome`", RedriveOutcome),
    ),
    counter(
        "penalties", "penalties", "Times a service told us to wait (429 or Retry-After).", SINK
    ),
    counter(
        "refusals",
        "calls",
        "Calls that a service refused, by its own word.",
        SINK,
        Label(
            "reason",
            "the words of `sinks.slack_errors`, `status_404` and the like, `internal`, "
            "codes of SMTP, `other`",
        ),
    ),
    counter(
        "messages_cut",
        "messages",
        "Messages that were shortened to what a service takes, by what was too long.",
        SINK,
        Label("reason", "fields of a digest, `link`, `services`, `lines`, `text`, `size`"),
    ),
    counter(
        "template_failures",
        "messages",
        "Messages told in the ordinary form because their template failed.",
        SINK,
        Label("template", "the templates that are configured, and `critical`"),
    ),
)
