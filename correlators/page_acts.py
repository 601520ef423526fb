"""Acts about a page: what a pager says of it on the way back, under the page's own key.

A pager knows no incident and no storm, only the key it was paged under, `<id>.<number>`, and no
environment either: such an act stands in every partition, and does something in the one that knows
the page. It is about whatever holds the page by then, since pages change hands; never about
another page of the same thing, which whoever answered has not seen.

Nor does a pager's word come in order: what it said before something that it said later, and that
has been heard, changes nothing any more (`overtaken`).
"""

from __future__ import annotations

from correlators.acts import SAYS_HOW_IT_STANDS, Act, kind_of
from correlators.entries import Episode
from correlators.incidents import Incident
from correlators.state import State
from correlators.storms import Storm
from correlators.types import IncidentKey


def is_page(subject: str) -> bool:
    """Return whether the subject of an act is the key of a page; ids of other things have no
    dot."""
    return "." in subject


def page_of(act: Act) -> str:
    """Return the key of the page that an act is about, empty for another subject."""
    return act.subject if is_page(act.subject) else ""


def known(state: State, subject: str) -> bool:
    """Return whether this partition decides about the subject: for a page, whether it knows who
    holds it or what it was opened for."""
    if not is_page(subject) or state.pages.holder(subject):
        return True
    opened_for = subject.rpartition(".")[0]
    kind = "storm:" if opened_for.startswith("storm-") else "incident:"
    return isinstance(state.get(kind + opened_for), Storm | Incident)


def about(state: State, subject: str) -> str:
    """Return the id of what an act is about: for a page who holds it, or what it was opened for."""
    if not is_page(subject):
        return subject
    found = holder(state, subject)
    return found.id if found is not None else subject.rpartition(".")[0]


def holder(state: State, page: str) -> Storm | Incident | None:
    """Return the open storm or incident that holds this very page, None where the page is over."""
    found = state.get(state.pages.holder(page))
    if isinstance(found, Storm):
        return found if found.open else None
    if not isinstance(found, Episode) or found.page_left_by:
        return None
    key = IncidentKey(found.environment, found.service, "", found.fingerprint)
    return next(iter(state.open_of_episode(key)), None)


def left(state: State, page: str) -> Storm | Incident | None:
    """Return the storm or incident that is over and whose page was left to whoever acknowledged
    it, None where this is no such page."""
    found = state.get(state.pages.holder(page))
    if isinstance(found, Storm):
        return found if not found.open and found.page_left else None
    if not isinstance(found, Episode) or not found.page_left_by:
        return None
    return state.find_incident(found.page_left_by)


def overtaken(state: State, act: Act) -> bool:
    """Return whether the same pager has said something later of this page, and was heard."""
    if not is_page(act.subject) or kind_of(act) not in SAYS_HOW_IT_STANDS:
        return False
    return state.people.latest_ms(act.source, act.subject) > act.at_ms
