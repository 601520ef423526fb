"""Metrics that answer: is it helping?

What became of all the events for people: what they were told and spared, and how fast they were.
"""

from __future__ import annotations

from typing import Final

from correlators.acts import ACT_KINDS, ActOutcome
from correlators.decisions import Kind as DecisionKind
from correlators.responses import Asked
from correlators.types import DigestKind, Level, PageReason, Suppression
from streams.metric_types import Label, counter, gauge, seconds, words

RESPONSE_SECONDS: Final = (
    *(15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0),
    *(3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0),
)
"""How long people take: from seconds to a day."""

_RESPONSE: Final = (
    words("level", "`correlators.types.Level`", Level),
    words("urgency", "`correlators.responses.Asked`: somebody was paged for it, or not", Asked),
)

HELPING: Final = (
    counter(
        "decisions",
        "decisions",
        "What CORRELATE decided, by what it was: incidents and storms that open, join and close, "
        "what is told, held back, paged.",
        words("kind", "`correlators.decisions.Kind`", DecisionKind),
    ),
    counter(
        "digests",
        "digests",
        "Digest revisions decided by CORRELATE: digests out.",
        words("kind", "`correlators.types.DigestKind`", DigestKind),
    ),
    counter(
        "suppressed",
        "digests",
        "Digests that were held back, by the reason that is written down for each.",
        words("reason", "`correlators.types.Suppression`", Suppression),
        Label(
            "rule",
            "rules, periods, inhibitions and reports of the configuration; empty for the others",
        ),
    ),
    counter(
        "acts",
        "acts",
        "Decisions of people that reached CORRELATE, by what became of them.",
        words("act", "the kinds of `correlators.acts.Act`", ACT_KINDS),
        words("outcome", "`correlators.acts.ActOutcome`", ActOutcome),
    ),
    seconds(
        "acknowledge_seconds",
        RESPONSE_SECONDS,
        "From the begin of an incident or a storm to the act of whoever first had it.",
        *_RESPONSE,
    ),
    seconds(
        "resolve_seconds",
        RESPONSE_SECONDS,
        "From its begin to the act that ended it; what ended by quiet, or in Sentry, is not in it.",
        *_RESPONSE,
    ),
    counter(
        "false_alarms",
        "incidents",
        "Incidents and storms of which somebody said that nothing was wrong.",
        *_RESPONSE,
    ),
    gauge("incidents_open", "incidents", "Incidents that are open now."),
    gauge("storms_open", "storms", "Storms that are open now."),
    gauge(
        "unconfirmed",
        "incidents",
        "Incidents and storms that are quiet, and not confirmed to be over: somebody is not heard.",
    ),
    counter(
        "pages",
        "digests",
        "Digests that page somebody, by the rule that decided it.",
        words("reason", "`correlators.types.PageReason`", PageReason),
    ),
)
