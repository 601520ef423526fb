"""Who is on call for something: whom a page by hand goes to, whatever the rules say of it now.

Not here: whom the rules page by themselves (`rulings`), and when a person pages (`people_telling`).
"""

from __future__ import annotations

from correlators.conditions import When, why_not
from correlators.judging import Config, Judgement
from correlators.rulings import Rule, Urgency, addressed, fallback_of


def paged(config: Config, judgement: Judgement) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return whom a page by hand goes to, and for each of them who stands in; nobody where no rule
    pages at all.

    The first of: whom the rules page for it now; whom the first rule pages that is about this
    environment, service and owner, however bad or often it is; whom the first rule pages that has
    somebody for it.
    """
    ruling = judgement.ruling
    if ruling.page:
        return ruling.page, ruling.fallback
    facts = judgement.facts
    pages = [one for one in config.decides if one.urgency is Urgency.PAGE]
    near = [one for one in pages if why_not(_where(one.when), facts) is None]
    for rule in (*near, *pages):
        made = addressed(rule, facts, config.teams)
        if made is not None and made.page:
            return _with_stand_ins(config, judgement, rule, made)
    return (), ()


def _where(when: When) -> When:
    """Return what is asked of where it is, and nothing of how it goes."""
    return When(environment=when.environment, service=when.service, owner=when.owner)


def _with_stand_ins(
    config: Config, judgement: Judgement, rule: Rule, made: Rule
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    teams = [config.teams[one] for one in judgement.facts.owners if one in config.teams]
    default = config.pages.fallback
    to = tuple(dict.fromkeys(made.page))
    return to, tuple(fallback_of(rule, made.to, made.page, one, teams, default) for one in to)
