"""A form tried on made-up digests of every kind and in every medium, so that what is wrong in it is
seen before a message needs it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from correlators.types import (
    AlertLine,
    Digest,
    DigestKind,
    Evidence,
    Level,
    PageAction,
    PageReason,
    Rollup,
    RollupLine,
    ServiceLine,
)
from sinks.form_language import FormError
from sinks.form_media import PLAIN
from sinks.form_names import Form
from sinks.forms import said

_AT_MS = 1_790_000_000_000
_URL = "https://sentry.example.com/organizations/shop/issues/41/"


def problems_of(form: Form, *, lists: bool = False) -> list[str]:
    """Return a line `file:line: problem` for all that is wrong; none for a form that is right.

    Args:
        form: any.
        lists: it is the one of roll-ups and reports.
    """
    language = PLAIN()
    try:
        language.add(form.file, form.source)
    except FormError as error:
        return str(error).split("\n")
    found: dict[str, None] = {}
    for digest in list_samples() if lists else samples():
        for everybody in ("", "@channel"):
            values = {
                "everybody": everybody,
                "called": ("@team",) if everybody else (),
                "on_call": ("Ada Lovelace",) if everybody else (),
                "possible_repeat": not everybody,
            }
            try:
                said(language, form.file, digest, values, sample=True)
            except FormError as error:
                found[str(error)] = None
    return list(found)


def samples() -> Iterator[Digest]:
    """Yield digests of incidents and storms in the states that forms are for."""
    yield _INCIDENT
    yield msgspec.structs.replace(_INCIDENT, **_BARE)
    yield _STORM
    yield msgspec.structs.replace(
        _STORM, kind=DigestKind.ACKNOWLEDGED, page=PageAction.NONE, acked_by="ada", revision=3
    )
    yield msgspec.structs.replace(
        _INCIDENT,
        metric_alert=True,
        alerts=(AlertLine("High error rate", "critical", _AT_MS, 0, _URL),),
        events=0,
        users=0,
    )


def list_samples() -> Iterator[Digest]:
    """Yield a roll-up and a report."""
    line = RollupLine(
        "inc-0123456789abcdef",
        DigestKind.OPENED,
        "production",
        "checkout",
        "TimeoutError: no answer within <int> s",
        97,
        412,
        release="checkout@1.4.2",
        owner="team-pay",
        url=_URL,
    )
    rollup = Rollup(opened=2, updated=1, resolved=1, lines=(line, line), more=1, events=900)
    title = "2 new, 1 updated, 1 over"
    yield msgspec.structs.replace(
        _INCIDENT, **_BARE, kind=DigestKind.ROLLUP, title=title, rollup=rollup
    )
    yield msgspec.structs.replace(
        _INCIDENT, **_BARE, kind=DigestKind.REPORT, title="The day", report=("12 incidents",)
    )


_INCIDENT = Digest(
    id="inc-0123456789abcdef",
    revision=1,
    kind=DigestKind.OPENED,
    at_ms=_AT_MS,
    destination="slack:incidents",
    storm=False,
    resolved=False,
    environment="production",
    title="TimeoutError: no answer within <int> s",
    incidents=1,
    events=412,
    users=97,
    level=Level.ERROR,
    first_ms=_AT_MS - 12_000,
    last_ms=_AT_MS - 500,
    services=(ServiceLine("checkout", "TimeoutError: no answer within <int> s", 412, 1, url=_URL),),
    releases=("checkout@1.4.2",),
    new_release="checkout@1.4.2",
    new_release_ms=_AT_MS - 252_000,
    culprit="checkout.pay in charge",
    transaction="/pay",
    request="POST /pay/<int>",
    url=_URL,
    owners=("team-pay",),
    runbook="https://wiki.example.com/checkout",
    dashboard="https://grafana.example.com/d/checkout",
    status_page="https://status.example.com",
)
_BARE = {
    "services": (),
    "releases": (),
    "new_release": "",
    "culprit": "",
    "transaction": "",
    "request": "",
    "url": "",
    "owners": (),
    "runbook": "",
    "dashboard": "",
    "status_page": "",
    "users": 0,
}
_STORM = msgspec.structs.replace(
    _INCIDENT,
    id="storm-0123456789abcdef",
    storm=True,
    title="Outage in 3 services, likely from payment: UpstreamFailed: payment answered 500",
    incidents=3,
    services=(
        ServiceLine(
            "payment", "UpstreamFailed: payment answered 500", 310, 2, url=_URL, owner="team-pay"
        ),
        ServiceLine("checkout", "TimeoutError: no answer within <int> s", 102, 1, joined=True),
    ),
    more_services=1,
    evidence=(Evidence.RELEASE, Evidence.TRACE),
    because=("the same new release", "shared traces"),
    origin="payment",
    origin_reason="2 services share its traces",
    page=PageAction.TRIGGER,
    page_reason=PageReason.STORM_SERVICES,
    page_key="storm-0123456789abcdef",
)
