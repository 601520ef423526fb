"""The one runtime of the three stages: a Faust agent on a channel that our Faust service fills.

`source` owns the consumer and the partitions, `state` reads and writes compacted topics in fenced
transactions, `app` puts both under Faust. What a stage does with its records is its `Handler`.

A handler that raises ends the process with its offsets kept: `EXIT_FAILED`, and the partition and
offset on the report pipe, so that the parent can park what fails twice at one place.
"""

from streams.stage.app import make_app, run_app
from streams.stage.source import Source
from streams.stage.types import Handler, Refused, Stage, now_ms

__all__ = ["Handler", "Refused", "Source", "Stage", "make_app", "now_ms", "run_app"]
