"""One KRaft broker as a process of this machine, which never outlives its owner.

Holds the process, its ports and its data folder. Whether the broker answers is asked in
`streams/broker/answers.py`; its jars come from `streams/broker/jars.py`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Final

from streams.broker.answers import wait_until_answers
from streams.broker.types import SETTINGS, Broker, BrokerFailed, Way

START_WITHIN_S: Final = 90.0
"""How long a broker may take until a consumer group joins, in seconds."""

QUICK: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For what ends soon: it takes less of the processor to begin with, and more later."""

END_WITHIN_S: Final = 20.0
TRIES: Final = 3
"""Starts before giving up, when another process takes the chosen port in between."""

HEAP: Final = ("-Xms256m", "-Xmx768m")
LASTING: Final = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")

# Below the range that systems lend to outgoing connections: while the broker is down, a client that
# tries again and again could be lent the broker's own port there, and would connect to itself.
PORTS: Final = range(20_000, 32_000)

# Runs the broker as its child and reads from a pipe whose other end only we hold. When we are gone,
# however that happened, the pipe ends, and the broker and its folder go too.
GUARD: Final = """
log=$1 folder=$2; shift 2
exec 3<&0 </dev/null
"$@" >>"$log" 2>&1 3<&- &
broker=$!
echo "$broker"
( cat <&3; trap '' TERM; kill -9 "$broker"; rm -rf -- "$folder" ) >/dev/null 2>&1 &
watch=$!
exec >/dev/null 2>&1 3<&-
wait "$broker"; status=$?
kill "$watch"
wait "$watch"
exit "$status"
"""


class JvmBroker(Broker):
    """A broker of our own with a fresh data folder; `kill` and `restart` keep port and data."""

    kind = Way.JVM

    def __init__(self, java: str, jars: Path, *, brief: bool = False) -> None:
        """Start a broker and wait until it answers.

        Args:
            java: the program.
            jars: Kafka's, a folder.
            brief: it ends soon, and nobody measures it.

        Raises:
            BrokerFailed: it did not start, or nobody could join within `START_WITHIN_S`.
        """
        self._java = java
        self._jars = jars
        self._jvm = (*HEAP, *(QUICK if brief else LASTING))
        self._guard: subprocess.Popen[str] | None = None
        self.pid: int | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="stormfold-kafka-"))
        self.log = self.folder / "broker.log"
        atexit.register(self.stop)
        try:
            self._first_start()
        except BaseException:
            self.stop()
            raise

    @property
    def running(self) -> bool:
        """Return whether the broker's process lives."""
        return self._guard is not None and self._guard.poll() is None

    def kill(self) -> None:
        """End the broker's process as a crash would (SIGKILL); the data folder stays."""
        if self._guard is None or self.pid is None:
            return
        # The guard is alive until it has reaped the broker, so the pid cannot be another's by now.
        if self._guard.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        try:
            self._guard.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard = self.pid = None

    def restart(self) -> None:
        """Start the killed broker again on its port and data; return once it answers.

        Raises:
            BrokerFailed: as for the first start.
        """
        self.kill()
        self._start()

    def stop(self) -> None:
        """End the process and remove the data folder; may be called twice."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of the broker's own log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _first_start(self) -> None:
        for attempt in range(1, TRIES + 1):
            self._write_settings(*_free_ports())
            self._format()
            try:
                return self._start()
            except BrokerFailed:
                if attempt == TRIES or "Address already in use" not in self.log_tail(200):
                    raise
                shutil.rmtree(self.folder / "data")
                self.log.unlink()

    def _write_settings(self, port: int, controller_port: int) -> None:
        self.bootstrap = f"127.0.0.1:{port}"
        controller = f"127.0.0.1:{controller_port}"
        settings = SETTINGS | {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.folder / "data"),
        }
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self.folder / "server.properties").write_text(text)

    def _command(self, main: str, *arguments: str, jvm: tuple[str, ...]) -> list[str]:
        return [
            self._java, *jvm, "-cp", f"{self._jars}/*", "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS", main, *arguments,
        ]  # fmt: skip

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        settings = str(self.folder / "server.properties")
        # One word: an id may begin with a dash, and would be taken for an option.
        arguments = ("format", f"--cluster-id={cluster}", "-c", settings)
        command = self._command("kafka.tools.StorageTool", *arguments, jvm=QUICK)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=START_WITHIN_S, check=False
        )
        if done.returncode:
            raise BrokerFailed(f"Kafka could not format its data folder:\n{done.stderr[-2000:]}")

    def _start(self) -> None:
        command = self._command(
            "kafka.Kafka", str(self.folder / "server.properties"), jvm=self._jvm
        )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(self.log), str(self.folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C goes to the owner, who still has things to write before the broker may go.
            start_new_session=True,
        )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline())
        self._guard.stdout.close()
        try:
            wait_until_answers(self.bootstrap, within_s=START_WITHIN_S, died=self._why_dead)
        except BrokerFailed as error:
            tail = self.log_tail()
            self.kill()
            raise BrokerFailed(f"the Kafka broker did not start: {error}\n{tail}") from None

    def _why_dead(self) -> str | None:
        return None if self.running else "its process ended"


def _free_ports() -> tuple[int, int]:
    """Return two ports of the loopback address that nobody listens on right now.

    Raises:
        BrokerFailed: none was found in 100 tries.
    """
    free: list[int] = []
    for port in random.sample(PORTS, 100):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            free.append(port)
        if len(free) == 2:
            return free[0], free[1]
    raise BrokerFailed("found no free port on 127.0.0.1")
