"""Secrets are rotated without a cut: intake takes a changed file on SIGHUP, and goes on serving."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import signal
from pathlib import Path

import aiohttp

from streams.broker import Broker
from streams.intake import serve
from streams.settings import read
from streams.topics import ensure
from tests.streams.test_intake import BODY, headers, metric, until

OLD, NEW = "the old secret", "the new secret"


async def test_a_rotated_secret_is_taken_on_sighup_and_a_wrong_file_cuts_nobody_off(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    path, secret = tmp_path / "stormfold.yaml", tmp_path / "secret"
    secret.write_text(OLD)

    def write(*secrets: str) -> None:
        path.write_text(
            f"namespace: {namespace}\n"
            f"kafka: {{bootstrap: '{kafka.bootstrap}'}}\n"
            f"intake: {{port: 0, kafka_timeout: 10s, secrets: [{', '.join(secrets)}]}}\n"
        )

    write(f"'file:{secret}'")
    loaded = read(path, {})
    await ensure(loaded.settings)
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(loaded.settings, loaded=loaded, stop=stop, listening=started.set_result)
    )
    address = await started
    async with aiohttp.ClientSession() as session:

        async def answered(key: str) -> int:
            signature = hmac.new(key.encode(), BODY, hashlib.sha256).hexdigest()
            signed = headers(BODY) | {"Sentry-Hook-Signature": signature}
            async with session.post(f"{address}/sentry", data=BODY, headers=signed) as answer:
                return answer.status

        async def reloaded(outcome: str, times: int) -> None:
            line = f'stormfold_config_reloads_total{{outcome="{outcome}"}}'

            async def counted() -> bool:
                return await metric(address, line) == f"{line} {times}.0"

            os.kill(os.getpid(), signal.SIGHUP)
            await until(counted, f"{outcome} is counted")

        assert [await answered(key) for key in (OLD, NEW)] == [200, 401]
        write(f"'file:{secret}'", f"'{NEW}'")
        await reloaded("taken", 1)
        assert [await answered(key) for key in (OLD, NEW)] == [200, 200]
        for number, wrong in enumerate(("''", "'${NOT_THERE}'", "[]"), start=1):
            write(wrong)
            await reloaded("refused", number)
        assert [await answered(key) for key in (OLD, NEW)] == [200, 200]
        # The file as it was, and another secret in the file that it names.
        write(f"'file:{secret}'", f"'{NEW}'")
        secret.write_text("the next secret")
        await reloaded("unchanged", 1)
        assert [await answered(key) for key in (OLD, NEW, "the next secret")] == [401, 200, 200]
    stop.set()
    await serving
