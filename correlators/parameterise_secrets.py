"""Patterns of what must not be shown: passwords, keys, tokens, cookies, names of persons in fields.

Lives here: the field names that give a secret away, and the forms of well-known keys. A field keeps
its name, which is constant and says what happened; its value goes, whatever it looks like.
"""

from __future__ import annotations

from typing import Final

from correlators.parameterise_times import END

SECRET_NAMES: Final = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secrets?|tokens?|(?:api|access|private|secret|auth"
    r"|encryption|signing|account)[_\-]?keys?"
    r"|authorization|credentials?|cookies?|session(?:[_\-]?(?:id|key))?|jsessionid|phpsessid|csrf"
    r"|xsrf|signature|sig"
    r"|otp|pin|cvv|cvc|ssn|iban|passport)"
)
PERSON_NAMES: Final = (
    r"(?:user(?:[_\-]?(?:name|id))?|login|uid|customer|owner|(?:first|last|full|display|nick"
    r"|sur)[_\-]?name|nickname"
    r"|e?mail|phone|mobile|address|street|birthday|dob|remote[_\-]?user|principal|subject)"
)
"""Fields that hold who it was; only where a value is set to them with `=`."""

_VALUE: Final = (
    r"(?!(?:yes|no|true|false|null|none|nil|undefined)\b)(?:\"(?:[^\"\\\n]|\\.)*+\""
    r"|'[^'\n]*+'|(?![<\[{(\"'])[^\s,;&<>\"'(){}\]]++)"
)
_PREFIX: Final = r"(?:[a-z0-9]{1,20}+[_\-.]){0,4}?"

HEADER: Final = (
    r"(?i:(?:set-)?cookie2?\"?\s{0,2}[:=]\s{0,2}(?!<)[^\n]++)",
    r"(?i:(?:proxy-)?authorization\"?\s{0,2}[:=]\s{0,2}\"?(?:basic|bearer|digest|negotiate|token"
    r"|aws4-hmac-sha256|apikey)\s[^\n,\"]++\"?)",
)
"""Lines of a request that are secret to their end."""

FIELD_BEGINS: Final = r"(?=[\w.\-]{1,80}+[\"']?\s{0,2}[=:])"
FIELD: Final = (
    rf"(?i:{_PREFIX}(?<![a-z0-9])(?<!unexpected )(?<!invalid ){SECRET_NAMES}[\"']?\s{{0,2}}(?:=>?"
    rf"|:(?![:/]))\s{{0,2}}{_VALUE})",
)
PERSON: Final = (rf"(?i:{_PREFIX}(?<![a-z0-9]){PERSON_NAMES}=(?![=>])\s?{_VALUE})",)
"""A named field and its value."""

SAID: Final = (
    r"(?i:pass(?:word|phrase|code)|pwd)(?: (?:is|was))? (?:\"[^\"\n]*+\"|'[^'\n]*+'|"
    r"(?=[^\s]{0,64}?[\d!@#$%^&*])[^\s,;&<>\"']{4,64}+)",
)
"""`password is hunter2`: a password in a sentence, known by a digit or a mark in it."""

SCHEME: Final = (
    r"(?i:(?:bearer|basic)\s{1,2})(?=[^\s]{0,200}?[\d=._\-]|[^\s]{20})[^\s,;&<>\"']{6,}+",
)
"""`Bearer abc.def` without its header."""

KEY: Final = (
    rf"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{{16}}{END}",
    r"gh[pousr]_[A-Za-z0-9]{20,}+",
    r"github_pat_\w{20,}+",
    r"glpat-[\w\-]{16,}+",
    r"xox[abeoprs]-[\w\-]{8,}+",
    r"[spr]k_(?:live|test)_[A-Za-z0-9]{8,}+",
    r"whsec_[A-Za-z0-9]{8,}+",
    r"AIza[\w\-]{30,}+",
    r"sk-[A-Za-z0-9_\-]{20,}+",
    r"SG\.[\w\-]{16,}+\.[\w\-]{16,}+",
    r"npm_[A-Za-z0-9]{30,}+",
    r"pypi-[\w\-]{30,}+",
    r"ya29\.[\w\-]{20,}+",
)
"""Keys that their issuer made easy to know."""

PRIVATE_KEY: Final = (r"-----BEGIN [A-Z ]{1,40}+-----[^\-]*+(?:-----END [A-Z ]{1,40}+-----)?+",)
JWT: Final = (r"eyJ[\w\-]++(?:\.[\w\-]++)*+",)
ARN: Final = (r"arn:aws[a-z\-]{0,12}:[a-z0-9\-]{1,32}:[\w\-]{0,32}:\d{0,12}:[^\s\"'<>,;)\]]++",)
