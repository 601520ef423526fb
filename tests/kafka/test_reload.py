"""A changed file on a real Kafka: taken at one tick on SIGHUP, refused where it is wrong."""

from __future__ import annotations

import signal
import time
from itertools import count
from pathlib import Path

import httpx
from aiokafka import AIOKafkaProducer

from correlators.configurations import decided
from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from streams import codec
from streams.broker import Broker
from streams.settings import load
from streams.stage.state import restore
from streams.topics import names
from tests.kafka.chain import CHANNEL, FAST, PAY, Chain, chain, error_webhook, free_port, until

RULES = """
rules:
  - {{name: all, to: [{to}]}}
"""


def write(made: Chain, rules: str, port: int) -> None:
    made.write_config(FAST + rules)
    text = made.config.read_text().replace("metrics: {port: 0}", f"metrics: {{port: {port}}}")
    if "slack:pay" in rules:
        text = text.replace(f"incidents: {CHANNEL}", f"incidents: {CHANNEL}, pay: {PAY}")
    made.config.write_text(text)


async def sampled(port: int, sample: str) -> float:
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    return next(float(one.split()[-1]) for one in text.splitlines() if one.startswith(sample))


async def configurations(made: Chain) -> list[Progress]:
    found = []
    for partition in range(4):
        stored = await restore(made.bootstrap, names(made.namespace).incidents, partition)
        progress = codec.entry(stored[PROGRESS_KEY])
        assert isinstance(progress, Progress)
        found.append(progress)
    return found


async def test_sighup_has_a_valid_file_decide_from_one_tick_on_and_a_wrong_one_change_nothing(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    port = free_port()
    numbers = count(1)
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        write(made, RULES.format(to='"slack:incidents"'), port)
        old = load(made.config, {}).configuration
        run = made.start("run")
        async with AIOKafkaProducer(bootstrap_servers=made.bootstrap) as producer:

            async def tell(kind: str, channel: str) -> None:
                """Have something new go wrong, and wait until the channel tells it."""
                number = next(numbers)
                body = error_webhook(
                    f"{number:032x}", service="pay", kind=kind, user="u", at_s=time.time()
                )
                await producer.send_and_wait(
                    names(namespace).events,
                    body,
                    partition=number % 4,
                    headers=[("resource", b"error")],
                )
                await until(lambda: kind in str(made.slack.posts(channel)), what=made.logs)

            async def reload(said: str) -> None:
                before = made.logs().count(said)
                run.send_signal(signal.SIGHUP)
                await until(lambda: made.logs().count(said) > before, what=made.logs)

            await until(lambda: made.logs().count("stage started") == 3, what=made.logs)
            write(made, RULES.format(to='"slack:nowhere"'), port)
            await reload("configuration refused")
            line = made.config.read_text().splitlines().index("rules:") + 2
            assert f"stormfold.yaml:{line} rules[0].to[0]" in made.logs()
            assert await sampled(port, 'stormfold_config_reloads_total{outcome="refused"}') == 1
            assert await sampled(port, "stormfold_config_refused ") == 1
            await tell("First", CHANNEL)

            write(made, RULES.format(to='"slack:pay"'), port)
            new = load(made.config, {}).configuration
            await reload("configuration taken")
            assert await sampled(port, "stormfold_config_refused ") == 0
            await tell("Second", PAY)
            assert "Second" not in str(made.slack.posts(CHANNEL))

        for progress in await configurations(made):
            (_, first), (since, last) = progress.configurations
            assert (first, last) == (old, new)
            assert decided(progress.configurations, since - 1) == old
            assert progress.applied_tick >= since - 1
        assert "stage restarts" not in made.logs()
