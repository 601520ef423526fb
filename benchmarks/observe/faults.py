"""The faults: what is done to a running installation, and the alerts that are for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.observe.damage import deleted_unread, entry_is_damaged
from benchmarks.observe.trouble import (
    Made,
    configuration_is_wrong,
    dies_again_and_again,
    flood,
    intake_ends,
    kafka_hangs,
    member_never_reads,
    nobody_can_be_paged,
    one_of_two_dies,
    pager_is_down,
    pager_wakes_nobody,
    pagerduty_says_something_else,
    pings_are_refused,
    record_kills,
    second_intake_is_killed,
    secret_replaced,
    sentry_is_silent,
    slack_is_down,
    slack_refuses_one,
    slack_signed_otherwise,
    suspended,
    unreadable_record,
)
from benchmarks.observe.world import World


@dataclass(frozen=True)
class Fault:
    """One fault.

    Args:
        alerts: that are for it.
        what: is done, for people.
        make: does it; what it does ends with the context.
        also: what may fire beside it, since it is so too.
        within_s: how long it may take until they fire.
        stays: what it does does not end by itself.
    """

    alerts: tuple[str, ...]
    what: str
    make: Callable[[World], Made]
    also: frozenset[str] = frozenset()
    within_s: float = 60.0
    stays: bool = False


STUCK: Final = frozenset({"StormfoldWatermarkStuck", "StormfoldBehind", "StormfoldHeartbeatLost"})
BURNS: Final = frozenset({"StormfoldBudgetBurnsFast", "StormfoldBudgetBurns"})

FAULTS: Final = (
    Fault(
        ("StormfoldDown",),
        "both intakes are ended",
        intake_ends,
        # Nobody takes heartbeats either, and intake may be slow to start.
        frozenset({"StormfoldNoWebhooks", "StormfoldHeartbeatLost"}),
    ),
    Fault(("StormfoldOneDown",), "the second of two intakes is killed", second_intake_is_killed),
    Fault(("StormfoldNoWebhooks",), "Sentry tells nothing", sentry_is_silent, within_s=90.0),
    Fault(("StormfoldSignaturesRefused",), "the client secret is replaced", secret_replaced),
    Fault(
        ("StormfoldIntakeRefusesEvents", "StormfoldBudgetBurnsFast"),
        "the broker is suspended (SIGSTOP)",
        kafka_hangs,
        STUCK | BURNS | {"StormfoldNothingDelivered", "StormfoldNoWebhooks"},
    ),
    Fault(
        ("StormfoldWatermarkStuck",),
        "CORRELATE is suspended (SIGSTOP)",
        suspended("correlate"),
        STUCK,
    ),
    Fault(
        ("StormfoldBehind",),
        "FINGERPRINT is suspended (SIGSTOP)",
        suspended("fingerprint"),
        STUCK,
    ),
    Fault(
        ("StormfoldStall", "StormfoldSourceExcluded"),
        "a member of FINGERPRINT's group holds partitions and reads nothing",
        member_never_reads,
        STUCK | {"StormfoldStall"},
        within_s=150.0,
    ),
    Fault(
        ("StormfoldRestarts", "StormfoldStageMissing"),
        "DELIVER is killed whenever it runs",
        dies_again_and_again,
        frozenset({"StormfoldStageMissing", "StormfoldNothingDelivered", "StormfoldWorkerParked"}),
    ),
    Fault(
        ("StormfoldConfigurationRefused",),
        "a configuration with a mistake, and SIGHUP",
        configuration_is_wrong,
    ),
    Fault(("StormfoldQuarantine",), "a signed body that is no JSON", unreadable_record),
    Fault(
        ("StormfoldDeletedUnread",),
        "records are deleted while FINGERPRINT is suspended, then it is killed",
        deleted_unread,
        STUCK,
    ),
    Fault(("StormfoldDeadLetters",), "Slack refuses one message for good", slack_refuses_one),
    Fault(
        ("StormfoldSinkFailing",),
        "Slack answers 503",
        slack_is_down,
        frozenset({"StormfoldBacklog"}),
        within_s=120.0,
    ),
    Fault(
        ("StormfoldNothingDelivered",),
        "DELIVER is suspended (SIGSTOP) while new things break",
        suspended("deliver", breaking=True),
        frozenset({"StormfoldBacklog"}),  # what DELIVER held when it stopped waits on
    ),
    Fault(
        ("StormfoldBacklog",),
        "forty new errors at once, for one channel",
        flood,
        BURNS,
    ),
    Fault(
        ("StormfoldPageLate",),
        "PagerDuty answers 503 to a page",
        pager_is_down,
        BURNS | {"StormfoldSinkFailing", "StormfoldBacklog"},
        within_s=120.0,
    ),
    Fault(
        ("StormfoldPageLost",),
        "PagerDuty refuses a page, and Slack its fallback",
        nobody_can_be_paged,
        BURNS | {"StormfoldDeadLetters", "StormfoldPageLate", "StormfoldSinkFailing"},
    ),
    Fault(
        ("StormfoldPageNoIncident",),
        "PagerDuty takes a page and suppresses it",
        pager_wakes_nobody,
        within_s=240.0,
    ),
    Fault(
        ("StormfoldSlackNotTaken",), "a button signed with another secret", slack_signed_otherwise
    ),
    Fault(
        ("StormfoldPagerDutyNotUnderstood",),
        "a signed webhook of PagerDuty that cannot be read",
        pagerduty_says_something_else,
    ),
    Fault(
        ("StormfoldHeartbeatLost",),
        "the heartbeat address answers 503",
        pings_are_refused,
    ),
    Fault(
        ("StormfoldFrozen",),
        "the stored state of an open incident is damaged, and CORRELATE is killed",
        entry_is_damaged,
        STUCK,  # until the session of the one that was killed has ended
        within_s=90.0,
    ),
    Fault(
        ("StormfoldWorkerParked",),
        "the second of two processes of FINGERPRINT is killed whenever it runs",
        one_of_two_dies,
        # It is started six times; and its partitions wait for the end of its session.
        STUCK | {"StormfoldRestarts"},
        within_s=90.0,
    ),
    Fault(
        ("StormfoldPartitionParked",),
        "a record that CORRELATE dies of",
        record_kills,
        STUCK
        | {"StormfoldSourceExcluded", "StormfoldStall", "StormfoldNothingDelivered"}
        | {"StormfoldRestarts"},
        within_s=90.0,
        stays=True,
    ),
)
"""In this order: the last leaves a partition parked."""
