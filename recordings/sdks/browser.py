"""Browser cases: one headless browser per release, one page visit per case.

The browser finds the shop under a name of its own, so that no port and no loopback address stands
in a frame.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final

SHOP: Final = "shop.example"
START_LIMIT_S: Final = 60.0
CASE_LIMIT_S: Final = 20.0


async def visit(browser: str, port: int, cases: list[str], done: dict[int, asyncio.Event]) -> None:
    """Let the browser visit each case's page in turn, until each has told that it is done.

    The page of a case opens the next one by itself, so one start of the browser is enough.

    Args:
        browser: `chromium` or `firefox`.
        port: of the collector, which also serves the page.
        cases: all of the page's, in its order.
        done: gets an event for each case, by its number from 1 on.

    Raises:
        RuntimeError: a case did not end in time.
    """
    for project in range(1, len(cases) + 1):
        done[project] = asyncio.Event()
    address = f"http://{SHOP}/index.html#1"
    profile = Path(tempfile.mkdtemp())
    process = await asyncio.create_subprocess_exec(
        *_command(browser, port, profile, address),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for project, case in enumerate(cases, 1):
            limit_s = START_LIMIT_S if project == 1 else CASE_LIMIT_S
            try:
                await asyncio.wait_for(done[project].wait(), limit_s)
            except TimeoutError:
                raise RuntimeError(f"{browser} never ended {case}") from None
    finally:
        process.terminate()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _command(browser: str, port: int, profile: Path, address: str) -> list[str]:
    if browser == "chromium":
        return [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update",
            f"--user-data-dir={profile}", f"--host-resolver-rules=MAP {SHOP}:80 127.0.0.1:{port}",
            address,
        ]  # fmt: skip
    # Firefox has no such rule: the collector is its proxy for everything.
    (profile / "user.js").write_text(
        "".join(
            f"user_pref({name!r}, {value});\n".replace("'", '"')
            for name, value in (
                ("network.proxy.type", 1),
                ("network.proxy.http", '"127.0.0.1"'),
                ("network.proxy.http_port", port),
                ("network.proxy.ssl", '"127.0.0.1"'),
                ("network.proxy.ssl_port", port),
                ("datareporting.policy.dataSubmissionEnabled", "false"),
                ("app.update.enabled", "false"),
                ("browser.shell.checkDefaultBrowser", "false"),
            )
        )
    )
    return ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), address]
