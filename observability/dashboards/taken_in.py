"""A row of the pipeline's dashboard: is everything taken in?"""

from __future__ import annotations

from typing import Final

from observability.dashboards.made import Row
from observability.dashboards.panels import Colour, Query, Unit, lines, number, one_each, quantiles

TAKEN_IN: Final = Row(
    "Is it taking everything in?",
    (
        lines(
            "Webhooks by answer",
            "What became of requests: what is not accepted is not kept.",
            Query(
                "sum by (outcome) (rate(stormfold_intake_requests_total[$__rate_interval])) > 0",
                "{{outcome}}",
            ),
            unit=Unit.PER_SECOND,
        ),
        lines(
            "Webhooks by resource",
            "What was accepted, as Sentry calls it; compare with what Sentry says it has sent.",
            Query(
                "sum by (resource) (rate(stormfold_intake_resources_total[$__rate_interval])) > 0",
                "{{resource}}",
            ),
            unit=Unit.PER_SECOND,
        ),
        lines(
            "Errors that Sentry counted, an hour",
            "What Sentry did with the errors of its last hour, and the error webhooks of an hour.",
            Query("max by (outcome) (stormfold_sentry_events) > 0", "Sentry: {{outcome}}"),
            Query(
                'sum(increase(stormfold_intake_resources_total{resource="error"}[1h]))',
                "came as webhooks",
            ),
            none="not asked for",
        ),
        number(
            "Sentry's counts",
            "Since the begin of the hour that Sentry was asked for last: they are an hour old.",
            "time() - max(stormfold_sentry_counted_time_seconds > 0)",
            unit=Unit.SECONDS,
            height=8,
            none="not asked for",
        ),
        number(
            "Came of those",
            "The part of the errors that Sentry accepted that came as webhooks: about 100 % where "
            "all are sent.",
            'sum(increase(stormfold_intake_resources_total{resource="error"}[1h]))\n'
            '/ (max(stormfold_sentry_events{outcome="accepted"}) > 0)',
            unit=Unit.PART,
            none="not asked for",
            height=8,
        ),
        number(
            "Webhooks again",
            "Webhooks of this time whose body intake had seen lately.",
            "sum(increase(stormfold_intake_repeats_total[$__range]))",
            unit=Unit.COUNT,
            height=8,
            decimals=0,
        ),
        lines(
            "Time to answer",
            "From the whole body read to the answer, Kafka's word included; Sentry waits for it.",
            *quantiles("stormfold_intake_answer_seconds"),
            unit=Unit.SECONDS,
        ),
        one_each(
            "Budgets of what is promised",
            "How fast each budget is used up in the last hour: 1 lasts exactly its month.",
            Query(
                "promise:stormfold_failed:ratio_rate1h / promise:stormfold_budget:ratio",
                "{{promise}}",
            ),
            above=((1, Colour.CARE), (14.4, Colour.BAD)),
            none="nothing to count",
        ),
    ),
)
