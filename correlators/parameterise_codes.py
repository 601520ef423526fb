"""Numbers that are codes: `status 503`, `errno 111`, `0x80070005` tell errors apart, so they stay.

Lives here: which words before or behind a number make it a code. A number that no word makes a code
counts something and goes.
"""

from __future__ import annotations

import re
from typing import Final

CONTEXT_CHARS: Final = 40
"""Characters before a number that are looked at."""

CODE_CHARS: Final = 10
"""Longest code behind a word; what is longer is an id."""

_LABEL: Final = re.compile(
    r"(?i)(?:(?<![^\W_])|(?<=[a-z])(?=[A-Z]))(?:"
    r"(?:(?:http|grpc|rpc|exit|response|error|err|fault|vendor|native|sql|close|reason|result"
    r"|return|system|win32|api|status|mysql|db)[ _\-]?){0,2}"
    r"(?:(?<!verification )(?<!security )(?<!confirmation )(?<!one-time )(?<!postal )(?<!zip )"
    r"(?<!promo )(?<!coupon )(?<!access )(?<!country )(?<!area )(?<!login )"
    r"code|errno|err(?:or)?(?:[ _\-]?(?:number|no\.?))?|status|sqlstate|sqlcode|hresult|winerror"
    r"|signal|retcode|rc|http)"
    r"|exit(?:ed)?|os error|http/[\d.]{1,3}"
    r"|(?:error|err) -?\d{1,5}(?= ?\()"
    r"|sqlstate\[\w{5}\]"
    r")(?: (?:is|was|of|with|value))?(?:[\"'](?=\s?[:=]))?(?:\s?[:=#]\s?|\s?[(\[]\s?|: ?\(| )\Z"
)
_MARKS: Final = " =:#([\"'"
_ENDINGS: Final = (
    *(
        "code",
        "errno",
        "err",
        "error",
        "number",
        "no",
        "no.",
        "status",
        "sqlstate",
        "sqlcode",
        "hresult",
    ),
    *(
        "winerror",
        "signal",
        "retcode",
        "rc",
        "http",
        "exit",
        "exited",
        "is",
        "was",
        "of",
        "with",
        "value",
    ),
    "]",
    *("/1.0", "/1.1", "/2", "/2.0", "/3"),
)
"""How all ends that `_LABEL` finds, marks apart: most numbers need no more than this look."""

_STATUS_BEFORE: Final = re.compile(
    r"(?i)(?:returned|responded(?: with)?|failed with|got|received|answered(?: with)?)(?: an?)?"
    r"(?: http)? \(?\Z"
)
_REQUEST_BEFORE: Final = re.compile(r"(?:HTTP/[\d.]{1,3}|<request>)\" \Z")
_REASON: Final = re.compile(
    r"[)\"']?[:,]? ?(?:OK|Created|Accepted|No Content|Moved Permanently|Found|See Other"
    r"|Not Modified|Temporary Redirect|Bad Request"
    r"|Unauthorized|Payment Required|Forbidden|[Nn]ot [Ff]ound|Method Not Allowed|Not Acceptable"
    r"|Proxy Authentication|Request Time|Conflict|Gone"
    r"|Length Required|Precondition|Payload Too|Request Entity|Content Too|URI Too"
    r"|Unsupported Media|Range Not|Expectation|I'm a teapot|Misdirected"
    r"|Unprocessable|Locked|Failed Dependency|Too Early|Upgrade Required|Too Many|Request Header"
    r"|Unavailable For|Internal|Server Error|Not Implemented"
    r"|Bad Gateway|Slow Down|Service|Gateway|HTTP Version|Variant|Insufficient Storage"
    r"|Loop Detected|Network Auth|Client Error|Error)(?![a-z])"
)
_ERRNO_NEXT: Final = re.compile(r": [A-Z][a-z]")
"""`(111: Connection refused)`, as nginx writes it."""

_THINGS_NEXT: Final = re.compile(r" (?!(?:is|was|has|does|as|this|its)\b)[a-z]{1,30}+(?<=s)\b")
"""`returned 200 rows` and `error 5 times` count."""

_RESULT: Final = re.compile(
    r"0[xX](?:80[0-9A-Fa-f]{6}|[Cc]0000[0-9A-Fa-f]{3}|887[0-9A-Fa-f]{5}|8[Bb][Aa][Dd][Ff]00[Dd]"
    r"|[Dd][Ee][Aa][Dd]10[Cc]{2})"
)
"""HRESULT, NTSTATUS and DXGI codes, and the two that iOS ends programs with.

Source: Microsoft, [MS-ERREF]; Apple, "Understanding the exception types in a crash report".
"""


def is_code(text: str, start: int, end: int) -> bool:
    """Return whether the number `text[start:end]`, decimal or hex, is a code of an error."""
    if end - start > CODE_CHARS:
        return False
    if _RESULT.fullmatch(text, start, end):
        return True
    if text[start:end].lstrip("+-").isdigit():
        if end - start > 6:
            return False
        if text[start - 1 : start] == "(" and _ERRNO_NEXT.match(text, end):
            return True
        if _THINGS_NEXT.match(text, end):
            return False
        status = end - start == 3 and text[start] in "12345"
        if status and (
            _REASON.match(text, end) or _REQUEST_BEFORE.search(text, max(0, start - 14), start)
        ):
            return True
        if status and _STATUS_BEFORE.search(text, max(0, start - CONTEXT_CHARS), start):
            return True
    elif not text.startswith(("0x", "0X"), start):
        return False
    before = text[max(0, start - CONTEXT_CHARS) : start]
    if not before.rstrip(_MARKS).lower().endswith(_ENDINGS) and not before.endswith("("):
        return False
    return bool(_LABEL.search(before))
