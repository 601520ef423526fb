"""The people of an installation: one name each, and what the services call them. Values only.

The name is what messages, the timeline and `explain` say, wherever somebody acts.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What services call one person; empty where that is not said."""

    slack: str = ""
    """Id of the user, `U...` or `W...`."""
    sentry: str = ""
    """User name, mail address or number, as Sentry assigns an issue."""
    pagerduty: str = ""
    """Id of the user, such as `PXPGF42`."""
    email: str = ""
    """Mail address; Sentry's too, where `sentry` is not said."""

    def __repr__(self) -> str:
        return "Person(***)"

    @property
    def services(self) -> list[str]:
        """Return where they are known, without what they are called there."""
        return [part for part in self.__struct_fields__ if getattr(self, part)]

    @property
    def for_sentry(self) -> str:
        """Return whom Sentry assigns an issue to; empty where that is not known."""
        name = self.sentry or self.email
        return f"user:{name}" if name.isascii() and name.isdigit() else name


People = Mapping[str, Person]
"""By name."""


def by_slack(people: People) -> dict[str, str]:
    """Return the names by user id in Slack."""
    return {one.slack: name for name, one in people.items() if one.slack}


def by_pagerduty(people: People) -> dict[str, str]:
    """Return the names by user id in PagerDuty."""
    return {one.pagerduty: name for name, one in people.items() if one.pagerduty}


def in_sentry(people: People) -> dict[str, str]:
    """Return whom Sentry assigns an issue to, by name here."""
    return {name: one.for_sentry for name, one in people.items() if one.for_sentry}
