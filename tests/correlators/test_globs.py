"""The patterns of rules: what they match, and that no text takes long."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from correlators.sentry_rules import globs
from correlators.sentry_rules.globs import BadGlob, Glob


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("hello.py", "hello.py", True),
        ("hello.py", "hello_py", False),
        ("*.py", "folder/hello.py", True),
        ("*.py", "hello.js", False),
        ("std::*", "std::panicking::begin", True),
        ("*::operator()*", "a::operator()", True),
        ("connection error (code: *)", "connection error (code: 7)", True),
        ("foo*", "foo\nbar", True),
        ("f?o", "fxo", True),
        ("f?o", "fo", False),
        ("", "", True),
        ("", "x", False),
        ("*", "", True),
        ("1.18.[0-4].*", "1.18.4.2153-2aa83397b", True),
        ("1.18.[0-4].*", "1.18.5.1", False),
        ("[!a-c]x", "dx", True),
        ("[^a-c]x", "ax", False),
        ("[]]x", "]x", True),
        ("[a-]x", "-x", True),
        ("{foo,bar*}.c", "bars.c", True),
        ("{foo,bar}.c", "baz.c", False),
        ("a{b,c{d,e}}", "ace", True),
        ("foo{,x}", "foo", False),
        (r"\[sig\] \*", "[sig] *", True),
        (r"\[sig\] \*", "s x", False),
        (r"*::\{dtor\}", "Order::{dtor}", True),
        ("Ab*", "abc", False),
    ],
)
def test_a_plain_pattern(pattern: str, text: str, matches: bool) -> None:
    assert Glob(pattern).matches(text) is matches


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*.py", "folder/hello.py", False),
        ("**/*.py", "folder/hello.PY", True),
        ("**/*.gen.c", "foo.gen.c", True),
        ("**/*.gen.c", "foo/bar.gen.c", True),
        ("**/node_modules/**", "/srv/app/node_modules/react/index.js", True),
        ("**/node_modules/**", "node_modules/react/index.js", True),
        ("**/node_modules/**", "/srv/my_node_modules/x.js", False),
        ("**/vendor/foo/*.c", "/src/vendor/foo/a.c", True),
        ("**/vendor/foo/*.c", "/src/vendor/foo/deep/a.c", False),
        ("**/project/**.c", "/src/project/a.c", True),
        ("**/project/**.c", "/src/project/deep/er/a.c", True),
        ("**.app/Contents/**", "/Applications/My.app/Contents/MacOS/My", True),
        ("/usr/lib/**", "/usr/lib/libc.so", True),
        ("/usr/lib/**", "/opt/usr/lib/libc.so", False),
        ("libobjc*", "libobjc.A.dylib", True),
        ("?:/Windows/**", r"D:\Windows\System32\kernel32.dll", True),
        (r"foo\**\*.py", r"foo\hello\bar.PY", True),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "axb", False),
        ("a?b", "a/b", False),
        ("a[!x]b", "a/b", False),
        ("**/libGLES*.so", "/system/lib/libGLESv2.so", True),
        ("frontend@1.*", "frontend@1.2.3", True),
        ("**/{app,lib}/*.js", "/srv/lib/x.js", True),
    ],
)
def test_a_pattern_of_paths(pattern: str, text: str, matches: bool) -> None:
    assert Glob(pattern, path=True).matches(text) is matches


def test_case_counts_only_where_it_should() -> None:
    assert Glob("Conn[A-E]*", ignore_case=True).matches("cONNection")
    assert not Glob("Conn*").matches("connection")


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("[abc", "not closed"),
        ("{a,b", "not closed"),
        ("a}", "without its {"),
        ("a\\", "backslash at its end"),
        ("[z-a]", "wrong way round"),
        ("x" * 501, "longer than 500"),
        ("{a,b}" * 7, "more than 64 alternatives"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(pattern: str, says: str) -> None:
    with pytest.raises(BadGlob, match=re.escape(says)):
        Glob(pattern)


# Each piece as it is written, and as a backtracking regular expression says it.
PLAIN = [("a", "a"), ("b", "b"), ("/", "/"), ("*", ".*"), ("?", "."), ("[ab]", "[ab]")]
PLAIN += [("[!a]", "[^a]"), ("{a,/b}", "(?:a|/b)"), (r"\*", r"\*")]
PATHS = [("a", "a"), ("b", "b"), ("/", "/"), ("*", "[^/]*"), ("?", "[^/]"), ("[ab]", "[ab]")]
PATHS += [("[!a]", "[^a/]"), ("{a,b}", "(?:a|b)"), ("/**/", "/(?:.*/)?")]
TEXTS = st.text(alphabet="ab/*", max_size=14)


@given(pieces=st.lists(st.sampled_from(PLAIN), max_size=7), text=TEXTS)
def test_a_plain_pattern_matches_what_a_backtracking_one_does(
    pieces: list[tuple[str, str]], text: str
) -> None:
    pattern = "".join(piece for piece, _ in pieces)
    naive = re.compile("".join(meant for _, meant in pieces), re.DOTALL)
    assert Glob(pattern).matches(text) is bool(naive.fullmatch(text))


@given(
    begin=st.sampled_from([("", ""), ("**/", "(?:.*/)?"), ("/**/", "/(?:.*/)?"), ("b**", "b.*")]),
    pieces=st.lists(st.sampled_from(PATHS), max_size=6),
    end=st.sampled_from([("", ""), ("/**", "/.*"), ("**a", ".*a")]),
    text=TEXTS,
)
def test_a_pattern_of_paths_matches_what_a_backtracking_one_does(
    begin: tuple[str, str], pieces: list[tuple[str, str]], end: tuple[str, str], text: str
) -> None:
    written = [begin, *pieces, end]
    pattern = "".join(piece for piece, _ in written)
    # Stars that meet are one run of stars, which is another pattern than the sum of its pieces.
    pairs = itertools.pairwise(written)
    assume(not any(one[0].endswith("*") and two[0].startswith("*") for one, two in pairs))
    naive = re.compile("".join(meant for _, meant in written), re.DOTALL)
    told = [text] if text.startswith("/") else [text, f"/{text}"]
    assert Glob(pattern, path=True).matches(text) is any(naive.fullmatch(one) for one in told)


@given(text=st.text(alphabet="ab/", max_size=40), pattern=st.sampled_from(["*a*b", "**/a*/b?"]))
def test_the_table_of_steps_changes_nothing_when_it_is_too_small(text: str, pattern: str) -> None:
    roomy = Glob(pattern, path="/" in pattern).matches(text)
    kept = globs._STEPS_KEPT
    try:
        globs._STEPS_KEPT = 1  # type: ignore[misc]
        assert Glob(pattern, path="/" in pattern).matches(text) is roomy
    finally:
        globs._STEPS_KEPT = kept  # type: ignore[misc]


@pytest.mark.parametrize("path", [True, False])
@pytest.mark.parametrize(
    "pattern", ["*a" * 200 + "b", "**a*a*a*a*a*a*a*a*b**c", "{*a,*b}" * 5 + "x"]
)
def test_a_pattern_of_many_stars_ends_on_a_long_text_of_almost_matches(
    pattern: str, path: bool
) -> None:
    # With backtracking none of these would end in a lifetime.
    assert not Glob(pattern, path=path).matches("a" * 100_000 + "/")


def test_the_table_of_steps_has_a_most_whatever_texts_come() -> None:
    glob = Glob("*a?b*c")
    for first in range(0, 60_000, 500):
        glob.matches("abc" + "".join(map(chr, range(first, first + 500))) + "bc")
    (machine,) = glob._machines
    assert sum(map(len, machine._rows.values())) <= globs._STEPS_KEPT
    assert len(machine._rows) <= globs._STEPS_KEPT + 2
