"""Deploy markers: what `POST /deploys` takes, and what it tells.

NotADeploy      says which field is wrong, and what is allowed there
"""

from __future__ import annotations

from typing import Final

import msgspec
import xxhash

from correlators.event_parts import link, name, occurred_ms
from correlators.parameterise import parameterise
from correlators.types import ChangeKind, StateChange

DEPLOY: Final = "deploy"
"""The resource of what a deploy posts; no Sentry webhook has it."""

SERVICE_CHARS: Final = 100
ENVIRONMENT_CHARS: Final = 64
RELEASE_CHARS: Final = 250
BY_CHARS: Final = 60


class NotADeploy(ValueError):
    """The body is none; the text names the field and quotes nothing of it."""


class _Deploy(msgspec.Struct):
    """The body as it is sent; other fields are let be."""

    service: str
    release: str
    environment: str
    at: float | int | str
    by: str | None = None
    url: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Deploy)


def read_deploy(body: bytes) -> StateChange:
    """Return the deploy that the body tells; whoever made it is told without what is personal.

    The same deploy has the same identity however often and in whatever form it is posted.

    Raises:
        NotADeploy: it is no JSON object with `service`, `release`, `environment` and `at`.
    """
    try:
        told = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise NotADeploy(_shown(error)) from None
    except (ValueError, RecursionError):
        raise NotADeploy("expected a JSON object") from None
    service = name(told.service, SERVICE_CHARS)
    release = name(told.release, RELEASE_CHARS)
    environment = name(told.environment, ENVIRONMENT_CHARS)
    for field, given in (("service", service), ("release", release), ("environment", environment)):
        if not given:
            raise NotADeploy(f"{field}: expected a name, found none")
    at_ms = occurred_ms(told.at)
    if not at_ms:
        raise NotADeploy("at: expected a moment such as 2026-12-01T10:00:00Z, or seconds")
    same = "\0".join((service, release, environment, str(at_ms)))
    return StateChange(
        kind=ChangeKind.DEPLOY,
        resource=DEPLOY,
        action="",
        identity=xxhash.xxh3_128_hexdigest(same.encode("utf-8", "replace")),
        service=service,
        environment=environment,
        release=release,
        at_ms=at_ms,
        by=parameterise(name(told.by, BY_CHARS)),
        url=link(told.url),
    )


def _shown(error: msgspec.ValidationError) -> str:
    """Return which field is wrong, in few words."""
    text = str(error)
    what, _, where = text.partition(" - at `$.")
    if where:
        return f"{where.rstrip('`')}: {what[0].lower()}{what[1:]}"
    return text[0].lower() + text[1:].replace("`", "")
