"""A page as a picture, taken by Chromium where it is at hand.

Errors: `PictureError` when there is none, or it takes no picture.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHIN_S: Final = 60.0
WIDTH: Final = 900
HEIGHTS: Final = (120, 6_000)
# Printing a page, a browser has it no narrower than 500 pixels: so its width is said once more.
_MEASURED: Final = (
    "<script>document.body.style.maxWidth = '{width}px';"
    "document.documentElement.dataset.high = document.body.scrollHeight</script>"
)
_HEIGHT: Final = re.compile(r'<html[^>]* data-high="(\d+)"')


class PictureError(Exception):
    """There is no picture; the text says why and what to do."""


def take(page: str, path: Path, *, width: int = WIDTH) -> None:
    """Write a picture of a page, as high as the page is, within `HEIGHTS`.

    Args:
        page: HTML that loads nothing.
        path: a file that ends with `.png`, whole or not there.
        width: in pixels; 390 is a phone.

    Raises:
        PictureError: it cannot be taken.
    """
    browser = next((found for one in BROWSERS if (found := shutil.which(one))), None)
    if browser is None:
        raise PictureError(f"no Chromium on the PATH (any of {', '.join(BROWSERS)})")
    with tempfile.TemporaryDirectory(prefix="stormfold-") as folder:
        source, shot = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(page + _MEASURED.format(width=width), "utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever it holds, nothing is loaded
            f"--user-data-dir={folder}/profile",
        ]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # as root it starts with nothing else
        low, high = HEIGHTS
        size = f"--window-size={width},{low}"
        measured = _HEIGHT.search(_run([*command, size, "--dump-dom", source.as_uri()]))
        height = max(low, min(int(measured[1]) if measured else high, high))
        size = f"--window-size={width},{height}"
        _run([*command, size, f"--screenshot={shot}", source.as_uri()])
        if not shot.is_file():
            raise PictureError(f"{browser} took no picture")
        try:
            shutil.copyfile(shot, path)
        except OSError as error:
            raise PictureError(f"{path}: cannot be written: {error.strerror}") from None


def _run(command: list[str]) -> str:
    """Return what the browser prints."""
    try:
        done = subprocess.run(command, timeout=WITHIN_S, check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise PictureError(f"{command[0]} takes no picture: {type(error).__name__}") from None
    return done.stdout.decode("utf-8", "replace")
