"""Makes the corpus again: `python -m recordings.sdks.make [NAME...]`, from the top.

Each program is copied to a neutral folder, installed and built there; each of its cases is run in
a process of its own that reports to a collector on loopback. Then the folder moves, the sources get
new lines, and everything is run again as release 2. Needs the package registries, the right to
write below /srv and the Debian packages that `plans` names; `make test` runs none of this.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import gethostname
from typing import Any, Final

from recordings.clean import leaks
from recordings.sdks.browser import visit
from recordings.sdks.collector import Collector
from recordings.sdks.plans import PLANS, Command, Plan
from recordings.sdks.stored import neutral, stored_form
from recordings.sdks.symbols import symbolicate

JsonObject = dict[str, Any]

HERE: Final = Path(__file__).parent
CORPUS: Final = HERE.parents[1] / "tests" / "corpus"
HOMES: Final = (Path("/srv/app"), Path("/srv/releases/20250611"))
"""Where release 1 and release 2 are run."""
MOVED: Final = "@moved"
LINES_ADDED: Final = 23
NAME_HIT: Final = "the name of this machine"
HOST_KEYS: Final = ("server_name", "hostname", "host", "name")
NO_LEAK: Final = re.compile(r"@[a-z][a-z-]*(?=[./])|\b\d+(?:\.0){3}\b")
"""A package's owner is no mail's host, a browser's version no address."""
CACHES: Final = (("go", "/go"), (".cargo", "/usr/local/cargo"), (".rustup", "/usr/local/rustup"))
"""Folders below the home of whoever records, and where a server's image has them."""
CASE_LIMIT_S: Final = 60
SIDE_BY_SIDE: Final = 3


class Failed(RuntimeError):
    """A command did not do what it should; the text says which and what it printed."""


def cases_of(name: str) -> list[str]:
    """Return the names of the cases of a language, in the order of its cases.txt."""
    lines = (HERE / name / "cases.txt").read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def environment(home: Path, release: int) -> dict[str, str]:
    """Return what a program sees of the machine: next to nothing."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "USER": "app",
        "LOGNAME": "app",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "APP_RELEASE": f"shop@1.{release}.0",
        "RELEASE": str(release),
    }


async def run(command: Command, home: Path, env: dict[str, str], limit_s: float) -> str:
    """Return what the command printed; its exit code is the caller's to judge by the events."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=home,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), limit_s)
    except TimeoutError:
        process.kill()
        raise Failed(f"{' '.join(command)} ran for more than {limit_s} s") from None
    if process.returncode and limit_s > CASE_LIMIT_S:
        raise Failed(f"{' '.join(command)}: {printed.decode(errors='replace')[-3000:]}")
    return printed.decode(errors="replace")


async def set_up(commands: tuple[Command, ...], home: Path, release: int) -> None:
    """Install or build in the home; with the caller's own environment, which knows registries."""
    jars = ":".join(str(jar) for jar in sorted((home / "lib").glob("*.jar")))
    env = os.environ | {"RELEASE": str(release), "CARGO_TARGET_DIR": str(home / "target")}
    for command in commands:
        await run(tuple(word.replace("{jars}", jars) for word in command), home, env, 1500)


def add_lines(home: Path, comment: str) -> None:
    """Move the code below each marker by the same number of lines."""
    added = f"{comment} Written for the second release.\n" * LINES_ADDED
    for file in home.rglob("*"):
        if file.is_file() and "node_modules" not in file.parts and file.stat().st_size < 50_000:
            try:
                text = file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            if MOVED in text:
                lines = text.splitlines(keepends=True)
                file.write_text("".join(added if MOVED in line else line for line in lines))


async def recorded(name: str, plan: Plan, only: set[str]) -> list[JsonObject]:
    """Return the lines of the corpus for one language."""
    first, second = HOMES
    for home in HOMES:
        shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(HERE / name, first)
    await set_up(plan.prepare, first, 1)
    lines: list[JsonObject] = []
    for release, home in enumerate(HOMES, 1):
        if release == 2:
            second.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(first, second)
            add_lines(home, plan.comment)
        await set_up(plan.build, home, release)
        collector = Collector(home / "site" if plan.browsers else None)
        port = await collector.start()
        cases = [case for case in cases_of(name) if not only or case in only or plan.browsers]
        try:
            for browser in plan.browsers or ("",):
                found = await _run_cases(plan, cases, collector, port, release, browser)
                for case, events in zip(cases, found, strict=True):
                    lines += _lines(plan, case, release, browser, events)
        finally:
            await collector.stop()
    return lines


async def _run_cases(
    plan: Plan, cases: list[str], collector: Collector, port: int, release: int, browser: str
) -> list[list[JsonObject]]:
    """Return the events of each case, in the order of the cases."""
    home = HOMES[release - 1]
    collector.events.clear()
    side_by_side = asyncio.Semaphore(SIDE_BY_SIDE)
    printed: dict[int, str] = {}

    async def one(project: int, case: str) -> None:
        dsn = f"http://key@127.0.0.1:{port}/{project}"
        command = tuple(word.replace("{case}", case) for word in plan.run)
        async with side_by_side:
            env = environment(home, release) | {"SENTRY_DSN": dsn}
            printed[project] = await run(command, home, env, CASE_LIMIT_S)

    if browser:
        await visit(browser, port, cases, collector.done)
    else:
        await asyncio.gather(*(one(project, case) for project, case in enumerate(cases, 1)))
    found = [collector.events.get(project, []) for project, _ in enumerate(cases, 1)]
    for project, (case, events) in enumerate(zip(cases, found, strict=True), 1):
        if not events:
            print(f"no event: {case}@{release} {browser} {printed.get(project, '')[-1500:]}")
    return found


def _lines(
    plan: Plan, case: str, release: int, browser: str, events: list[JsonObject]
) -> Iterator[JsonObject]:
    where = f"@{release}{f'-{browser}' if browser else ''}"
    pairs = [(sys.base_prefix, "/usr"), *((str(Path.home() / old), new) for old, new in CACHES)]
    for number, event in enumerate(events):
        again = f"+{number}" if number else ""
        form = stored_form(event)
        if plan.program:
            home = HOMES[release - 1]
            symbolicate(form, home / plan.program, home / "src")
        yield {"name": f"{case}{where}{again}", "event": neutral(form, pairs)}


def write(name: str, lines: list[JsonObject]) -> None:
    """Write one corpus file, the same bytes for the same lines.

    Raises:
        Failed: something in them tells of this machine or of people.
    """
    text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    found = [hit for hit in leaks(NO_LEAK.sub("", text)) if hit != NAME_HIT]
    # The host's name may be a common word, so it counts where a host is named.
    found += [
        f"{key} of this machine" for key in HOST_KEYS if f'"{key}": "{gethostname()}"' in text
    ]
    if found:
        raise Failed(f"{name}: {', '.join(found[:20])}")
    (CORPUS / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{name}: {len(lines)} events, {len(text)} characters")


def main() -> None:
    """Record the languages named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--case", action="append", default=[], help="only this; nothing is written")
    given = parser.parse_args()
    for name in given.names or list(PLANS):
        lines = asyncio.run(recorded(name, PLANS[name], set(given.case)))
        if given.case:
            print(json.dumps(lines, indent=1))
        else:
            write(name, lines)


if __name__ == "__main__":
    main()
