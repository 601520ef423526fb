"""The one runtime of the three stages: a Faust agent on a channel that our Faust service fills.

`source` owns the consumer and the partitions, `state` reads and writes compacted topics in fenced
transactions, `app` puts both under Faust. What a stage does with its records is its `Handler`.

A handler that raises ends the process with its offsets kept, and the place it worked on stays in
memory shared with the parent, which parks what fails again and again at one place. `reach` waits
for Kafka before all of that. `host` is all that a stage reaches outside itself.

`app` and `source` are imported from where they are: they bring Faust, and whoever only asks what a
stage has written does without.
"""

from streams.stage.host import Host, now_ms
from streams.stage.reach import wait_for_kafka
from streams.stage.types import ANEW, Handler, Refused, Stage

__all__ = [
    "ANEW",
    "Handler",
    "Host",
    "Refused",
    "Stage",
    "now_ms",
    "wait_for_kafka",
]
