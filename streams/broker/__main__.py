"""`python -m streams.broker`: a broker until Ctrl-C, its address on standard output.

`--check` only tells which of the three ways to a broker are open.
"""

from __future__ import annotations

import signal
import sys

from streams.broker.find import running_broker, ways
from streams.broker.types import BrokerError, NoBroker
from streams.terminate import interruptible


def main(arguments: list[str]) -> int:
    """Return the exit status: 0 done, 1 the broker failed, 2 wrong use or no way to a broker."""
    if arguments == ["--check"]:
        return _check()
    if arguments:
        print("usage: python -m streams.broker [--check]", file=sys.stderr)
        return 2
    interruptible()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_broker(say=_say) as broker:
            print(f"KAFKA_BOOTSTRAP={broker.bootstrap}", flush=True)
            _say(f"A Kafka through {broker.kind} runs until Ctrl-C.")
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except BrokerError as error:
        _say(str(error))
        return 2 if isinstance(error, NoBroker) else 1


def _check() -> int:
    found = ways()
    opened = [each for each in found if each.open]
    if not opened:
        _say(str(NoBroker(found)))
        return 2
    for each in found:
        if not each.open and "not found" not in each.why and each.why != "not set":
            _say(f"note: {each.why}.")
    _say(f"Kafka for tests and the demo: {opened[0].way}.")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
