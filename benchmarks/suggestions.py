"""How good the suggested merges are, on labelled recordings of crashes.

`python -m benchmarks.suggestions FILE... [--threshold T] [--literal]`

A pair of signatures of one service is right when most events of both have the same label. What our
signatures leave apart is little; with `--literal` every different stack, line by line, counts as a
signature of its own, which says more of the likeness itself.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.similarity import THRESHOLD, Shape, pairs, shape_of
from correlators.types import Event
from streams.recording import Record, Recording


class Found(msgspec.Struct, frozen=True):
    """What was suggested of one recording."""

    signatures: int
    true_pairs: int
    suggested: int
    right: int

    @property
    def precision(self) -> float:
        """Of what was suggested, how much is right; 1 where nothing was."""
        return self.right / self.suggested if self.suggested else 1.0

    @property
    def recall(self) -> float:
        """Of what is right, how much was suggested; 1 where nothing is."""
        return self.right / self.true_pairs if self.true_pairs else 1.0


def literal(event: Event) -> str:
    """Return what only events with the very same stack share."""
    return repr([(one.type, one.frames) for one in event.exceptions])


def measure(path: Path, *, threshold: float, by_literal_stack: bool) -> Found:
    """Return how good the suggestions for one recording are."""
    reader = Fingerprinter(Fingerprinting())
    shapes: dict[str, dict[str, Shape]] = defaultdict(dict)
    labels: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line in Recording([path]):
        if not isinstance(line, Record):
            continue
        read = reader.read(line.resource, line.body)
        if read.event is None or read.signature is None:
            continue
        shape = shape_of(read.event, read.signature)
        if shape is None:
            continue
        if by_literal_stack:
            shape = msgspec.structs.replace(shape, fingerprint=literal(read.event))
        service = read.event.service
        shapes[service].setdefault(shape.fingerprint, shape)
        labels[service, shape.fingerprint][line.label] += 1
    label_of = {place: found.most_common(1)[0][0] for place, found in labels.items()}

    def same(service: str, left: str, right: str) -> bool:
        return label_of[service, left] == label_of[service, right]

    suggested = [
        same(service, pair.left.fingerprint, pair.right.fingerprint)
        for service, known in shapes.items()
        for pair in pairs(known.values(), threshold=threshold)
    ]
    return Found(
        signatures=len(labels),
        true_pairs=sum(
            same(service, *both)
            for service, known in shapes.items()
            for both in itertools.combinations(known, 2)
        ),
        suggested=len(suggested),
        right=sum(suggested),
    )


def main(
    files: Annotated[list[Path], typer.Argument(help="Labelled recordings of crashes.")],
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0)] = THRESHOLD,
    literal: Annotated[bool, typer.Option("--literal", help="Every stack by itself.")] = False,
) -> None:
    """Score suggested merges against labels."""
    out = Table("recording", "signatures", "true pairs", "suggested", "right", "P", "R")
    for path in files:
        found = measure(path, threshold=threshold, by_literal_stack=literal)
        counts = (found.signatures, found.true_pairs, found.suggested, found.right)
        rates = (f"{found.precision:.3f}", f"{found.recall:.3f}")
        out.add_row(path.name, *map(str, counts), *rates)
    Console(width=None if sys.stdout.isatty() else 110).print(out)


if __name__ == "__main__":
    typer.run(main)
