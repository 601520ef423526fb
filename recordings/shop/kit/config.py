"""What a service of the shop is told at its start, read once from the environment."""

from __future__ import annotations

import os
from typing import NamedTuple


class Config(NamedTuple):
    """Who a process is, whom it reports to, where its peers listen (loopback ports, 0 = none)."""

    service: str
    release: str
    environment: str
    server_name: str
    dsn: str
    inventory_port: int
    catalogue_port: int
    payment_port: int
    cardnet_port: int


def from_environment() -> Config:
    """Return the configuration that the driver put into `SHOP_*`.

    Raises:
        KeyError: a variable that has no default is missing.
    """
    get = os.environ
    return Config(
        service=get["SHOP_SERVICE"],
        release=get["SHOP_RELEASE"],
        environment=get["SHOP_ENVIRONMENT"],
        server_name=get["SHOP_SERVER_NAME"],
        dsn=get["SHOP_DSN"],
        inventory_port=int(get.get("SHOP_INVENTORY_PORT", "0")),
        catalogue_port=int(get.get("SHOP_CATALOGUE_PORT", "0")),
        payment_port=int(get.get("SHOP_PAYMENT_PORT", "0")),
        cardnet_port=int(get.get("SHOP_CARDNET_PORT", "0")),
    )
