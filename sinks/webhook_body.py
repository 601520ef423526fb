"""A digest as the body of a webhook: JSON for programs, every digest with the same fields. Pure.

Every field is always there, empty where there is nothing to say. What does not fit gives way in the
order of `_GIVES_WAY`, and `shortened` names it.

Source: Standard Webhooks: `type`, `timestamp`, `data`; below 20 KB.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import xxhash

from correlators.types import Digest, DigestKind, ServiceLine
from sinks.base import Attempt
from sinks.bounds import bounded
from sinks.lead import speaks_of_itself
from sinks.mrkdwn import linkable
from sinks.render import plain_text
from sinks.words import short

Json = dict[str, Any]

BODY_BYTES: Final = 20_000
TEXT_CHARS: Final = 3_000
URL_CHARS: Final = 300

_GIVES_WAY: Final = ("services", "report", "reported", "because", "left", "notes", "text")
"""What is left out first, where all does not fit; of a list one entry after the other."""


def type_of(digest: Digest) -> str:
    """Return what happened to what: `incident.opened`, `storm.resolved`, `deploy`."""
    if speaks_of_itself(digest):
        return digest.kind.value
    return f"{'storm' if digest.storm else 'incident'}.{digest.kind.value}"


def id_of(attempt: Attempt) -> str:
    """Return the id of the message, the same for every attempt to send it and for no other."""
    d = attempt.digest
    said = (attempt.key, d.id, str(d.revision), d.kind, d.page, d.page_key, d.notice)
    return "msg_" + xxhash.xxh3_128_hexdigest("\x00".join(said).encode("utf-8", "surrogatepass"))


def body_of(digest: Digest, *, possible_repeat: bool = False) -> tuple[bytes, tuple[str, ...]]:
    """Return the body, at most `BODY_BYTES` long, and the names of what was cut.

    Args:
        digest: any revision.
        possible_repeat: it may have been sent before, under the same id.
    """
    small = bounded(digest)
    data = _data(small.digest, possible_repeat)
    cuts = list(small.cuts)
    text = plain_text(digest, possible_repeat=possible_repeat)
    data["text"] = text if len(text) <= TEXT_CHARS else _shortened(text)
    if len(text) > TEXT_CHARS:
        cuts.append("text")
    message = {"type": type_of(digest), "timestamp": _time(digest.at_ms), "data": data}
    for name in _GIVES_WAY:
        while _size(message) > BODY_BYTES - 300 and _gave_way(data, name):  # for `shortened` itself
            cuts.append(name)
    data["shortened"] = list(dict.fromkeys(cuts))[:10]
    return _bytes(message), tuple(dict.fromkeys(cuts))


def _gave_way(data: Json, name: str) -> bool:
    """Take away the last entry of a list, or a whole text, and return whether there was one."""
    if name == "text":
        was, data[name] = data[name], ""
        return bool(was)
    entries = data[name].get("top") if name == "reported" else data[name]
    if not entries:
        return False
    entries.pop()
    if name == "reported":
        data[name]["more"] += 1
    elif name in ("services", "notes"):
        data[f"more_{name}"] += 1
    return True


def _shortened(text: str) -> str:
    """Return the text without its middle: its last line says what it is of."""
    *lines, last = text.split("\n")
    return short("\n".join(lines), TEXT_CHARS - len(last) - 1) + "\n" + last


def _data(d: Digest, possible_repeat: bool) -> Json:
    return {
        "id": d.id,
        "revision": d.revision,
        "kind": d.kind.value,
        "storm": d.storm,
        "resolved": d.resolved,
        "possible_repeat": possible_repeat,
        "environment": d.environment,
        "title": d.title,
        "level": d.level.value,
        "first_at": _time(d.first_ms),
        "last_at": _time(d.last_ms),
        "events": d.events,
        "users": d.users,
        "incidents": d.incidents,
        "estimated": d.about or d.about_users,
        "at_least": d.at_least,
        "services": [_service(one) for one in d.services],
        "more_services": d.more_services,
        "joined_services": list(d.joined_services),
        "origin": d.origin,
        "origin_reason": d.origin_reason,
        "because": list(d.because) or [one.value for one in d.evidence],
        "left": list(d.left),
        "storm_id": d.storm_id,
        "releases": list(d.releases),
        "new_release": d.new_release,
        "release_before": d.release_before,
        "culprit": d.culprit,
        "transaction": d.transaction,
        "request": d.request,
        "owners": list(d.owners),
        "assignee": d.assignee,
        "acknowledged_by": d.acked_by if d.kind is not DigestKind.UNACKNOWLEDGED else "",
        "silenced_until": _time(d.silenced_until_ms) if d.silenced_until_ms else "",
        "unconfirmed": d.unconfirmed.value if d.unconfirmed is not None else "",
        "back": _back(d),
        "regressed": d.regressed,
        "escalating": d.escalating,
        "flapping": d.flapping,
        "ignored": d.ignored,
        "past": d.past,
        "paged": d.paged,
        "page": d.page.value,
        "page_reason": d.page_reason.value if d.page_reason is not None else "",
        "page_key": d.page_key,
        "rule": d.rule,
        "act": {"kind": d.act, "by": d.act_by, "in": d.act_in, "text": d.act_text},
        "notice": d.notice,
        "notes": list(d.notes),
        "more_notes": d.more_notes,
        "report": list(d.report),
        "reported": _reported(d),
        "links": {
            "issue": _url(d.url),
            "runbook": _url(d.runbook),
            "dashboard": _url(d.dashboard),
            "status_page": _url(d.status_page),
        },
        "text": "",
        "shortened": [],
    }


def _back(d: Digest) -> Json:
    """Return how it was over before; nothing where it is not back."""
    one = d.back
    if one is None:
        return {}
    return {
        "ended_at": _time(one.ended_ms),
        "storm_id": one.storm_id,
        "by": one.by,
        "in": one.where,
    }


def _reported(d: Digest) -> Json:
    """Return the figures of a scheduled report; nothing of any other digest."""
    one = d.reported
    if one is None:
        return {}
    found: Json = msgspec.to_builtins(one)
    found |= {"from_at": _time(found.pop("from_ms")), "to_at": _time(found.pop("to_ms"))}
    found["hourly_before"] = None if one.hourly_before < 0 else one.hourly_before
    return found | {"top": [line | {"url": _url(line["url"])} for line in found["top"]]}


def _service(one: ServiceLine) -> Json:
    return {
        "service": one.service,
        "title": one.title,
        "events": one.events,
        "users": one.users,
        "incidents": one.incidents,
        "releases": list(one.releases),
        "joined": one.joined,
        "owner": one.owner,
        "issue": _url(one.url),
        "runbook": _url(one.runbook),
    }


def _url(url: str) -> str:
    """Return the address where it is one and of a usual length."""
    return url if linkable(url, URL_CHARS) else ""


def _time(at_ms: int) -> str:
    """Return a moment as ISO 8601 has it, with milliseconds."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def _size(message: Json) -> int:
    return len(_bytes(message))


def _bytes(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
