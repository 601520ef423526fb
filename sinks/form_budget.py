"""What one message may cost in the language of forms: rounds, and what is put out.

Each message has a budget of its own; while a form is compiled there is none, and nothing counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Undefined
from jinja2.visitor import NodeTransformer

STEPS: Final = 5_000
"""Rounds of loops, calls of macros and filters, and values in lists that one message takes."""
CHARS: Final = 20_000
"""The most that is put out for one message, what is kept in variables included."""


class _Budget:
    def __init__(self) -> None:
        self.steps, self.chars = STEPS, CHARS


_budget: ContextVar[_Budget | None] = ContextVar("_budget", default=None)


@contextmanager
def budget() -> Iterator[None]:
    """Count all that is done within as one message."""
    token = _budget.set(_Budget())
    try:
        yield
    finally:
        _budget.reset(token)


def step() -> bool:
    """Count a round, and return True. Raises: SecurityError: there were too many."""
    if (left := _budget.get()) is not None:
        left.steps -= 1
        if left.steps < 0:
            raise SecurityError(f"more than {STEPS:,} rounds of loops, macros, filters and lists")
    return True


def put(chars: int) -> None:
    """Count what is put out. Raises: SecurityError: it is too much."""
    if (left := _budget.get()) is not None:
        left.chars -= chars
        if left.chars < 0:
            raise SecurityError(f"more than {CHARS:,} characters")


def held(value: object) -> object:
    """Return a list as it is, all that it holds counted, at any depth.

    So no list grows by holding another one twice, again and again.

    Raises:
        SecurityError: it holds too much.
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        step()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
    return value


def text(value: object) -> object:
    """Return a value that is a text or a number: what a list or a digest would be as text may be
    of any length.

    Raises:
        SecurityError: it is none.
    """
    if not isinstance(value, str | int | float | Undefined | None):
        raise SecurityError("a text or a number is put out: of a list, say 'join'")
    return value


def counted(apply: Callable[..., Any], *, of_texts: bool) -> Callable[..., Any]:
    """Return a filter, each call of it counted.

    Args:
        apply: the filter.
        of_texts: it takes a text or a number.
    """

    at = 1 if hasattr(apply, "jinja_pass_arg") else 0

    @functools.wraps(apply)
    def filtered(*values: Any, **named: Any) -> Any:
        step()
        if of_texts:
            text(values[at])
        return apply(*values, **named)

    return filtered


def counting(tree: nodes.Template) -> nodes.Template:
    """Return a template that counts its rounds, macros and lists.

    The environment has `step` and `held` for that.
    """
    made = _Counting().visit(tree)
    assert isinstance(made, nodes.Template)
    return made


_Body = TypeVar("_Body", nodes.For, nodes.Macro, nodes.CallBlock)


class _Counting(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        if node.test is None:
            return self._in_body(node)
        # What is left out was looked at too.
        node.test = nodes.And(_call("step", node.lineno), node.test).set_lineno(node.lineno)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:
        self.generic_visit(node)
        return self._in_body(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:
        self.generic_visit(node)
        return self._in_body(node)

    def visit_List(self, node: nodes.List) -> nodes.Expr:
        self.generic_visit(node)
        return _call("held", node.lineno, node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:
        self.generic_visit(node)
        return _call("held", node.lineno, node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:
        self.generic_visit(node)
        return _call("held", node.lineno, node) if node.ctx == "load" else node

    def _in_body(self, node: _Body) -> _Body:
        line = node.body[0].lineno if node.body else node.lineno
        node.body.insert(0, nodes.ExprStmt(_call("step", line)).set_lineno(line))
        return node


def _call(name: str, line: int, *values: nodes.Expr) -> nodes.Call:
    call = nodes.Call(nodes.EnvironmentAttribute(name), list(values), [], None, None)
    call.set_lineno(line)
    return call
