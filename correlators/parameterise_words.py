"""Words that hold digits: which are names in code, which carry a number, which are random.

Lives here: the judgement of one whole word such as `getUserById2`, `order-17`, `k9Mtd2gDcgG` or
`api-7d9f8b6c5-x2x9k`. Not here: everything that its neighbours decide (`parameterise_codes`).

A name in code and a code of an error stay, because they tell errors apart: `HTTP2`, `log4j`,
`x86_64`, `utf-8`, `ORA-00942`, `E11000`. What counts things of one kind goes: `worker-3`,
`order_4711`. So does what no person would have written.
"""

from __future__ import annotations

import re
from typing import Final

from correlators.parameterise_places import DOMAINS, HOST, IP4_ALONE

_KEPT: Final = re.compile(
    r"(?i:utf[\-_]?\d{1,2}(?:[\-_]?[bl]e)?|ucs-\d|sha-?\d{1,3}(?:-\d{3})?|iso-8859-\d{1,2}"
    r"|windows-125\d|cp-?\d{3,4}"
    r"|x86[_\-]64|tlsv?\d(?:\.\d)?|sslv?\d(?:\.\d)?|tls-\d\.\d|base-?\d\d|aes-?\d{3}"
    r"(?:-[a-z]{3})?|rs\d{3}|ed25519|md-?5|crc-?32"
    r"|h-?26[45]|ipv[46]|oauth[\- ]?2(?:\.0)?|web-?3|log4j-?2?|mp[34]|(?:8|16|32|64|128|256)-bit"
    r"|covid-19)"
    r"|(?:ORA|PLS|TNS|SP2|RMAN|KUP|LRM|IMP|EXP|DIA|NNC|LDAP|ERR|ERROR|E|BEA|CVE-\d{4}|RFC|ISO"
    r"|IEEE|KB|MSG|HTTP|SQLSTATE|SQLCODE"
    r"|DFH|DSN|IBM|AMQ|CWE|JSR|PEP)-?\d{1,7}"
    r"|SQL\d{4,5}[NCWI]?|[A-Z]{1,10}\d{2,6}[A-Z]?(?<!\d{7})"
)
"""Whole words with digits that say always the same.

Codes of errors that many programs share, by the families that carry them behind a hyphen
(`ORA-00942`), and any word of capitals with up to six digits glued to it (`E11000`, `CS0246`,
`HHH000342`). `ORDER-17` is no family, so its number goes.
"""

_COUNTED: Final = re.compile(
    r"(?i:[a-z_\-]*(?<![a-z])(?:user|customer|client|account|tenant|order|item|invoice|product"
    r"|cart|basket|payment|txn|sku|inv|ord|cust|usr"
    r"|tkt|ticket|ref|req|request|msg|message|session|sess|conn|connection|job|task|run|build"
    r"|worker|node|host|server|web|db|app|shard|partition|replica|broker"
    r"|thread|pool|pod|instance|executor|consumer|producer|queue|channel|room|device|sensor|batch"
    r"|chunk|slave|master|rack|zone|vm|srv|fold|trial|epoch))[_\-]?"
)
"""What stands before a number that counts things of one kind."""

_SAFE: Final = "bcdfghjklmnpqrstvwxz2456789"
_POD: Final = re.compile(
    rf"-(?:(?:[{_SAFE}0-9]{{6,10}}|\d{{8}})-[{_SAFE}]{{5}}|(?=[a-z]*\d)"
    rf"(?=\d*[a-z])[{_SAFE}]{{5}})(?=[._]|\Z)"
)
"""What Kubernetes appends to a name: letters without vowels, so no words.

Source: kubernetes.io, "Deployments", pod-template-hash; apimachinery's alphabet for safe names.
"""

_PIECE: Final = re.compile(
    r"(?P<uuid>[0-9A-Fa-f]{8}(?:[\-_][0-9A-Fa-f]{4}){3}[\-_][0-9A-Fa-f]{12}(?![0-9A-Za-z]))"
    rf"|(?P<ip>{IP4_ALONE})"
    r"|(?<![0-9A-Za-z])(?:"
    r"(?P<date>(?:19|20)\d\d(?P<mark>[\-._])(?:0[1-9]|1[0-2])(?P=mark)(?:0[1-9]|[12]\d|3[01])"
    r"(?:T\d{2,6}Z?)?+(?![0-9A-Za-z]))"
    r"|(?P<version>[vV]?\d{1,9}(?:\.\d{1,9}){2,5}(?:[\-.](?:rc|alpha|beta|dev|pre|m|snapshot"
    r"|release|final|ga|post)[.\-]?\d{0,4}(?![0-9A-Za-z]))?+(?![0-9A-Za-z])|[vV]\d{1,9}\.\d{1,9}"
    r"(?![0-9A-Za-z.])))"
    rf"|(?P<glued>[A-Za-z]++)(?={IP4_ALONE})"
    r"|(?<![0-9A-Za-z])(?P<float>\d++\.\d++[A-Za-z]{0,5}(?![0-9A-Za-z.]))"
    r"|(?P<segment>[0-9A-Za-z]++)"
)
_LETTERS_THEN_MANY: Final = re.compile(r"([A-Za-z]*[a-z][A-Za-z]*|[A-Z]+(?=\d{7}))\d{4,}")
_LETTERS_THEN_DIGITS: Final = re.compile(r"([A-Za-z]+)\d+")
_DIGITS_THEN_UNIT: Final = re.compile(r"\d{2,}([A-Za-z]{1,4})")
_HEX: Final = re.compile(r"[0-9a-f]{7,}|[0-9A-F]{7,}")
_HEX_PIECE: Final = re.compile(
    r"(?<![0-9A-Za-z])(?=[a-fA-F]{0,15}\d)(?:[0-9a-f]{8,}|[0-9A-F]{8,})(?![0-9A-Za-z])"
)
_CHUNK: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|\d+")
_INNER_DIGIT: Final = re.compile(r"\d[A-Za-z]")

