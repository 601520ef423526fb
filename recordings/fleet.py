"""The processes of the shop: deployed outside the repository, started, stopped, restarted.

What happens to them and when is the business of `story`.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

SHOP: Final = Path(__file__).parent / "shop"
PROJECTS: Final = {"checkout": 4501, "payment": 4502, "catalogue": 4503}
START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0
LOG_SHOWN: Final = 2000


def deploy(target: Path, overlay: str = "") -> None:
    """Copy the shop to `target/shop`, and over it the files of a newer release.

    Imports are shortened from `recordings.shop` to `shop`, line by line, so that line numbers stay.
    """
    shutil.copytree(SHOP, target / "shop", ignore=shutil.ignore_patterns("__pycache__", "releases"))
    if overlay:
        service = overlay.partition("_")[0]
        for changed in (SHOP / "releases" / overlay).glob("[a-z]*.py"):
            shutil.copy(changed, target / "shop" / service / changed.name)
    for path in target.rglob("*.py"):
        path.write_text(path.read_text("utf-8").replace("recordings.shop", "shop"), "utf-8")


class Fleet:
    """All processes of one run; `ports` says where each service listens now."""

    def __init__(self, root: Path, capture_port: int) -> None:
        self._root = root
        self._capture_port = capture_port
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._frozen: set[str] = set()
        self.ports: dict[str, int] = {}

    async def start(
        self,
        name: str,
        module: str,
        *arguments: str,
        folder: Path,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Start a Python module as `launch` does."""
        command = (sys.executable, "-m", module, *arguments)
        env = {"PYTHONDONTWRITEBYTECODE": "1", **(settings or {})}
        await self.launch(name, command, folder, env)

    async def launch(
        self, name: str, command: Sequence[str], folder: Path, env: Mapping[str, str]
    ) -> None:
        """Start a process and return when it listens; its port is then in `ports`.

        Raises:
            RuntimeError: it ended, or did not say that it was ready within 30 s.
        """
        log = (self._root / f"{name}.log").open("ab")
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(env),
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        log.close()
        self._processes[name] = process
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)
        except TimeoutError:
            line = b""
        if not line.startswith(b"ready "):
            said = (self._root / f"{name}.log").read_text("utf-8", "replace")
            raise RuntimeError(f"{name} did not start: {said[-LOG_SHOWN:]}")
        self.ports[name] = int(line.split()[1])

    async def service(
        self, name: str, release: str, server: str, folder: Path, environment: str = "production"
    ) -> None:
        """Start one service of the shop, pointed at what is running already."""
        kind = release.partition("@")[0]
        inventory = "inventory" if environment == "production" else f"inventory-{environment}"
        settings = {
            "SHOP_SERVICE": kind,
            "SHOP_RELEASE": release,
            "SHOP_ENVIRONMENT": environment,
            "SHOP_SERVER_NAME": server,
            "SHOP_DSN": f"http://{'5' * 32}@127.0.0.1:{self._capture_port}/{PROJECTS[kind]}",
            "SHOP_INVENTORY_PORT": str(self.ports[inventory]),
            "SHOP_CATALOGUE_PORT": str(self.ports.get("catalogue", 0)),
            "SHOP_PAYMENT_PORT": str(self.ports.get("payment", 0)),
            "SHOP_CARDNET_PORT": str(self.ports.get("cardnet", 0)),
        }
        await self.start(name, f"shop.{kind}", folder=folder, settings=settings)

    def freeze(self, name: str) -> None:
        """Let a process hang: it keeps its sockets and answers nothing."""
        self._frozen.add(name)
        self._processes[name].send_signal(signal.SIGSTOP)

    async def kill(self, name: str) -> None:
        """End a process at once, without a goodbye."""
        process = self._processes.pop(name)
        self._frozen.discard(name)
        process.kill()
        await process.wait()

    async def replace(self, name: str, successor: str) -> None:
        """Let a running successor take over the name of a process, and end the old one."""
        old = self._processes.pop(name)
        self._processes[name] = self._processes.pop(successor)
        self.ports[name] = self.ports.pop(successor)
        await self._retire(old)

    async def _retire(self, process: asyncio.subprocess.Process) -> None:
        """Ask a process to end, wait for it, and insist after 10 s."""
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def stop(self) -> None:
        """End every process of the run."""
        for name in list(self._processes):
            process = self._processes.pop(name)
            if name in self._frozen and process.returncode is None:
                process.kill()
            await self._retire(process)
