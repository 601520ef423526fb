"""What Sentry's symbolicator does for a native event: addresses become functions, files and lines.

sentry-native sends addresses only; Sentry resolves them with the debug files that a release
uploads. Here the program that was run is its own debug file, read by binutils' addr2line.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from recordings.sdks.stored import frames_of

JsonObject = dict[str, Any]


def symbolicate(event: JsonObject, program: Path, sources: Path) -> None:
    """Name the event's frames in place: the image for all, the rest for those of the program.

    Args:
        event: in stored form.
        program: the file that was run, with its debug information.
        sources: a frame whose file lies below this folder is the application's own.
    """
    images = (event.get("debug_meta") or {}).get("images") or []
    for frame in frames_of(event):
        address = int(frame["instruction_addr"], 16)
        for image in images:
            start = int(image["image_addr"], 16)
            if start <= address < start + image["image_size"]:
                frame["package"] = image["code_file"]
                if image["code_file"] == str(program):
                    frame |= _resolved(program, address - start, sources)


def _resolved(program: Path, offset: int, sources: Path) -> JsonObject:
    # An address on the stack is where a call returns to: one byte before is the call.
    command = ["addr2line", "-f", "-C", "-e", str(program), hex(offset - 1)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    function, place = printed.splitlines()[:2]
    file, _, line = place.partition(" ")[0].rpartition(":")
    if function.startswith("??"):
        return {}
    found: JsonObject = {"function": function, "in_app": file.startswith(str(sources))}
    if not file.startswith("??"):
        found |= {"filename": Path(file).name, "abs_path": file}
        found |= {"lineno": int(line)} if line.isdigit() else {}
    return found
