"""Ctrl-C is heard also in the background of a script, whose shell has it ignored."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60
IGNORING = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m"]
"""Starts a module as a script does before `&`."""


@pytest.mark.parametrize(
    ("module", "status"), [(["streams.broker"], 0), (["streams.cli", "topics"], 130)]
)
def test_what_a_script_has_in_its_background_ends_by_sigint(
    tmp_path: Path, module: list[str], status: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(DEADLINE_S)
        at = f"127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "stormfold.yaml").write_text(f"kafka: {{bootstrap: '{at}'}}\n")
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "KAFKA_BOOTSTRAP": at}
        process = subprocess.Popen(
            [*IGNORING, *module], cwd=tmp_path, env=kept, stderr=subprocess.PIPE
        )
        try:
            # It asks a Kafka that says nothing: from here on it waits.
            asking, _ = silent.accept()
            with asking:
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == status, errors.decode()
    assert b"Traceback" not in errors
