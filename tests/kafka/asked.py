"""What people ask of an installation that runs: why, why not, why late, what if."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from typing import Any

from tests.kafka.chain import PATIENCE_S, Chain


async def explains_itself(made: Chain, storm_id: str) -> None:
    """Ask everything of a chain that has told one storm and paged for it, and read the answers."""
    storm = await _told_as_delivered(made, storm_id)
    kinds = [one.get("kind") for one in storm["said"]]
    assert {"storm_opened", "ruled", "told", "paged"} <= set(kinds)
    calls = [one for one in storm["said"] if one["type"] == "attempted"]
    posted = [one for one in calls if one["step"] == "post" and one["outcome"] == "delivered"]
    assert posted[0]["receipt"]["id"]
    assert any(one["step"] == "trigger" and one["outcome"] == "delivered" for one in calls)
    service = next(one["key"][1] for one in await _members(made, storm) if one.get("key"))
    found = await asyncio.gather(
        *(
            asyncio.to_thread(made.run, *words)
            for words in (
                ("why-not", "--service", service, "--json"),
                ("why-not", "--service", "chekout", "--json"),
                ("why-late", "--json"),
                ("why-many", "--json"),
                ("backtest", "--against", str(made.config), "--since", "1h", "--json"),
            )
        )
    )
    heard, unheard, late, many, tried = map(_answer, found)
    assert (heard["broken"], found[0].returncode) == (None, 0), heard
    assert (unheard["broken"], found[1].returncode) == ("arrived", 1)
    assert "did you mean" in " ".join(unheard["links"][0]["says"])
    assert late["waiting"] == 0
    assert all(way["delivered_after_ms"] >= 0 for way in late["ways"])
    assert many["pages"] == 1
    assert many["messages"] >= 2
    assert tried["rows"] == []
    assert tried["new"]["pages"] == 1


async def _told_as_delivered(made: Chain, storm_id: str) -> dict[str, Any]:
    """Return the storm's story once the answers of the services are part of it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = await asyncio.to_thread(made.run, "explain", "--storm", storm_id, "--json")
        if done.returncode == 0:
            story: dict[str, Any] = json.loads(done.stdout)
            steps = {one.get("step") for one in story["said"] if one.get("outcome") == "delivered"}
            if {"post", "trigger"} <= steps:
                return story
        assert time.monotonic() < deadline, done.stdout + done.stderr + made.logs()


async def _members(made: Chain, storm: dict[str, Any]) -> list[dict[str, Any]]:
    first = next(one["to"][0] for one in storm["said"] if one.get("kind") == "storm_opened")
    done = await asyncio.to_thread(made.run, "explain", "--incident", first, "--json")
    said: list[dict[str, Any]] = _answer(done)["said"]
    return said


def _answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
