"""How the tests are shared out between processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shares import BROKER, CHAOS, TOGETHER, WITH_BROKER, share_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("begin", [*WITH_BROKER, *TOGETHER])
def test_each_share_is_of_tests_that_are_there(begin: str) -> None:
    path, _, test = begin.partition("::")
    found = [*ROOT.glob(f"{path}**/test_*.py" if path.endswith("/") else f"{path.rstrip('/')}*")]
    assert found
    assert not test or any(f"def {test}" in one.read_text() for one in found)


def test_what_is_dear_stays_together_and_the_rest_goes_alone() -> None:
    assert share_of("tests/chaos/test_day.py::test_x[a/b]") == CHAOS
    assert share_of("tests/kafka/test_chain.py::test_x") == BROKER
    assert share_of("tests/simulation/test_outages.py::a") == "tests/simulation/test_outages.py"
    assert share_of("tests/sinks/test_mail.py::a") == "tests/sinks/test_mail.py::a"
