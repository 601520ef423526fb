"""Start the checkout service with the configuration of the environment."""

from __future__ import annotations

from recordings.shop.checkout.app import build
from recordings.shop.kit.config import from_environment
from recordings.shop.kit.service import run

if __name__ == "__main__":
    run(from_environment(), build)
