"""Is everything taken in? Alerts about intake, and about the processes being there at all."""

from __future__ import annotations

from observability.rules.made import Alert, Pace, Severity

ACCEPTED = 'stormfold_intake_requests_total{outcome="accepted"}'
TURNED_AWAY = 'stormfold_intake_requests_total{outcome=~"kafka_timeout|kafka_failed|overloaded"}'


def alerts(pace: Pace) -> tuple[Alert, ...]:
    """Return them at this pace."""
    return (
        Alert(
            "StormfoldDown",
            Severity.PAGE,
            # A target that is gone, such as a pod, is told as nothing and not as nought.
            'max by (job) (up{job=~"stormfold-.*"}) == 0\n'
            'or absent(up{job="stormfold-intake"})\n'
            'or absent(up{job="stormfold-worker"})',
            "No {{ $labels.job }} answers",
            hold="1m",
        ),
        Alert(
            "StormfoldOneDown",
            Severity.TICKET,
            'up{job=~"stormfold-.*"} == 0\n'
            'and on (job) max by (job) (up{job=~"stormfold-.*"}) == 1',
            "{{ $labels.job }} at {{ $labels.instance }} does not answer, and others do",
            hold="5m",
        ),
        Alert(
            "StormfoldNoWebhooks",
            Severity.PAGE,
            f"sum(increase({ACCEPTED}[{pace.window('30m')}])) == 0\n"
            # Ten in half an hour are usual: that none comes by chance happens once in a year.
            f"and sum(increase({ACCEPTED}[{pace.window('1d')}])) > 480",
            "Sentry has told nothing for half an hour, where it tells much in a day",
        ),
        Alert(
            "StormfoldIntakeRefusesEvents",
            Severity.PAGE,
            f"sum by (outcome) (rate({TURNED_AWAY}[{pace.window('5m')}])) > 0",
            "Intake turns events away: {{ $labels.outcome }}",
            # As long as the window: a moment without Kafka wakes nobody; a budget is faster.
            hold="5m",
        ),
        Alert(
            "StormfoldSignaturesRefused",
            Severity.PAGE,
            "sum(rate(stormfold_intake_requests_total{outcome="
            f'"no_secret_matches"}}[{pace.window("5m")}]))\n'
            f"> sum(rate({ACCEPTED}[{pace.window('5m')}]))",
            "Most webhooks are signed with a secret that intake does not know",
            hold="5m",
        ),
        Alert(
            "StormfoldPagerDutyNotUnderstood",
            Severity.TICKET,
            "sum by (outcome) (increase(stormfold_pagerduty_webhooks_total"
            f'{{outcome=~"cannot_tell|no_token|unreadable"}}[{pace.window("15m")}])) > 0',
            "What people did in PagerDuty is not seen here: {{ $labels.outcome }}",
        ),
        Alert(
            "StormfoldSlackNotTaken",
            Severity.TICKET,
            "sum by (outcome) (increase(stormfold_slack_requests_total{outcome="
            '~"no_secret_matches|stale_timestamp|kafka_failed|kafka_timeout"}'
            f"[{pace.window('15m')}])) > 0",
            "What people press and say in Slack is not taken: {{ $labels.outcome }}",
        ),
    )
