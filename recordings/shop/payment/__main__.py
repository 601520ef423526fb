"""Start the payment service with the configuration of the environment."""

from __future__ import annotations

from recordings.shop.kit.config import from_environment
from recordings.shop.kit.service import run
from recordings.shop.payment.app import build

if __name__ == "__main__":
    run(from_environment(), build)
