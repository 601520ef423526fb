"""Calls from one service of the shop to another; the SDK adds the trace headers."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp


class UpstreamFailed(Exception):
    """Another service answered with an error of its own."""


class UpstreamTimeout(Exception):
    """Another service gave no answer in time."""


class Upstream:
    """One other service, by its name and its port on loopback."""

    def __init__(self, name: str, port: int, timeout_s: float) -> None:
        self._name = name
        self._base = f"http://127.0.0.1:{port}"
        self._timeout_s = timeout_s

    async def call(
        self, method: str, path: str, user: str, body: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """Return the JSON object that the service answered.

        Raises:
            UpstreamFailed: the status was 500 or more, or the service could not be reached.
            UpstreamTimeout: no answer in time.
        """
        headers = {"X-User": user, "Host": f"{self._name}.shop.example"}
        limit = aiohttp.ClientTimeout(total=self._timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.request(method, self._base + path, headers=headers, json=body) as answer,
            ):
                if answer.status >= 500:
                    raise UpstreamFailed(
                        f"{self._name} answered {answer.status} to {method} {path}"
                    )
                content: dict[str, object] = await answer.json()
                return content
        except TimeoutError as error:
            raise UpstreamTimeout(f"{self._name} gave no answer in {self._timeout_s} s") from error
