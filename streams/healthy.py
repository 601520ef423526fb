"""Whether what runs beside this on the same machine is well: `python -m streams.healthy`.

For a container, which has no curl: asks intake and the worker on the ports of the environment
(INTAKE_PORT, METRICS_PORT), as the example configuration reads them. A port that nobody listens on
is not the one that this container serves; of what listens everything must be ready and in health.
The standard library only, so that asking costs a tenth of a second.

Exit status: 0 well, 1 not, with a line for each trouble.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Final

PORTS: Final = {"INTAKE_PORT": 8080, "METRICS_PORT": 9464}
PATHS: Final = ("/readyz", "/healthz")
WITHIN_S: Final = 3.0
READ_BYTES: Final = 4_096


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Ask, print what is wrong, and return the exit status."""
    answers = {
        port: [_trouble(port, path) for path in PATHS]
        for port in (int(environ.get(name) or usual) for name, usual in PORTS.items())
    }
    listening = {port: told for port, told in answers.items() if None not in told}
    if not listening:
        print(f"nobody listens on {' or '.join(map(str, answers))}")
        return 1
    troubles = list(_lines(listening))
    for line in troubles:
        print(line)
    return 1 if troubles else 0


def _lines(listening: Mapping[int, list[str | None]]) -> Iterator[str]:
    for port, told in listening.items():
        for path, trouble in zip(PATHS, told, strict=True):
            if trouble:
                yield f"{port}{path}: {trouble}"


def _trouble(port: int, path: str) -> str | None:
    """Return what is wrong there, nothing when all is well, and None when nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=WITHIN_S):
            return ""
    except urllib.error.HTTPError as answer:
        text = answer.read(READ_BYTES).decode(errors="replace")
        return "; ".join(text.splitlines()) or f"status {answer.code}"
    except urllib.error.URLError as error:
        return None if isinstance(error.reason, ConnectionRefusedError) else str(error.reason)
    except OSError as error:
        return str(error) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
