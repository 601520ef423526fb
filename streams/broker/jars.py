"""Java, Maven and Kafka's jars: are they here, and where do the jars lie?

The jars are resolved once per pom.xml and kept under the user's cache folder. Starting the
broker is `streams/broker/jvm.py`'s part.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from streams.broker.types import KAFKA_VERSION, BrokerFailed, Say

JAVA_AT_LEAST: Final = 17
RESOLVE_WITHIN_S: Final = 600.0
"""How long Maven may take for a first download, in seconds."""

POM: Final = Path(__file__).with_name("pom.xml")


def java_program(environ: Mapping[str, str]) -> str | None:
    """Return the `java` to run: JAVA_HOME's if that is set, else the one on PATH, else None."""
    if home := environ.get("JAVA_HOME"):
        return shutil.which(str(Path(home, "bin", "java")))
    return shutil.which("java", path=environ.get("PATH", ""))


def why_not_java(environ: Mapping[str, str]) -> str:
    """Return why the JVM way is closed here, as one line; empty when it is open."""
    java = java_program(environ)
    if java is None:
        return "Java not found"
    version = java_version(java)
    if version is None:
        return f"{java} does not run"
    if version < JAVA_AT_LEAST:
        return f"Java too old: {java} is Java {version}, {JAVA_AT_LEAST} or newer is needed"
    maven = shutil.which("mvn", path=environ.get("PATH", ""))
    if maven is None and not jars_folder(environ).is_dir():
        return "Java is there, Maven not found (Debian: apt-get install maven)"
    return ""


def java_version(java: str) -> int | None:
    """Return the feature version of this `java` (8, 17, 21, ...), None if it does not run."""
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(found[1]) if told.returncode == 0 and found else None


def jars_folder(environ: Mapping[str, str]) -> Path:
    """Return where the jars of this pom.xml lie, or will lie; it exists only when complete."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return Path(cache, "stormfold", f"kafka-{KAFKA_VERSION}-{digest}")


def resolved_jars(environ: Mapping[str, str], say: Say) -> Path:
    """Return the folder with Kafka's jars, downloading them through Maven the first time.

    Raises:
        BrokerFailed: Maven failed or took longer than `RESOLVE_WITHIN_S`.
    """
    folder = jars_folder(environ)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(folder.parent / f"{folder.name}.lock"):
        if not folder.is_dir():
            say(f"First time: Maven downloads Apache Kafka {KAFKA_VERSION}, about 45 MB.")
            with tempfile.TemporaryDirectory(dir=folder.parent) as half:
                _run_maven(Path(half, "jars"), environ, say)
                Path(half, "jars").rename(folder)
    return folder


def _run_maven(into: Path, environ: Mapping[str, str], say: Say) -> None:
    command = [
        "mvn", "--batch-mode", "--file", str(POM), "dependency:copy-dependencies",
        f"-DoutputDirectory={into}", "-DincludeScope=runtime",
    ]  # fmt: skip
    maven = subprocess.Popen(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert maven.stdout is not None
    limit = threading.Timer(RESOLVE_WITHIN_S, maven.kill)
    limit.start()
    errors: list[str] = []
    downloaded = 0
    try:
        for line in maven.stdout:
            if re.match(r"(\[INFO\] )?Downloaded .*\.jar", line):
                downloaded += 1
                if downloaded % 20 == 0:
                    say(f"  {downloaded} jars")
            elif line.startswith("[ERROR]") and len(errors) < 3:
                errors.append(line.removeprefix("[ERROR]").strip()[:300])
        status = maven.wait()
    finally:
        limit.cancel()
        maven.kill()
        maven.wait()
        maven.stdout.close()
    if status or not any(into.glob("kafka_2.13-*.jar")):
        raise BrokerFailed(f"Maven could not fetch Kafka (exit {status}): {' '.join(errors)}")


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Keep a second run on this machine waiting while the first one downloads."""
    handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
