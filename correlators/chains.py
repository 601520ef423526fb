"""Which exceptions of an event count: its chain of causes, or its tree of groups.

Lives here: the choice and order of exceptions, and why one is left out. Not here: what counts of
each (`stacks`), how the parts come together (`fingerprint`).

An exception group (`asyncio.gather`, `Promise.any`) holds failures side by side. How often it holds
the same one, and in which order, is chance. So where all its members are one and the same failure,
that failure stands for the event, with its causes; where they differ, one of each counts, and the
group. A tree that is broken (a number missing or twice, a loop, no root) is read as a list.

Source: semantics of Sentry's exception groups, sentry.io RFC 79 and docs "Event grouping".
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from correlators.reasons import Dropped, Note
from correlators.types import ExceptionValue

CHAIN_READ: Final = 5
"""Exceptions of a chain that count; of a longer one the oldest and the newest."""

TREE_READ: Final = 64
"""Exceptions of a tree that are looked at; a larger one is read as a list."""

_CARRIERS: Final = frozenset(
    {"InvocationTargetException", "UndeclaredThrowableException", "ExecutionException"}
    | {"CompletionException", "PrivilegedActionException", "TargetInvocationException"}
    | {"ReflectiveOperationException"}
)
"""Types of runtimes that only carry a cause out of a reflective call or another thread."""

Chain = tuple[ExceptionValue, ...]


def newest_and_oldest(chain: Chain, notes: list[Note] | None) -> Chain:
    """Return the chain with no more than `CHAIN_READ` exceptions: the oldest and the newest."""
    if len(chain) <= CHAIN_READ:
        return chain
    if notes is not None:
        notes.append(Note(f"{len(chain) - CHAIN_READ} exceptions", Dropped.OLDER))
    return (chain[0], *chain[1 - CHAIN_READ :])


def without_carriers(chain: Chain, notes: list[Note] | None) -> Chain:
    """Return the chain without exceptions that only carry their cause; never none of it."""
    kept = tuple(
        one for at, one in enumerate(chain) if not at or one.type.split(".")[-1] not in _CARRIERS
    )
    if notes is not None and len(kept) < len(chain):
        notes.extend(
            Note(f"exception {one.type}", Dropped.CARRIER)
            for one in chain[1:]
            if one.type.split(".")[-1] in _CARRIERS
        )
    return kept


def members(
    chain: Chain, identity: Callable[[ExceptionValue], Hashable], notes: list[Note] | None
) -> Chain | None:
    """Return what counts of a tree with groups, oldest first; None where there is no such tree.

    The order of the members in the event does not matter: they come in order of `identity`.

    Args:
        chain: the event's exceptions.
        identity: what makes two members the same failure; sortable by its text.
        notes: where to write what is dropped, or None.
    """
    if not any(one.group for one in chain) or len(chain) > TREE_READ:
        return None
    below = _tree(chain)
    if below is None:
        return None
    root = next(one for one in chain if one.parent_id < 0)
    distinct: dict[Hashable, ExceptionValue] = {}
    for one in _leaves(root, below):
        who = tuple(identity(each) for each in _path(one, below))
        if who in distinct and notes is not None:
            notes.append(Note(f"exception {one.type}", Dropped.REPEATED))
        distinct.setdefault(who, one)
    if not distinct:
        return None
    if len(distinct) == 1:
        if root.group and notes is not None:
            notes.append(Note(f"exception {root.type}", Dropped.GROUP))
        return _path(next(iter(distinct.values())), below)
    return (*(distinct[who] for who in sorted(distinct, key=str)), root)


Below = dict[int, list[ExceptionValue]]


def _tree(chain: Sequence[ExceptionValue]) -> Below | None:
    """Return the exceptions by the number of their parent, None where the tree is broken."""
    numbers = {one.exception_id for one in chain}
    roots = [one for one in chain if one.parent_id < 0]
    if len(numbers) < len(chain) or min(numbers) < 0 or len(roots) != 1:
        return None
    below: Below = {}
    for one in chain:
        if one.parent_id >= 0:
            if one.parent_id not in numbers or one.parent_id == one.exception_id:
                return None
            below.setdefault(one.parent_id, []).append(one)
    for found in below.values():
        found.sort(key=lambda one: one.exception_id)
    reached, left = 0, roots
    while left:
        reached += 1
        left = [*left[1:], *below.get(left[0].exception_id, ())]
    return below if reached == len(chain) else None


def _leaves(root: ExceptionValue, below: Below) -> list[ExceptionValue]:
    """Return the newest exceptions that are no group, of the root and the groups in it."""
    found, left = [], [root]
    while left:
        one = left.pop()
        if one.group and (inside := below.get(one.exception_id)):
            left.extend(reversed(inside))
        else:
            found.append(one)
    return found


def _path(one: ExceptionValue, below: Below) -> Chain:
    """Return the exception behind its causes, oldest first."""
    path = [one]
    while inside := below.get(path[-1].exception_id):
        path.append(inside[0])
    return tuple(reversed(path))
