"""The local services run by hand listen where they are told to, as they must in a container."""

from __future__ import annotations

import pytest

from tests.sinks.test_peers_by_hand import by_hand, get


@pytest.mark.parametrize("service", ["slack", "pagerduty", "sentry", "email", "teams", "webhook"])
async def test_a_service_listens_at_the_address_that_it_is_given(service: str) -> None:
    async with by_hand(service, "--host", "127.0.0.2") as (_, lines):
        address = lines[0].split()[-1]
        assert address.startswith("http://127.0.0.2:")
        assert "<html" in await get(address)
