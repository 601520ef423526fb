"""The one pattern that finds all variable text, and the order of the kinds in it.

Lives here: which kind is tried before which, by what it begins with. Not here: the form of each
kind (`parameterise_times`, `parameterise_places`, `parameterise_secrets`), what stands in its place
(`parameterise`).

At each position the first kind that fits wins, and a word that fits none is taken whole. Every form
either begins where no character of its own kind stands before it, or has a bounded length, and its
runs are possessive; so no text makes the pass worse than linear.
"""

from __future__ import annotations

import re
from typing import Any, Final

from correlators import parameterise_places as places
from correlators import parameterise_secrets as secrets
from correlators import parameterise_times as times
from correlators.parameterise_times import END

_LETTER: Final = r"0-9A-Za-z_\u00c0-\u024f\u0370-\u052f"
_OPEN: Final = rf"(?<![{_LETTER}\\])"
_MARKS: Final = "“\u2018«»„\u201a\u2039「『"
_QUOTED: Final = (
    rf"{_OPEN}(?:[bBuUrRfFnN]{{1,2}}(?=['\"]))?+(?:'[^'\n]*+'(?![{_LETTER}])"
    rf"|\"(?:[^\"\\\n]|\\.)*+\"(?![{_LETTER}])|`(?:[^`'\n]*+'(?![{_LETTER}])|[^`\n]*+`))",
)
_QUOTED_BY_MARKS: Final = (
    r"[“„][^“”„\n]*+[“”]",
    r"[\u2018\u201a][^\u2018\u2019\u201a\n]*+[\u2018\u2019]",
    r"«[^«»\n]*+»|»[^«»\n]{1,200}+«|\u2039[^\u2039\u203a\n]*+\u203a|「[^「」\n]*+」|『[^『』\n]*+』",
)
_UUID: Final = (rf"[0-9A-Fa-f]{{8}}(?:[\-_][0-9A-Fa-f]{{4}}){{3}}[\-_][0-9A-Fa-f]{{12}}{END}",)
_TRACEPARENT: Final = (
    rf"[0-9a-f]{{2}}-[0-9a-f]{{32}}-[0-9a-f]{{16}}-[0-9a-f]{{2}}{END}",
    rf"[0-9a-f]{{32}}-[0-9a-f]{{16}}(?:-[01d])?+{END}",
    rf"1-[0-9a-f]{{8}}-[0-9a-f]{{24}}{END}",
)
_HEX: Final = (
    rf"0[xX][0-9A-Fa-f]++{END}",
    r"(?=[0-9]*+[a-f])(?=[a-f]*+[0-9])[0-9a-f]{7,}+(?![\w\-]|\.\w)",
    r"(?!\d++B(?![0-9A-Za-z_]))(?=[0-9]*+[A-F])(?=[A-F]*+[0-9])[0-9A-F]{7,}+(?![\w\-]|\.\w)",
    rf"(?:[0-9a-f]{{32}}|[0-9a-f]{{40}}|[0-9a-f]{{64}}){END}",
)
_VERSION: Final = (
    rf"[vV]?\d{{1,9}}+(?:\.\d{{1,9}}+){{2,5}}+(?:[.\-+_]"
    rf"(?=[0-9A-Za-z])[0-9A-Za-z.\-+_]{{0,39}}[0-9A-Za-z])?+{END}",
    rf"[vV]\d{{1,9}}+\.\d{{1,9}}+{END}",
)
_BASE64: Final = (
    r"(?<![/+.\w])(?=[A-Za-z]{0,100}+[0-9+/])(?=[a-z0-9+/]{0,100}+[A-Z])(?=[A-Z0-9+/]{0,100}+[a-z])"
    r"(?=[A-Za-z0-9]{0,100}+/?[A-Za-z0-9]{4})[A-Za-z0-9+/]{32,}+={0,2}(?![\w/+.])",
    r"(?<![/+.\w])(?=[A-Za-z0-9+/]{0,100}?[a-z][A-Z0-9])[A-Za-z0-9+/]{8,}+={1,2}(?![\w=])",
)
_WORD: Final = (r"[0-9A-Za-z_]++(?:(?:--?|\.)[0-9A-Za-z_]++)*+",)
_PLAIN: Final = (
    rf"(?:(?:(?![pb](?:ass(?:word|phrase|code)|wd|earer|asic)\b)[a-z]{{1,30}}+"
    rf"|(?!(?:{times.MONTH}|{times.DAY_NAME}|P(?:ass(?:word|phrase|code)|wd|WD|ASS)|B(?:earer"
    rf"|asic|EARER|ASIC)))"
    r"(?:[A-Z][a-z]{0,30}+|[A-Z]{2,15}+))(?:[ ](?![:=])|[,;()\[\]>!]|\Z))++",
)
"""Ordinary words, taken as they are and many at once: most of a message, so most of the speed."""

_FLAG: Final = (
    r"=\s?(?i:true|false)(?!\w)",
    r"(?<=[\"']):\s{0,2}(?i:true|false)(?!\w)",
)
_ADDRESS: Final = (r"(?<=[\w;\]>)])@[0-9a-f]{1,16}+(?![\w.\-])",)

