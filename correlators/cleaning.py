"""Steps that take out of a name what changes between builds, runtimes and runs, by family.

Lives here: each step with its reason, and which steps make up a version. Not here: what a frame is
called in the end (`frames`). Steps know the forms of languages and tools, never of one project.
They see at most `naming.NAME_CHARS` characters, so every one of them is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from correlators.platforms import Family


class Step(NamedTuple):
    """One cleaning: what changes, why it must not count, and what stays instead."""

    why: str
    pattern: re.Pattern[str]
    put: str | Callable[[re.Match[str]], str] = ""

    def clean(self, name: str) -> str:
        """Return the name without what this step takes out."""
        return self.pattern.sub(self.put, name)


def _step(why: str, pattern: str, put: str | Callable[[re.Match[str]], str] = "") -> Step:
    return Step(why, re.compile(pattern), put)


LOCALS: Final = _step("the function around it", r"^.{0,199}<locals>\.")
AS: Final = _step("the name it was called by", r" \[as [^\]]*+\]$")
PREFIX: Final = _step("how it was called", r"^(?:async |new |get |set |bound |Async)++(?=[\w.<])")
RUBY_BLOCK: Final = _step(
    "a block of the method", r"^(?:(?:block|rescue|ensure)(?: \(\d+ levels\))? in )++"
)
ANONYMOUS_CLASS: Final = _step("a class without a name", r"^.*@anonymous.*::")
CLOSURE: Final = _step("where the closure stands", r"\{closure[^}]*+\}", "{closure}")
ADDRESS: Final = _step("an address", r"[+@]?0x[0-9A-Fa-f]++")
RUST_HASH: Final = _step("a hash of the build", r"::h[0-9a-f]{16}$")
RUST_CLOSURE: Final = _step("a closure of the function", r"(?:::\{\{closure\}\})++")
GENERIC: Final = _step("the types it was made for", r"\[\.\.\.\]")
GO_CLOSURE: Final = _step(
    "a numbered closure", r"(?:\.func\d++|\.gowrap\d++)(?:\.\d++|\.func\d++)*+$"
)
JAVA_LAMBDA: Final = _step("a numbered lambda", r"^lambda\$(?:null|([^$]++))\$\w++$", r"\1")
SCALA_ANON: Final = _step("a numbered closure", r"^\$anonfun\$([^$]++)\$\d++$", r"\1")
ACCESS: Final = _step("a bridge of the compiler", r"^access\$\d++$")
CGLIB: Final = _step("a numbered bridge of a proxy", r"^CGLIB\$([^$]++)\$\d++$", r"\1")
DOTNET_STATE: Final = _step(
    "a state machine or lambda", r"^.*?<(\w++)>[a-z]__[\w|]*+(?:\.MoveNext)?$", r"\1"
)
FIREFOX_ANON: Final = _step("a function without a name", r"(?:/?<)++$")
ARGUMENTS: Final = _step("its arguments", r"\([^()]*+\)(?: const)?$")
NUMBERED: Final = _step("a number of the compiler", r"\$\d++$")
LAST_DOTTED: Final = _step("what it was called on", r"^.*\.")

FUNCTION_1: Final = (
    *(LOCALS, AS, PREFIX, RUBY_BLOCK, ANONYMOUS_CLASS, CLOSURE, ADDRESS, RUST_HASH, RUST_CLOSURE),
    *(GENERIC, GO_CLOSURE, JAVA_LAMBDA, SCALA_ANON, ACCESS, CGLIB, DOTNET_STATE, FIREFOX_ANON),
    *(ARGUMENTS, NUMBERED),
)
"""The one list of version 1, whatever the platform; JavaScript also goes by the last dot."""


def _demangled(match: re.Match[str]) -> str:
    """Return the path that a mangled C++ or old Rust name holds, without its last hash."""
    rest = match[1]
    names: list[str] = []
    while (size := re.match(r"\d{1,3}", rest)) and len(names) < 20:
        names.append(rest[size.end() : size.end() + int(size[0])])
        rest = rest[size.end() + int(size[0]) :]
    return "::".join(names) or match[0]


def _without_brackets(match: re.Match[str]) -> str:
    """Return a C++ name without its template and call arguments, whatever they nest."""
    name = match[0].replace("operator()", "operator\0")
    kept: list[str] = []
    depth = 0
    operators = "operator" in name
    for at, char in enumerate(name):
        plain = operators and name[max(0, at - 10) : at].rstrip("<>-=").endswith("operator")
        if char == "(" or (char == "<" and not plain):
            depth += 1
        elif char == ")" or (char == ">" and not plain and name[at - 1 : at] != "-"):
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(char)
    return "".join(kept).replace("operator\0", "operator()")


_JAVASCRIPT: Final = (
    _step("where the call was put off", r"^[^*]{1,60}\*(?=.)"),
    _step("its address", r"@.*$"),
    _step("a mark of its kind", r"^<anonymous function: (.*)>$", r"\1"),
    AS,
    _step("how it was called", r"^(?:async |new |get |set |bound |static )++(?=[\w.<#$])"),
    _step("its place in a list", r" \(index \d++\)$"),
    _step("code of a whole module", r"^(?:\w++\.)?\.{1,2}/.*|^.*\.[cm]?[jt]sx?$"),
    _step("a function without a name", r"^.*<$"),
    _step("a function without a name", r"^\?anon_\d++_?+|^_(?:callee|loop|ref|this)\d*+\$?\d*+$"),
    _step("the function around it", r"^.*/"),
    LAST_DOTTED,
    _step("a number of the bundler", r"\$\d++$|^#"),
)
_JVM: Final = (
    JAVA_LAMBDA,
    _step("a numbered lambda", r"^(?:lambda\$)?([^$]++)\$lambda[-$].*", r"\1"),
    _step("a numbered closure", r"^\$anonfun\$([^$]++)(?:\$\w++)*+$", r"\1"),
    CGLIB,
    _step("a variant of the compiler", r"\$(?:default|suspendImpl|original|accessor|extension).*"),
    _step("a hash of inlined types", r"(?<=\w)-(?:impl|[\w\-]{7})$"),
    _step("a closure of the function", r"^_?([^$]+?)_closure\d++$", r"\1"),
    NUMBERED,
)
_NATIVE: Final = (
    _step("mangling", r"^_{1,2}ZN[KV]{0,2}(\d.*)", _demangled),
    ADDRESS,
    RUST_HASH,
    _step("a copy of the compiler", r" \[clone [^\]]*+\]|\.(?:isra|constprop|part|cold|llvm)\b.*"),
    _step("a version of a symbol", r"(?<=\w)@.*$"),
    _step("a tag of the binary interface", r"\[abi:\w++\]"),
    _step("a block of the method", r"^_{2,3}(?:\d++)?(.+?)_block_invoke(?:[._]\d++)*+$", r"\1"),
    _step(
        "a closure of the function",
        r"^(?:(?:implicit )?closure #\d++ (?:[^#]{0,80}? )?in |partial apply for |specialized "
        r"|@objc |static |\(\d++\) (?:suspend|await) resume partial function for )++",
    ),
    _step(
        "a closure of the function",
        r"::\{\{?closure(?:_env)?[^{}]*+\}\}?|::\{?async_(?:fn|block)[^:{}]*+\}?"
        r"|::(?:\{lambda[^{}]*+\}|\$_\d++|'lambda\d*+'(?:\([^()]*+\))?|<lambda_\w++>)"
        r"(?:::operator\(\).*)?|::\{impl#\d++\}|\{\{vtable\.shim\}\}",
    ),
    _step("a namespace without a name", r"(?:\(anonymous namespace\)|`anonymous namespace')::"),
    _step("the type a trait is for", r"^<(.+?)(?: as .+)?>(?=::)", r"\1"),
    _step("what it returns", r"(?: async| throws)*+ -> .*$|(?: async| throws)++$"),
    _step("the types and arguments it was made for", r"^[^\[\]]*[<(].*", _without_brackets),
    _step("a mark of its type", r"(?: (?:const|volatile|noexcept|&&?))++$"),
    _step("what it returns", r"^.* (?=[\w:~]++(?:operator.*)?(?: const)?$)"),
    _step("a namespace of the library's version", r"(?<=::)(?:__\d++|__cxx11)::"),
    _step("the ends of a path", r"^:++|:++$"),
)
FUNCTION_2: Final[Mapping[Family, tuple[Step, ...]]] = {
    Family.PYTHON: (LOCALS,),
    Family.JAVASCRIPT: _JAVASCRIPT,
    Family.JVM: _JVM,
    Family.GO: (
        GENERIC,
        _step("the types it was made for", r"\[[^\[\]]*+\]"),
        _step(
            "a numbered closure",
            r"(?:\.(?:func|gowrap|deferwrap)\d++|-fm|-range\d++)"
            r"(?:\.\d++|\.func\d++|-fm|-range\d++)*+$",
        ),
        _step("whether it has a pointer", r"\(\*([^()]*+)\)", r"\1"),
        _step("a numbered start", r"^init\.\d++$", "init"),
    ),
    Family.RUBY: (
        RUBY_BLOCK,
        _step("the class, which older releases do not tell", r"^.*[#.](?=[^#.]++$)"),
        _step("a numbered template", r"_{2,3}-?\d[\d_]*+$"),
    ),
    Family.PHP: (
        _step("where the closure stands", r"^\{closure:(.+?)(?:\(\))?:\d++\}$", r"\1"),
        ANONYMOUS_CLASS,
        CLOSURE,
        _step("a hash of a template", r"(?<=__TwigTemplate)_[0-9a-f]++(?:___\d++)?"),
    ),
    Family.DOTNET: (
        _step("a local function", r"^.*?<(\w++)>[a-z]__[\w|]*+(?:\.MoveNext)?(?:\(.*\))?$", r"\1"),
        _step("its arguments", r"\([^()]*+\)$"),
        _step("the types it was made for", r"`\d++(?:\[.*\])?|\[[^\[\]]*+\]$"),
    ),
    Family.NATIVE: _NATIVE,
    Family.DART: (
        PREFIX,
        _step("a closure of the function", r"(?:\.<(?:anonymous closure|fn)>)++$"),
        _step("a number of the library", r"@\d++"),
    ),
    Family.ELIXIR: (
        _step("a closure of the function", r"^anonymous fn/\d++ in |^-(?=.*-fun-)|-fun-\d++-$"),
        _step("the module", r"^.*\.(?=[^./]++/\d)"),
        _step("the number of arguments", r"/\d++$"),
    ),
    Family.OTHER: FUNCTION_1,
}
"""The lists of version 2: each family its own, so that no rule of one language hits another."""

MODULE_1: Final = _step(
    "generated by a proxy or a compiler",
    r"_?\$\$.*|\$(?:MockitoMock|HibernateProxy|ByteBuddy|Proxy\d*)\b.*|\$Lambda\b.*|(?:\$\d++)++$|\$fn__\d++.*|@[0-9a-f]++$",
)
MODULE_2: Final[Mapping[Family, tuple[Step, ...]]] = {
    Family.JVM: (
        MODULE_1,
        _step("a subclass of the framework", r"_(?:Subclass|ClientProxy)$"),
        _step("the object of a class", r"\$(?:Companion)?$"),
    ),
    Family.GO: (_step("a major version", r"/v\d++$|\.v\d++$"),),
    Family.DOTNET: (
        _step("a state machine or lambda", r"\+<.*"),
        _step("the types it was made for", r"`\d++(?:\[.*\])?"),
    ),
}
HASH_1: Final = _step(
    "a hash of the build",
    r"[.\-~](?:(?=\w*\d)\w{6,}+|(?=[A-Z]{0,2}[a-z]\w*[A-Z])\w{8})(?=\.)",
)
FILE_1: Final = (HASH_1,)
FILE_2: Final = (
    HASH_1,
    _step("a hash of the build", r"(?:^|(?<=[.\-~_]))[0-9a-f]{8,}+(?=\.)"),
    _step("a number of the bundler", r"^\d++(?=\.)", "chunk"),
    _step("a release", r"[.\-]v?\d++(?:\.\d++){1,3}(?=\.)"),
    _step("minified", r"\.min(?=\.)"),
    _step("what a hash leaves", r"[.\-~_]+(?=\.)"),
)
