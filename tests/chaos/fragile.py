"""`stormfold run` whose CORRELATE dies of one record; run as `python -m tests.chaos.fragile run`.

Everything is the product's but that one handler, which raises where a record holds `POISON`: what
a bug of the product would do, since no record is known that makes it raise.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from aiokafka import ConsumerRecord, TopicPartition

from streams import app, cli, supervisor
from streams.agents import correlate
from streams.processes import StageName

POISON = b"poisonous"


class FragileHandler(correlate.CorrelateHandler):
    """Raises on one record."""

    async def records(self, tp: TopicPartition, records: list[ConsumerRecord[Any, Any]]) -> None:
        if any(POISON in (record.value or b"") for record in records):
            raise ZeroDivisionError
        await super().records(tp, records)


def main() -> int:
    """Be the parent, or one of its stages."""
    if sys.argv[1] in set(StageName):
        with patch.object(correlate, "CorrelateHandler", FragileHandler):
            return app.main()
    product = supervisor._command

    def ours(*arguments: Any) -> list[str]:
        return ["tests.chaos.fragile" if w == "streams.app" else w for w in product(*arguments)]

    with patch.object(supervisor, "_command", ours):
        cli.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
