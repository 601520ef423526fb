"""The language of forms: Jinja templates of the people who run this, boxed in and bounded.

A form says the body of a message once; each medium has its marks. Its literal text is text: what is
strong, code or a link is said by filters, so one form does for every service. It can neither reach
anything but the values it is given, nor run long, nor write much: what would cost more than lines
of a message is not in the language, and what it does is counted (`form_budget`).

What is wrong is told with its line: by `checked`, for what can be seen without running it, and by
`FormError`, for what only happens then.

Source: Jinja documentation, sandbox: it bounds neither time nor memory; that is done here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import BuiltinMethodType
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.loaders import FunctionLoader
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup

from correlators.types import Digest
from sinks import form_budget

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

_TESTS: Final = frozenset(ImmutableSandboxedEnvironment().tests)
_OF_TEXTS: Final = frozenset(
    {
        *("upper", "lower", "capitalize", "title", "trim", "truncate", "int"),
        *("strong", "code", "link", "without"),
    }
)
"""Those that would make a text of whatever they are given."""

_TEMPLATES: Final = Path(__file__).parent / "templates"
_FIELDS: Final = frozenset(Digest.__struct_fields__)


class FormError(Exception):
    """A form went wrong; the text names it and its line, and holds nothing of any event."""


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
            text = Markup(escape(form_budget.text(value)))
            form_budget.put(len(text))
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
        marks = {**{name: self.filters[name] for name in JINJAS_FILTERS}, **filters, "join": join}
        self.filters = {
            name: form_budget.counted(one, of_texts=name in _OF_TEXTS)
            for name, one in marks.items()
        }

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
        try:
            self.get_template(file)
        except (SyntaxError, RecursionError, MemoryError):  # of the Python that Jinja made of it
            del self._forms[file]
            raise FormError(f"{file}:1: too deeply nested") from None

    def run(self, file: str, values: Mapping[str, object], *, sample: bool = False) -> str:
        """Return what a form says.

        Args:
            file: its name.
            values: those of `VALUES`.
            sample: they are made up, so an error may quote them.

        Raises:
            FormError: it cannot; the text says where.
        """
        pieces: list[str] = []
        try:
            with form_budget.budget():
                for piece in self.get_template(file).generate(values):
                    form_budget.put(len(piece))
                    pieces.append(piece)
        except Exception as error:  # Whatever a form does, the message has another form.
            raise FormError(f"{_place(file, error)}: {_why(error, sample)}") from None
        return "".join(pieces)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for data in tree.find_all(nodes.TemplateData):
            data.data = self._literal(data.data)
        return tree if name == WORDS else form_budget.counting(tree)

    def step(self) -> bool:
        """Count a round of the message that is being made. Raises: SecurityError."""
        return form_budget.step()

    def held(self, value: object) -> object:
        """Count what a list holds. Raises: SecurityError."""
        return form_budget.held(value)

    def is_safe_callable(self, obj: Any) -> bool:
        """Return True for macros, the counting and `namespace`: nothing else is called."""
        return isinstance(obj, Macro) or obj in (self.step, self.held, Namespace)

    def call(__self, __context: Context, __obj: Any, *values: Any, **named: Any) -> Any:
        """Return what a call gives; what cannot be called is not quoted: it may be an event's.

        Raises:
            SecurityError: only macros and filters are called.
        """
        if not __self.is_safe_callable(__obj):
            no = f"no {__obj.__name__}(): " if isinstance(__obj, BuiltinMethodType) else ""
            raise SecurityError(f"{no}only macros can be called, and filters by '|'")
        return super().call(__context, __obj, *values, **named)

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


_LACKS: Final = re.compile(r"'(?:[\w.]+\.)?(\w+)(?: object)?' has no attribute ('\w+')")
_ASK: Final = "ask {% if %} before"
_ABSENT: Final = (
    (re.compile(r"None has no element (.+)"), rf"there may be nothing that has [\1]: {_ASK}"),
    (
        re.compile(r"(?:tuple|list|str|Markup) object has no element (-?\d+)"),
        r"there may be no [\1], it can be shorter: ask its length before",
    ),
    (re.compile(r"(\w+) object has no element .+"), r"\1 has no parts"),
    (re.compile(r"No (?:first|last) item, .+"), f"there may be nothing in it: {_ASK}"),
    (re.compile(r"('\w+') is undefined"), r"\1 may not be set by then"),
    (re.compile(r"parameter ('\w+') was not provided"), r"\1 is not given to the macro"),
)
"""What Jinja says of something that is not there, and how a reader is told."""


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
    for test in tree.find_all(nodes.Test):
        if test.name not in _TESTS:
            known = ", ".join(sorted(_TESTS))
            yield test.lineno, f"no test {test.name!r}; there are {known}"
    for joined in tree.find_all(nodes.Concat):
        yield joined.lineno, "no '~': put the values one after the other"
    for asked in tree.find_all(nodes.Getattr):
        of_digest = isinstance(asked.node, nodes.Name) and asked.node.name == "d"
        if of_digest and asked.attr not in _FIELDS:
            yield asked.lineno, f"a digest has no {asked.attr!r}"
    given = {one.name for one in tree.find_all(nodes.Name) if one.ctx != "load"}
    given |= {one.target for one in tree.find_all(nodes.Import)}
    given |= {one.name for one in tree.find_all(nodes.Macro)}
    known_names = given | VALUES | {"loop", "caller", "namespace"}
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
        return str(error.message)
    if sample and (lacks := _LACKS.fullmatch(str(error))):
        if lacks[1] == "None":
            return f"there may be nothing that has {lacks[2]}: {_ASK}"
        return f"a {lacks[1]} has no {lacks[2]}"
    if isinstance(error, UndefinedError):
        if not sample:
            return "it asks for what this message has not"
        said = str(error)
        told = (one.sub(words, said) for one, words in _ABSENT if one.fullmatch(said))
        return next(told, said)
    return f"{type(error).__name__}: {error}" if sample else type(error).__name__
