"""Everywhere else people look, shown: what each service got of an error, an outage and a week.

`python -m benchmarks.everywhere [--only forms|drill|week] [--results FOLDER] [--pictures FOLDER]`

Everything is real but the services: a Kafka, `stormfold intake`, `stormfold run`, and the local
Slack, PagerDuty, mail server, Teams and receiver of webhooks, which keep the real limits. First the
three forms of a message in each of them, as a transcript. Then `stormfold drill`, its output as it
is. Last, a week with what people did in it, and its report.

Exit status: 0 when everything came everywhere and the drill came to its end; else 1.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from benchmarks.everywhere.happened import DIRECT, Happened
from benchmarks.everywhere.report import Report
from benchmarks.everywhere.week import Week
from benchmarks.everywhere.world import World
from benchmarks.wayback import pictures
from sinks.peers.drawn import html_message, page
from sinks.peers.drawn_cards import cards_html
from sinks.peers.email_store import Mail
from streams.broker import running_broker

PARTS = ("forms", "drill", "week")
PHONE = 390
MAILS_MOST = 8
DRILL = ("drill", "--service", "payment")


async def show(options: argparse.Namespace, bootstrap: str, folder: Path) -> Report:
    """Play the parts that are asked for, and return what came of them."""
    found, parts = Report(), options.only or PARTS
    for clock, wanted in (("wall", {"forms", "drill"}), ("data", {"week"})):
        if not wanted & set(parts):
            continue
        (folder / clock).mkdir()
        async with World(bootstrap, folder / clock, clock=clock) as world:
            for part in (one for one in PARTS if one in wanted & set(parts)):
                _say(part)
                try:
                    await _play(part, world, found)
                except (TimeoutError, AssertionError):
                    found.failed.append(f"{part}: {traceback.format_exc()}")
            if options.pictures is not None:
                await asyncio.to_thread(_draw, world, options.pictures / clock)
            found.errors += [one for one in world.logs().splitlines() if "error" in one.lower()]
    return found


async def _play(part: str, world: World, found: Report) -> None:
    match part:
        case "forms":
            happened = Happened(world)
            found.parts = happened.parts
            await happened.play()
        case "drill":
            done = await asyncio.to_thread(world.run, *DRILL)
            found.drill = f"$ stormfold {' '.join(DRILL)}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, found.drill
        case _:
            found.week = await Week(world).play()


def _draw(world: World, folder: Path) -> None:
    """Draw channels, cards, pages, and a mail of each thread, also on a phone; keep all mails."""
    folder.mkdir(parents=True, exist_ok=True)
    direct = world.slack.workspace.channels.get(DIRECT)
    pages = [(f"slack-{one}", pictures.channel(world.slack, one)) for one in world.channels()]
    pages += [
        (f"teams-{one}", page(one, cards_html(world.teams.cards(one))))
        for one in world.teams.workflows
    ]
    pages.append(("pagerduty", pictures.pager(world.pagerduty)))
    if direct is not None:
        told = "\n".join(map(html_message, direct.messages.values()))
        pages.append(("slack-ada", page("ada", told)))
    seen: dict[str, Mail] = {}
    for number, mail in enumerate(world.mail.mails):
        (folder / f"mail-{number}.eml").write_bytes(mail.raw)
        seen.setdefault(mail.header("Subject").partition(" · ")[0], mail)
    first = [*seen.values()][:MAILS_MOST]
    pages += [(f"mail-{world.mail.mails.index(one)}", one.part("html")) for one in first]
    for drawn in pictures.draw(pages, folder):
        _say(f"picture: {drawn}")
    pictures.draw(
        [one for one in pages if one[0].startswith("mail")], folder / "phone", width=PHONE
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the show. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.everywhere", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    parser.add_argument("--results", type=Path, help="a folder for everywhere.txt")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures; needs Chromium")
    options = parser.parse_args()
    # As Ctrl-C, so that the processes that were started are taken down.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with (
        running_broker(say=_say) as broker,
        tempfile.TemporaryDirectory() as folder,
    ):
        found = asyncio.run(show(options, broker.bootstrap, Path(folder)))
    text = found.text()
    print(text, end="")
    for line in found.errors:
        _say(line)
    if options.results is not None:
        head = (
            f"Everywhere else people look; Python {platform.python_version()}, {os.cpu_count()} "
            "cores, real Apache Kafka; `make everywhere`\n\n"
        )
        (options.results / "everywhere.txt").write_text(head + text)
    for line in found.failed:
        _say(f"wrong: {line}")
    return 1 if found.failed else 0


if __name__ == "__main__":
    sys.exit(main())
