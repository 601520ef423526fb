"""Patterns of what measures: dates and times of day, durations, sizes, shares, plain numbers.

Lives here: each form as text for `re`. Not here: their order among other kinds (`parameterise`).

Every pattern begins with a digit, a sign or a name of a day or month, has runs that are possessive,
and repeats a group at most a few times; so a failed attempt costs no more than the text it read.
"""

from __future__ import annotations

from typing import Final

END: Final = r"(?![0-9A-Za-z_])"
"""No ASCII word goes on here."""

MONTH: Final = (
    r"(?:Jan(?:uary)?+|Feb(?:ruary)?+|Mar(?:ch)?+|Apr(?:il)?+|May|June?+|July?+|Aug(?:ust)?+"
    r"|Sep(?:t(?:ember)?+)?+|Oct(?:ober)?+|Nov(?:ember)?+|Dec(?:ember)?+)\b"
)
DAY_NAME: Final = (
    r"(?:Mon(?:day)?+|Tue(?:s(?:day)?+)?+|Wed(?:nesday)?+|Thu(?:rs(?:day)?+)?+|Fri(?:day)?+"
    r"|Sat(?:urday)?+|Sun(?:day)?+)\b"
)
_SECONDS: Final = r":\d{2}(?:[.,]\d{1,9}+)?+"
_HALF: Final = r"(?:[ \u202f]?(?:[AaPp]\.[Mm]\.|[AaPp][Mm]\b))"
CLOCK: Final = rf"\d{{1,2}}:\d{{2}}(?:{_SECONDS})?+{_HALF}?+"
_ZONE: Final = (
    r"(?:(?: ?(?:Z\b|UTC|GMT))?+(?: ?[+-]\d{2}:?+\d{2}(?!\d))?+(?: (?:UTC|GMT|[CEW]ES?T|MSK|BST"
    r"|IST|[JK]ST|SGT|HKT|[PMCE][SD]T|AK[SD]T|HST|A[CEW][SD]T|NZ[SD]T|BRT|ART)\b)?+"
    r"(?:\[[A-Za-z_/+\-]{1,40}+\])?+(?: ?\([A-Za-z +\-]{1,60}+\))?+(?: m=[+-]\d{1,9}+\.\d{1,9}+)?+)"
)
_TIME: Final = rf"{CLOCK}{_ZONE}"
_THEN_TIME: Final = rf"(?:(?:[T ]|, ?| at |:){_TIME})?+"
_YEAR: Final = r"(?:19|20)\d{2}"
_MONTH_NO: Final = r"(?:0[1-9]|1[0-2])"
_DAY_NO: Final = r"(?:0[1-9]|[12]\d|3[01])"

DATE: Final = (
    rf"\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}-\d{{2}}-\d{{2}}{END}",
    rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[T _]{_TIME})?+(?!\d)",
    rf"{_YEAR}-?W[0-5]\d(?:-?[1-7])?+{END}",
    rf"{_YEAR}-[0-3]\d{{2}}(?:T{_TIME})?+(?![\w\-.])",
    rf"{_YEAR}-{_MONTH_NO}(?![\w\-.])",
    rf"{_YEAR}{_MONTH_NO}{_DAY_NO}(?:[T_\-]?+\d{{4,6}}(?:[.,]?+\d{{3,9}}+)?+(?:Z"
    rf"|[+-]\d{{4}})?+)?+{END}",
    rf"(?:\d{{1,4}}/\d{{1,2}}/\d{{1,4}}|\d{{1,2}}\.\d{{1,2}}\.\d{{4}}"
    rf"|\d{{4}}\.\d{{1,2}}\.\d{{1,2}}){_THEN_TIME}(?!\d|[./]\d)",
    rf"\d{{1,2}}(?:st|nd|rd|th)?+[ \-/]{MONTH}(?:,?[ \-/]\d{{2,4}})?+{_THEN_TIME}{END}",
    r"\d{2,4}[年년] ?\d{1,2}[月월] ?\d{1,2}[日일]"
    r"(?: ?\d{1,2}[時时시] ?\d{1,2}[分분](?: ?\d{1,2}[秒초])?+)?+",
    rf"(?<![\w)>\]]:){_TIME}(?![\d:])",
    rf"\d{{1,2}}{_HALF}(?!\w)",
)
"""Dates and times that begin with a digit."""