_AMOUNT: Final = (
    ("duration", times.IN_TIME),
    ("size", times.IN_SIZE),
    ("percent", times.IN_PERCENT),
    ("float", times.IN_FRACTION),
    ("code", times.IN_ONES),
)
_Rows = tuple[tuple[str, tuple[Any, ...]], ...]
_BEGINS_WITH_LETTER: Final[_Rows] = (
    ("plain", _PLAIN),
    ("email", places.EMAIL),
    ("quoted", _QUOTED),
    (
        secrets.FIELD_BEGINS,
        (("header", secrets.HEADER), ("field", secrets.FIELD), ("person", secrets.PERSON)),
    ),
    ("(?=[pPbB])", (("field", secrets.SAID), ("secret", secrets.SCHEME))),
    ("secret", secrets.KEY),
    (
        "(?=[0-9A-Fa-f]{1,4}[0-9A-Fa-f:.\\-])",
        (("uuid", _UUID), ("traceparent", _TRACEPARENT), ("ip6", places.IP6), ("mac", places.MAC)),
    ),
    ("url", places.URL),
    ("arn", secrets.ARN),
    ("path", places.DRIVE),
    (times.DAY_BEGINS, (("date", times.DAY),)),
    ("date", times.PYTHON_DATE),
    ("duration", times.ISO_DURATION),
    ("jwt", secrets.JWT),
    ("iban", places.IBAN),
    ("plain", (r"(?i:http|rtsp|sip|spdy)/\d(?:\.\d)?+" + END,)),
    ("version", _VERSION),
    ("hex", _HEX[1:]),
    ("id", _BASE64),
    ("word", _WORD),
)
_BEGINS_WITH_DIGIT: Final[_Rows] = (
    ("email", places.EMAIL),
    (
        "(?=[0-9A-Fa-f]{2,4}[0-9A-Fa-f:.\\-]|[0-9A-Fa-f]?:|1-)",
        (("uuid", _UUID), ("traceparent", _TRACEPARENT), ("ip6", places.IP6), ("mac", places.MAC)),
    ),
    ("(?=[0-9]{1,3}\\.)", (("ip", places.IP4),)),
    ("(?=[0-9]{3}[0-9 \\-]|1[ \\-])", (("card", places.CARD), ("phone", places.PHONE_AT_DIGIT))),
    (
        times.DATE_BEGINS,
        (
            ("duration", times.DAYS_AND_CLOCK),
            ("date", times.DATE),
            ("float", times.FLOAT_WITH_COMMA),
        ),
    ),
    ("code", _HEX[:1]),
    ("hex", _HEX[1:]),
    (times.NUMBER, _AMOUNT),
    ("version", _VERSION),
    ("code", times.INT),
    ("id", _BASE64),
    ("word", _WORD),
)
_BEGINS_OTHERWISE: Final[_Rows] = (
    ("plain", (r"<[a-z]{2,12}[0-9]{0,2}>",)),
    ("flag", _FLAG),
    ("quoted", _QUOTED),
    ("secret", secrets.PRIVATE_KEY),
    ("ip6", (*places.IP6_IN_BRACKETS, rf"(?<![\w:]){places.IP6[0]}")),
    ("(?=[/~.])", (("ip", (rf"(?<!\w)/{places.IP4[0]}",)), ("route", places.PATH))),
    ("path", places.UNC),
    ("(?=[+(])", (("phone", places.PHONE),)),
    (rf"(?=[+\-]\d){times.NUMBER}", _AMOUNT),
    ("(?=[+\\-]?[.\\d])", (("float", times.FLOAT_WITHOUT_ONES), ("code", times.INT))),
    ("address", _ADDRESS),
    ("(?=[.+\\-])", (("email", places.EMAIL),)),
    ("(?=[/+])", (("id", _BASE64),)),
)
_BEGINS_OUTSIDE_ASCII: Final[_Rows] = (
    ("quoted", _QUOTED_BY_MARKS),
    ("email", places.EMAIL),
    (rf"(?=[\d\u2212]){times.NUMBER}", _AMOUNT),
    ("int", (r"\d++",)),
    ("plain", (rf"(?:(?!\d)[^\x00-\x7f{_MARKS}])++",)),
)
"""Kind and its forms, in order; or what stands before a choice of kinds, and that choice."""


def _built() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return the combined pattern, and the kind of each of its groups.

    A group is empty and stands behind its pattern, so that `re` still sees what a pattern begins
    with, and skips it where that does not fit.
    """
    kinds = [""]

    def either(rows: _Rows) -> str:
        made = []
        for head, forms in rows:
            if isinstance(forms[0], tuple):
                made.append(f"{head}(?:{either(forms)})")
            else:
                kinds.extend([head] * len(forms))
                made.extend(f"(?:{form})()" for form in forms)
        return "|".join(made)

    begun = (
        rf"(?=[A-Za-z_])(?<![0-9A-Za-z_])(?:{either(_BEGINS_WITH_LETTER)})",
        rf"(?=[0-9])(?<![0-9A-Za-z_])(?:{either(_BEGINS_WITH_DIGIT)})",
        rf"(?=[!-/:-@\[-^`{{-~])(?:{either(_BEGINS_OTHERWISE)})",
        rf"(?=[^\x00-\x7f])(?:{either(_BEGINS_OUTSIDE_ASCII)})",
        either((("colour", (r"\x1b\[[\d;]{0,20}+[A-Za-z]",)),)),
    )
    return re.compile("|".join(begun)), tuple(kinds)


PATTERN, KINDS = _built()
