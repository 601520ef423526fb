"""A page as a picture, taken by Chromium where it is at hand.

Errors: `PictureError` when there is none, or it takes no picture.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WITHIN_S: Final = 60.0
WIDTH: Final = 900
HEIGHTS: Final = (200, 6_000)


class PictureError(Exception):
    """There is no picture; the text says why and what to do."""


def take(page: str, path: Path, *, height: int) -> None:
    """Write a picture of a page.

    Args:
        page: HTML that loads nothing.
        path: a file that ends with `.png`, whole or not there.
        height: how much of it is seen, in pixels; made to lie within `HEIGHTS`.

    Raises:
        PictureError: it cannot be taken.
    """
    browser = next((found for one in BROWSERS if (found := shutil.which(one))), None)
    if browser is None:
        raise PictureError(f"no Chromium on the PATH (any of {', '.join(BROWSERS)})")
    height = max(HEIGHTS[0], min(height, HEIGHTS[1]))
    with tempfile.TemporaryDirectory(prefix="stormfold-") as folder:
        source, shot = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(page, "utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever it holds, nothing is loaded
            f"--user-data-dir={folder}/profile",
            f"--window-size={WIDTH},{height}",
            f"--screenshot={shot}",
        ]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # as root it starts with nothing else
        try:
            subprocess.run(
                [*command, source.as_uri()], timeout=WITHIN_S, check=True, capture_output=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise PictureError(f"{browser} takes no picture: {type(error).__name__}") from None
        if not shot.is_file():
            raise PictureError(f"{browser} took no picture")
        try:
            shutil.copyfile(shot, path)
        except OSError as error:
            raise PictureError(f"{path}: cannot be written: {error.strerror}") from None
