"""`pip install` that shows one moving line instead of a page, and pip's own words when it fails."""

from __future__ import annotations

import subprocess
import sys
from collections import deque


def main(arguments: list[str]) -> int:
    """Return pip's exit status."""
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    process = subprocess.Popen(
        [*pip, "--progress-bar=off", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    last: deque[str] = deque(maxlen=20)
    downloaded = 0
    for line in process.stdout:
        last.append(line)
        word, _, rest = line.strip().partition(" ")
        if word in ("Downloading", "Using") and ".whl" in rest:
            downloaded += 1
            name = rest.removeprefix("cached ").split("-")[0]
            _show(f"package {downloaded}: {name}", at_all=downloaded % 25 == 0)
        elif word == "Installing":
            _show("installing", at_all=downloaded > 0)
    status = process.wait()
    _show("")
    if status:
        sys.stderr.writelines(last)
    return status


def _show(text: str, *, at_all: bool = False) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text[:78]}")
    elif text and at_all:
        sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
