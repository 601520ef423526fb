"""The language of forms: Jinja templates of the people who run this, boxed in and bounded.

A form says the body of a message once; each medium has its marks. Its literal text is text: what is
strong, code or a link is said by filters, so one form does for every service. It can neither reach
anything but the values it is given, nor run long, nor write much: what would cost more than lines
of a message is not in the language, loops and macros are counted, and so is all that is put out.

What is wrong is told with its line: by `checked`, for what can be seen without running it, and by
`FormError`, for what only happens then.

Source: Jinja documentation, sandbox: it bounds neither time nor memory; that is done here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.loaders import FunctionLoader
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup

from correlators.types import Digest

STEPS: Final = 5_000
"""Rounds of loops and calls of macros that one message takes."""
CHARS: Final = 20_000
"""The most that is put out for one message, what is kept in variables included."""
NUMBER_MOST: Final = 10**15
BETWEEN_CHARS: Final = 20
WORDS: Final = "macros.j2"
"""The words that the other messages share; a form may import them."""
VALUES: Final = frozenset({"d", "everybody", "called", "on_call", "possible_repeat"})
"""What a form is given."""

OWN_FILTERS: Final = frozenset(
    {
        *("lasting", "many", "counts", "lead", "state", "sign", "subject", "linkable", "help"),
        *("evidence", "doubt", "because", "when", "strong", "code", "link", "join", "explain"),
        *("owned", "unsaid", "repeats", "without", "by_whom"),
    }
)
JINJAS_FILTERS: Final = frozenset(
    {
        *("upper", "lower", "capitalize", "title", "trim", "default", "d", "length", "count"),
        *("first", "last", "truncate", "int", "abs"),
    }
)
"""Those that make nothing larger than it was."""

_TEMPLATES: Final = Path(__file__).parent / "templates"
_FIELDS: Final = frozenset(Digest.__struct_fields__)


class FormError(Exception):
    """A form went wrong; the text names it and its line, and holds nothing of any event."""


class Budget:
    """What one message may still cost."""

    def __init__(self) -> None:
        self._steps, self._chars = STEPS, CHARS

    def step(self) -> None:
        """Count a round. Raises: SecurityError."""
        self._steps -= 1
        if self._steps < 0:
            raise SecurityError(f"more than {STEPS:,} rounds of loops and macros")

    def put(self, chars: int) -> None:
        """Count what is put out. Raises: SecurityError."""
        self._chars -= chars
        if self._chars < 0:
            raise SecurityError(f"more than {CHARS:,} characters")


_budget: ContextVar[Budget | None] = ContextVar("_budget", default=None)
"""Of the message that is being made; none while a form is compiled."""


class Language(ImmutableSandboxedEnvironment):
    """The language in one medium.

    Args:
        escape: makes a value harmless in it; what is marked already stays.
        literal: the same for the text of the form itself, which keeps its spaces.
        filters: the marks and words of the medium.
    """

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(
        self,
        escape: Callable[[object], str],
        literal: Callable[[str], str],
        filters: Mapping[str, Callable[..., Any]],
    ) -> None:
        self._literal = literal
        self._forms: dict[str, str] = {}

        def put(value: object) -> Markup:
            text = Markup(escape(value))
            if (budget := _budget.get()) is not None:
                budget.put(len(text))
            return text

        def join(values: object, between: str = ", ") -> Markup:
            if not isinstance(values, list | tuple) or len(between) > BETWEEN_CHARS:
                raise SecurityError(f"'join' is for lists, with at most {BETWEEN_CHARS} between")
            return Markup(literal(between).join(put(one) for one in values))

        super().__init__(
            loader=FunctionLoader(self._source),
            undefined=StrictUndefined,
            finalize=put,
            autoescape=True,
            auto_reload=False,
        )
        self.globals.clear()
        self.globals["namespace"] = Namespace
        self.filters.update({**filters, "join": join})

    def _source(self, name: str) -> tuple[str, str, None] | None:
        if name == WORDS:
            path = _TEMPLATES / WORDS
            return path.read_text("utf-8"), str(path), None
        found = self._forms.get(name)
        return (found, name, None) if found is not None else None

    def add(self, file: str, source: str) -> None:
        """Take a form, by the name that errors have it by; one that is known changes nothing.

        Raises:
            FormError: it is none; every problem that can be seen is in a line of its own.
        """
        if self._forms.get(file) == source:
            return
        if problems := checked(file, source):
            raise FormError("\n".join(problems))
        self._forms[file] = source
        self.get_template(file)

    def run(self, file: str, values: Mapping[str, object], *, sample: bool = False) -> str:
        """Return what a form says.

        Args:
            file: its name.
            values: those of `VALUES`.
            sample: they are made up, so an error may quote them.

        Raises:
            FormError: it cannot; the text says where.
        """
        token = _budget.set(budget := Budget())
        pieces: list[str] = []
        try:
            for piece in self.get_template(file).generate(values):
                budget.put(len(piece))
                pieces.append(piece)
        except Exception as error:  # Whatever a form does, the message has another form.
            raise FormError(f"{_place(file, error)}: {_why(error, sample)}") from None
        finally:
            _budget.reset(token)
        return "".join(pieces)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for data in tree.find_all(nodes.TemplateData):
            data.data = self._literal(data.data)
        if name != WORDS:
            self._count(tree)
        return tree

    def _count(self, tree: nodes.Template) -> None:
        """Have each round of a loop and each call of a macro counted."""
        bodies: list[list[nodes.Node]] = [one.body for one in tree.find_all(nodes.For)]
        bodies += [one.body for one in tree.find_all(nodes.Macro)]
        bodies += [one.body for one in tree.find_all(nodes.CallBlock)]
        for body in bodies:
            counted = nodes.Call(nodes.EnvironmentAttribute("step"), [], [], None, None)
            body.insert(0, nodes.ExprStmt(counted).set_lineno(body[0].lineno if body else 1))

    def step(self) -> None:
        """Count a round of the message that is being made. Raises: SecurityError."""
        if (budget := _budget.get()) is not None:
            budget.step()

    def is_safe_callable(self, obj: Any) -> bool:
        """Return True for macros, the counting and `namespace`: nothing else is called."""
        return isinstance(obj, Macro) or obj == self.step or obj is Namespace

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Return the result where both are numbers of a size that people read.

        Raises:
            SecurityError: otherwise.
        """
        numbers = all(isinstance(one, int | float) for one in (left, right))
        if operator == "**" or not numbers:
            raise SecurityError(f"'{operator}' is for numbers, '**' for nothing")
        if max(abs(left), abs(right)) > NUMBER_MOST:
            raise SecurityError("a number too large to be read")
        return super().call_binop(context, operator, left, right)


