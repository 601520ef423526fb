"""The forms that a configuration names, and who is on call where they say it."""

from __future__ import annotations

from collections.abc import Callable

from correlators.owners import OWNER, SERVICE
from correlators.types import Digest
from sinks.forms import Forms
from sinks.on_call import OnCall
from sinks.pagerduty_rest import PagerDutyRest
from streams.settings import Settings


def make_forms(settings: Settings) -> Forms:
    """Return the forms of an installation.

    Raises:
        SettingsError: a secret that they need is not there.
    """
    pagerduty = settings.sinks.pagerduty
    if pagerduty is None or pagerduty.api_token is None or not pagerduty.policies:
        return Forms(settings.templates)
    rest = PagerDutyRest(token=pagerduty.api_token.reveal(), api_url=pagerduty.api_url)
    return Forms(settings.templates, OnCallOf(OnCall(rest), policies_of(settings)))


class OnCallOf:
    """Who is on call for a digest. Args: on_call: who is asked; policies: of a digest."""

    def __init__(self, on_call: OnCall, policies: Callable[[Digest], tuple[str, ...]]) -> None:
        self._on_call, self._policies = on_call, policies

    async def __call__(self, digest: Digest) -> tuple[str, ...]:
        """Return their names; nobody where it is not known."""
        policies = self._policies(digest)
        return await self._on_call.names(policies) if policies else ()

    async def close(self) -> None:
        """Close the connections."""
        await self._on_call.close()


def policies_of(settings: Settings) -> Callable[[Digest], tuple[str, ...]]:
    """Return what says which escalation policies stand behind a digest: those of whom its rule
    pages; where that is nobody with one, of whom its service, its owner, or the routes page."""
    assert settings.sinks.pagerduty is not None
    policies = {f"pagerduty:{name}": id for name, id in settings.sinks.pagerduty.policies.items()}
    rules = {one.name: one for one in settings.correlation().decides}

    def of(digest: Digest) -> tuple[str, ...]:
        service = digest.origin or next((one.service for one in digest.services), "")
        known = settings.services.get(service)
        own = known.page if known is not None else ()
        teams = [settings.teams[one] for one in digest.owners if one in settings.teams]
        owners = tuple(place for one in teams for place in one.page)
        rule = rules.get(digest.rule or digest.told_by_rule)
        paged = rule.page if rule is not None else ()
        words = {OWNER: owners, SERVICE: own}
        by_rule = [place for one in paged for place in words.get(one, (one,))]
        for places in (
            by_rule,
            rule.page_else if rule is not None else (),
            own,
            owners,
            settings.routes.page,
        ):
            if found := [policies[one] for one in places if one in policies]:
                return tuple(dict.fromkeys(found))
        return ()

    return of
