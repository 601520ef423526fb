"""The keys `sentry` of `stormfold.yaml`: whose issues are changed when somebody decides so here."""

from __future__ import annotations

import re
from typing import Final

from yaml.nodes import Node

from streams.settings_types import Sentry
from streams.settings_urls import base_url
from streams.yaml_reader import Reader

API_URL: Final = "https://sentry.io"
TOKEN: Final = "${SENTRY_API_TOKEN}"

_KEYS: Final = ("api_url", "organisation", "token", "assign_owner", "count_events")
_SLUG: Final = re.compile(r"(?:[a-z0-9][a-z0-9_-]{0,62})?")
_SAYS: Final = "its slug: at most 63 of a-z, 0-9, '_' and '-'"


def sentry_of(reader: Reader, node: Node) -> Sentry:
    """Return what the file says of Sentry's API; what is wrong is noted in the reader."""
    key = reader.section(node, "sentry", _KEYS)
    counts = reader.boolean(key.get("count_events"), "sentry.count_events", False)
    if counts and "organisation" not in key:
        says = "needs sentry.organisation: Sentry counts by organisation"
        reader.problem(key["count_events"], "sentry.count_events", says)
    return Sentry(
        count_events=counts,
        api_url=base_url(reader, key.get("api_url"), "sentry.api_url", API_URL, empty=True),
        organisation=reader.text(key.get("organisation"), "sentry.organisation", "", _SLUG, _SAYS),
        token=reader.secret(key.get("token"), "sentry.token", TOKEN),
        assign_owner=reader.boolean(key.get("assign_owner"), "sentry.assign_owner", False),
    )
