"""The pictures of the README, drawn from the results that are committed.

`python -m benchmarks.pictures [--results FOLDER] [--pictures FOLDER]`

Writes `docs/pictures/*.svg`, each for a light page and for a dark one, and where the README shows
them. The same results give the same bytes. A picture whose results are not there is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
import vl_convert

from benchmarks.pictures import figures
from benchmarks.pictures.charts import Chart, Mode, bars, in_and_out, percentiles

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / "benchmarks" / "results"
PICTURES: Final = ROOT / "docs" / "pictures"
README: Final = ROOT / "README.md"
VEGA_LITE: Final = "6.4"


def _peers(results: Path, mode: Mode) -> Chart:
    says = "the same work, 14.8 KB events, real Kafka, one process each; median, slowest to fastest"
    return bars("Events per second, beside other engines", says, figures.peers(results), mode)


def _storm(results: Path, mode: Mode) -> Chart:
    says = "complete, from Kafka to acknowledged deltas; median, slowest to fastest round"
    return bars("Events per second of FINGERPRINT", says, figures.storm(results), mode)


def _latency(results: Path, mode: Mode) -> Chart:
    says = "first Slack message, beyond settle (10 s) and the tick, while a storm runs; line: goal"
    found = figures.latency(results)
    return percentiles("How much is added to what is by design", says, found, mode)


def _messages(results: Path, mode: Mode) -> Chart:
    says = (
        "events before FINGERPRINT, messages behind it, 4 partitions; both scales are logarithmic"
    )
    return in_and_out("A storm behind FINGERPRINT", says, figures.messages(results), mode)


SAYS: Final = {
    "peers": "Events per second of Stormfold, Quix Streams, sentry-arroyo and Bytewax",
    "latency": "Percentiles of the time to the first message, at 20, 50 and 80 % of capacity",
    "messages": "Messages behind FINGERPRINT, by events before it",
    "storm": "Events per second of FINGERPRINT beside a bare loop and stock Faust",
}
"""What each picture is called where it cannot be seen, in the order of the README."""

BEGIN: Final = "<!-- pictures: python -m benchmarks.pictures -->\n"
END: Final = "<!-- end of pictures -->\n"

CHARTS: Final[dict[str, Callable[[Path, Mode], Chart]]] = {
    "peers": _peers,
    "storm": _storm,
    "latency": _latency,
    "messages": _messages,
}
"""By the name of the results, which is the picture's."""


def drawn(results: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each picture's file and its text, of the results that are there."""
    for name, chart in CHARTS.items():
        if not (results / f"{name}.json").exists():
            continue
        for mode in Mode:
            made = vl_convert.vegalite_to_svg(chart(results, mode), vl_version=VEGA_LITE)
            yield f"{name}-{mode}.svg", made + "\n"


def shown(readme: str, names: Iterable[str]) -> str:
    """Return the README with these pictures where it shows pictures."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin, "the README says where its pictures are"
    assert end, "the README says where its pictures end"
    there = set(names)
    lines = [
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="docs/pictures/{name}-dark'
        f'.svg"><img alt="{says}" src="docs/pictures/{name}-light.svg"></picture>\n'
        for name, says in SAYS.items()
        if f"{name}-light.svg" in there
    ]
    return head + begin + "\n".join(lines) + end + tail


def main(
    results: Annotated[Path, typer.Option(help="Where the results are.")] = RESULTS,
    pictures: Annotated[Path, typer.Option(help="Where the pictures go.")] = PICTURES,
) -> None:
    """Draw every picture whose results are there."""
    pictures.mkdir(parents=True, exist_ok=True)
    found = dict(drawn(results))
    for name, text in found.items():
        (pictures / name).write_text(text, encoding="utf-8")
        print(pictures / name)
    if pictures == PICTURES:
        README.write_text(shown(README.read_text(encoding="utf-8"), found), encoding="utf-8")
    for name in CHARTS:
        if not (results / f"{name}.json").exists():
            print(f"not drawn: {name}, there is no {results / name}.json")


if __name__ == "__main__":
    typer.run(main)
