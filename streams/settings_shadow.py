"""The key `shadow` of `stormfold.yaml`: everything is decided, told to one destination, and nobody
is paged. What that means is said in `correlators.shadow`.
"""

from __future__ import annotations

import re
from typing import Final

from yaml.nodes import MappingNode, Node

from correlators.days import Shadow
from streams.yaml_reader import Reader

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_TIME_SAYS: Final = 'a time of day in UTC such as "07:00"'


def shadow_of(reader: Reader, node: Node | None, chats: tuple[str, ...]) -> Shadow | None:
    """Return shadow mode as configured, None where it is off.

    Args:
        reader: notes problems.
        node: `true`, `false`, or a section; None where it is absent.
        chats: destinations that can be told; the first is taken where none is named.
    """
    if node is None:
        return None
    if not isinstance(node, MappingNode):
        on = reader.boolean(node, "shadow", default=False)
        return Shadow(to=chats[0]) if on else None
    key = reader.section(node, "shadow", ("to", "report_at"))
    known = re.compile("|".join(map(re.escape, chats)))
    says = f"one of the destinations that can be told: {', '.join(chats)}"
    to = reader.text(key.get("to"), "shadow.to", chats[0], known, says)
    at = reader.text(key.get("report_at"), "shadow.report_at", "00:00", _TIME, _TIME_SAYS)
    hours, minutes = at.split(":")
    return Shadow(to=to, report_minute=int(hours) * 60 + int(minutes))