_DIGIT: Final = re.compile(r"\d")
_BETWEEN: Final = re.compile(r"[^0-9A-Za-z]")

_COMMON: Final = (
    "a[bcdgiklmnprstuvy]|b[aeijlouy]|c[aehiklortu]|d[adeiorsu]|e[acdefglmnpqrstvwxy]|f[aefiloru]"
    "|g[einsu]|h[aeio]|i[abcdefglmnoprstvxz]|je|ke|l[adefilostuy]|m[abeimopsu]|n[acdefgiknostuv]"
    "|o[bcdflmnoprstuvw]|p[aeiloprtuy]|qu|r[acdegimnorstuy]|s[acehiopstuy]|t[acehiloprstuy]"
    "|u[efilmnprst]|v[aei]|w[aehior]|x[ct]|y[pst]|ze"
)
"""The 220 pairs of letters that stand most often in names in code and in English, 93 % of all."""

_NATURAL: Final = re.compile(rf"(?=[A-Za-z][a-z]|[A-Z][A-Z])(?=(?i:{_COMMON}))|(?=\d\d)")
RANDOM_CHARS: Final = 10
"""Fewest characters by which a word can be known as random."""

LONG_CHARS: Final = 20
"""From here on the pairs alone decide."""


def read_word(word: str) -> str:
    """Return the word without what varies in it; a name in code or a code stays as it is.

    Args:
        word: ASCII letters, digits and `_`, joined by single `-` or `.`.
    """
    if "." in word and word[word.rfind(".") + 1 :].lower() in DOMAINS and HOST.fullmatch(word):
        return "<host>"
    if word.isalpha():
        return "<id>" if is_random(word) else word
    if not _DIGIT.search(word):
        odd = len(word) > RANDOM_CHARS and any(map(is_random, _BETWEEN.split(word)))
        return _PIECE.sub(_piece, word) if odd else word
    if _KEPT.fullmatch(word):
        return word if not _counts(word) else _PIECE.sub(_piece, word)
    if pod := _POD.search(word):
        return (
            _PIECE.sub(_piece, word[: pod.start()])
            + "-<id>"
            + _PIECE.sub(_piece, word[pod.end() :])
        )
    if "." not in word and ("-" in word or "_" in word) and _is_random_whole(word):
        return "<id>"
    return _PIECE.sub(_piece, word)


def is_random(word: str) -> bool:
    """Return whether no person would have written this: `k9Mtd2gDcgG`, but not `X509Certificate2`.

    Looks at how many pairs of neighbours are natural (common in words, or both digits, no odd
    change of case) and how soon case or sort changes. Knows about 9 of 10 words of 11 random
    letters and digits, and takes about 1 of 1,000 names in code for one.
    """
    size = len(word)
    if size < RANDOM_CHARS:
        return False
    chunks = len(_CHUNK.findall(word))
    if _INNER_DIGIT.search(word):
        odd, most = chunks >= 4 and (size >= LONG_CHARS or size <= 3.4 * chunks), 0.5
    else:
        odd, most = chunks >= 4 and size <= 2.5 * chunks, 0.4
    return odd and len(_NATURAL.findall(word)) < most * (size - 1)


def _is_random_whole(word: str) -> bool:
    """Return whether a word with `-` and `_` in it is one random id, as nanoid makes them."""
    if _HEX_PIECE.search(word):
        return False  # the piece is what varies: `i-0abcd1234ef567890`
    bare = word.replace("-", "").replace("_", "")
    return (
        len(bare) >= LONG_CHARS - 2
        and is_random(bare)
        and len(word) - len(bare) <= len(bare) // 8 + 1
    )


def _counts(word: str) -> bool:
    """Return whether the word is a name of things that are counted, and a number."""
    return bool(_COUNTED.fullmatch(word.rstrip("0123456789")))


def _piece(match: re.Match[str]) -> str:
    """Return what stands for one piece of a word."""
    kind = match.lastgroup
    if kind == "segment":
        return _segment(match)
    return match[0] if kind == "glued" else f"<{kind}>"


def _segment(match: re.Match[str]) -> str:
    """Return what stands for one run of letters and digits in a word."""
    text = match[0]
    start = match.start()
    before = match.string[start - 1] if start else ""
    if text.isdigit():
        counted = (
            before != "_"
            or len(text) > 3
            or _COUNTED.fullmatch(match.string[max(0, start - 40) : start])
        )
        return "<int>" if counted else text
    if text.isalpha():
        return (
            "<hex>"
            if len(text) >= 16 and _HEX.fullmatch(text)
            else "<id>"
            if is_random(text)
            else text
        )
    if _HEX.fullmatch(text):
        return "<hex>"
    if _KEPT.fullmatch(text) and not _counts(text):
        return text
    if (many := _LETTERS_THEN_MANY.fullmatch(text)) or (
        (many := _LETTERS_THEN_DIGITS.fullmatch(text)) and _COUNTED.fullmatch(many[1])
    ):
        return many[1] + "<int>"
    if unit := _DIGITS_THEN_UNIT.fullmatch(text):
        return "<int>" + unit[1]
    if is_random(text) or (5 <= len(text) < RANDOM_CHARS and len(_CHUNK.findall(text)) >= 5):
        return "<id>"
    return text
