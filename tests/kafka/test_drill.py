"""A fire drill goes the whole way, says everywhere what it is, and leaves nothing open."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx

from streams.broker import Broker
from tests.kafka.chain import CHANNEL, PATIENCE_S, SECRET, chain, ready


async def test_a_drill_goes_from_webhook_to_message_and_page_and_is_cleaned_up(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        alone = await asyncio.to_thread(made.run, "drill")
        assert alone.returncode == 2
        assert "start `stormfold intake`" in alone.stderr
        made.start("intake")
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await ready(made, client, stages=0)
            half = await asyncio.to_thread(made.run, "drill")
            assert half.returncode == 2
            assert "`stormfold run` is not up" in half.stderr
            made.start("run")
            await ready(made, client)
        asked = ("drill", "--service", "checkout", "--hold", "1s", "--json")
        done = await asyncio.to_thread(made.run, *asked)
        while "is not up and going" in done.stderr:  # its partitions are being handed out
            done = await asyncio.to_thread(made.run, *asked)
        assert done.returncode == 0, done.stdout + done.stderr + made.logs()
        assert SECRET not in done.stdout + done.stderr
        said = json.loads(done.stdout)
        assert said["missing"] == []
        assert said["paged"] == ["pagerduty:default"]
        names = [one["name"].partition(":")[0] for one in said["hops"]]
        wanted = ["webhook taken by intake", "page taken", "message taken", "resolved by an act"]
        assert set(wanted) < set(names)
        assert names.index("incident opened") < names.index("page decided")
        assert {"page resolved", "end told"} < set(names[names.index("resolved by an act") :])
        times = [one["after_ms"] for one in said["hops"] if "act" not in one["name"]]
        assert all(0 <= one < 1000 * PATIENCE_S for one in times)
        (alert,) = made.pagerduty.alerts
        assert alert.status == "resolved"
        assert "DRILL" in alert.summary
        posts = made.slack.posts(CHANNEL)
        assert posts
        assert all("DRILL" in one.text for one in posts)
        asked_to_draw = ("render", "--template", "critical", "--incident")
        drawn = await asyncio.to_thread(made.run, *asked_to_draw, said["incident"])
        assert (drawn.returncode, drawn.stderr) == (0, "")
        assert "@channel FATAL in production" in drawn.stdout
        assert "DRILL" in drawn.stdout
        unknown = await asyncio.to_thread(made.run, *asked_to_draw, "inc-0123456789abcdef")
        assert unknown.returncode == 1
        assert "nothing was told of inc-0123456789abcdef in what the topic keeps" in unknown.stderr
