"""A stage of a release that ships two signature versions, whichever this one ships.

`python -m tests.kafka.two_versions STAGE --config F`
"""

from __future__ import annotations

import sys

import pytest

from tests.stand_in import install

if __name__ == "__main__":
    install(pytest.MonkeyPatch())
    from streams.app import main  # after it: settings look at the versions when they are imported

    sys.exit(main())