_CALLED: Final = re.compile(r"<built-in method (\w+) of .*> is not safely callable", re.DOTALL)
_LACKS: Final = re.compile(r"'(?:[\w.]+\.)?(\w+)(?: object)?' has no attribute ('\w+')")


def checked(file: str, source: str) -> list[str]:
    """Return a line `file:line: problem` for all that is wrong in a form, as far as it can be seen.

    Args:
        file: its name, for the lines.
        source: its text.
    """
    plain = ImmutableSandboxedEnvironment()
    try:
        tree = plain.parse(source, file)
        found = list(_problems(tree))
    except TemplateSyntaxError as error:
        return [f"{file}:{error.lineno}: {error.message}"]
    except RecursionError:
        return [f"{file}:1: too deeply nested"]
    return [f"{file}:{line}: {text}" for line, text in sorted(dict.fromkeys(found))]


def _problems(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for kind in (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport):
        for one in tree.find_all(kind):
            named = getattr(one, "template", None)
            if not (isinstance(named, nodes.Const) and named.value == WORDS):
                yield one.lineno, f"only {WORDS} can be taken in"
            elif kind is not nodes.Import:
                yield one.lineno, f'expected {{% import "{WORDS}" as say with context %}}'
    for used in tree.find_all(nodes.Filter):
        if used.name not in OWN_FILTERS | JINJAS_FILTERS:
            known = ", ".join(sorted(OWN_FILTERS | JINJAS_FILTERS))
            yield used.lineno, f"no filter {used.name!r}; there are {known}"
    for joined in tree.find_all(nodes.Concat):
        yield joined.lineno, "no '~': put the values one after the other"
    for asked in tree.find_all(nodes.Getattr):
        of_digest = isinstance(asked.node, nodes.Name) and asked.node.name == "d"
        if of_digest and asked.attr not in _FIELDS:
            yield asked.lineno, f"a digest has no {asked.attr!r}"
    given = {one.name for one in tree.find_all(nodes.Name) if one.ctx != "load"}
    given |= {one.target for one in tree.find_all(nodes.Import)}
    given |= {one.name for one in tree.find_all(nodes.Macro)}
    known_names = given | VALUES | {"loop", "caller", "namespace", "varargs", "kwargs"}
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name not in known_names:
            yield name.lineno, f"no {name.name!r}; there are {', '.join(sorted(VALUES))}"


def _place(file: str, error: BaseException) -> str:
    line = getattr(error, "lineno", None) or 0
    at = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == file:
            line = at.tb_lineno
        at = at.tb_next
    return f"{file}:{line}" if line else file


def _why(error: Exception, sample: bool) -> str:
    """Return what went wrong, without what an event said."""
    if isinstance(error, SecurityError):
        called = _CALLED.match(str(error.message))
        # Python's own words would name a place in memory.
        return f"no {called[1]}(): there are filters" if called else str(error.message)
    if sample and (lacks := _LACKS.fullmatch(str(error))):
        if lacks[1] == "None":
            return f"there may be nothing that has {lacks[2]}: ask {{% if %}} before"
        return f"a {lacks[1]} has no {lacks[2]}"
    return f"{type(error).__name__}: {error}" if sample else type(error).__name__
