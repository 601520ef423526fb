"""How the tests are shared out where several processes run them: what goes to one process as a
whole, and begins first.

Tests with a broker wait more than they compute, and each process that has any starts one. Tests of
a module that makes something dear for all of them belong together too. All others go one by one, to
whichever process is free.

pytest-xdist knows groups by a mark, which pytest 9.2 does not let it put into a test's name any
more; so they are told from the name here.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler.loadscope import LoadScopeScheduling

CHAOS: Final = "chaos"
BROKER: Final = "broker"
WITH_BROKER: Final = {
    "tests/chaos/": CHAOS,
    "tests/kafka/": BROKER,
    "tests/streams/test_intake": BROKER,
    "tests/streams/test_topics.py": BROKER,
    "tests/streams/test_cli.py::test_a_run_is_refused_while_": BROKER,
}
"""By what the names of tests begin with."""
TOGETHER: Final = (
    "tests/deploy/",
    "tests/observability/",
    "tests/recordings/",
    "tests/simulation/",
    "tests/streams/test_demo.py",
    "tests/streams/test_explain_story.py",
    "tests/streams/test_local_parallel.py",
    "tests/streams/test_switch.py",
)
"""Modules whose tests share something dear; of a folder, each module."""


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist tells no types
    """Hands out shares, the largest first."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)


def share_of(name: str) -> str:
    """Return what a test goes to a process with; its own name where it goes alone."""
    for begin, share in WITH_BROKER.items():
        if name.startswith(begin):
            return share
    return name.partition("::")[0] if name.startswith(TOGETHER) else name