DAY: Final = (
    rf"{DAY_NAME}[,.]?+ \d{{1,2}}[ \-]{MONTH}[ \-]\d{{2,4}}(?:,? {_TIME})?+{END}",
    rf"{DAY_NAME}[,.]?+ {MONTH}[ ]{{1,2}}\d{{1,2}}(?:st|nd|rd|th)?+"
    rf"(?:,? \d{{4}}(?!\d|:))?+(?:,? {_TIME}(?: [A-Z]{{3,4}}(?= \d{{4}}))?+)?+"
    rf"(?:,? \d{{4}}{END})?+",
    rf"{DAY_NAME}[,.]?+ {_TIME}(?![\d:])",
    rf"{MONTH}[ ]{{1,2}}\d{{1,2}}(?:st|nd|rd|th)?+(?![\d.:%])"
    rf"(?:,? \d{{4}}(?![\d:]))?+(?:(?:,| at)? {_TIME})?+(?:,? {_YEAR}{END})?+",
    rf"{MONTH},? {_YEAR}{END}",
    rf"[IWEF]\d{{4}} {CLOCK}",
)
"""Dates and times that begin with a letter; the last is the head of a klog line."""

PYTHON_DATE: Final = (
    rf"\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}-\d{{2}}-\d{{2}}{END}",
    r"datetime\.(?:datetime|date|time|timedelta)"
    r"\((?:[^()\n]|\((?:[^()\n]|\([^()\n]{0,99}+\)){0,99}+\)){0,200}+\)",
)
"""How Python writes its own values."""

_GROUPS: Final = (
    r"(?:(?<!\d{4})(?:(?:,\d{3})++(?!\d)|(?:,\d{2}(?=,))++,\d{3}(?!\d)|(?:_\d{3})++(?!\d)|"
    r"(?:'\d{3})++(?![\d'])"
    r"|(?:\.\d{3}){2,}+(?![\d.])|(?:[\u00a0\u202f\u2009]\d{3})++(?!\d)))?+"
)
SIGN: Final = r"(?:(?<![\w)\]}>+])[+\-\u2212])?+"
NUMBER: Final = rf"{SIGN}\d++{_GROUPS}"
"""What every amount begins with; thousands are set apart as any country does it."""

_POINT: Final = r"(?:[.,]\d++)?+"
_UNIT_OF_TIME: Final = (
    r"(?:(?:milli|micro|nano)?+seconds?+|minutes?+|hours?+|days?+|weeks?+|months?+|years?+"
    r"|msecs?+|secs?+|mins?+|hrs?+|[nuµμm]s|[smhdw])(?![A-Za-z_])"
)
_UNIT_OF_SIZE: Final = (
    r"(?: ?(?:bytes?+|Bytes?+|octets|bits?+|[kKMGTPE](?:i?[Bb](?:it)?+s?+|bps)"
    r"(?:/s(?:ec)?+)?+|B(?:/s)?+)|[kKMGT]i?)"
)
_NO_MORE: Final = r"(?![0-9A-Za-z_]|\.\d)"
IN_TIME: Final = (
    rf"{_POINT}[ \-]?{_UNIT_OF_TIME}"
    rf"(?:(?:, ?| and | )?\d{{1,9}}+(?:\.\d{{1,9}}+)?+ ?{_UNIT_OF_TIME}){{0,6}}+{END}",
)
IN_SIZE: Final = (rf"{_POINT}{_UNIT_OF_SIZE}{END}",)
IN_PERCENT: Final = (rf"{_POINT}[ \u00a0]?%(?!\w)",)
IN_FRACTION: Final = (rf"(?:\.\d++(?:[eE][+\-]?\d++)?+|[eE][+\-]?\d++){_NO_MORE}",)
IN_ONES: Final = (rf"(?:st|nd|rd|th)?+{_NO_MORE}",)
"""What may follow `NUMBER`: a unit of time, a unit of size, `%`, a fraction, nothing."""

ISO_DURATION: Final = (
    rf"P(?=T?\d)(?:\d{{1,9}}+[YMWD]){{0,4}}+(?:T(?:\d{{1,9}}+"
    rf"(?:\.\d{{1,9}}+)?+[HMS]){{1,3}}+)?+{END}",
)
DAYS_AND_CLOCK: Final = (rf"\d{{1,9}}+ days?+, {CLOCK}",)
FLOAT_WITH_COMMA: Final = (rf"\d{{1,3}}(?:\.\d{{3}})++,\d++{END}",)
FLOAT_WITHOUT_ONES: Final = (rf"{SIGN}(?<![\w)\]}}>])\.\d++(?:[eE][+\-]?\d++)?+{_NO_MORE}",)
INT: Final = (rf"{SIGN}\d++{END}", r"0[bo]\d++" + END)
DATE_BEGINS: Final = r"(?=\d{1,2}[:/. \-aApPsnrt\u202f]|\d{4}[/.\-W年년]|\d{2}[年년]|\d{8})"
DAY_BEGINS: Final = r"(?=[JFMASONDTWIE][a-z0-9])"
