"""Patterns of what names a place or a reader: mail, URL, host, IP, MAC, path, phone, card.

Lives here: each form as text for `re`. Not here: their order among other kinds (`parameterise`).

A run without a bound is possessive and begins only where no character of the run stands before it;
so no text is read twice by one pattern.
"""

from __future__ import annotations

import re
from typing import Final

from correlators.parameterise_times import END

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|\d?\d)"
IP4_ALONE: Final = rf"(?<!\d)(?<!\d\.)(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z_]|\.\d)"
_PORT: Final = r"(?::\d{1,5}+(?!\d))?+"
_MASK: Final = r"(?:/\d{1,3}+(?![\d/.]))?+"
IP4: Final = (rf"{IP4_ALONE}{_MASK}{_PORT}",)

_GROUP: Final = r"[0-9A-Fa-f]{1,4}"
_IP6: Final = (
    rf"(?:(?:{_GROUP}:){{7}}{_GROUP}(?!\w|:[\w:])"
    rf"|(?:{_GROUP}(?::{_GROUP}){{0,6}}+)?+::(?:{_GROUP}(?::{_GROUP}){{0,6}}+)?+(?:"
    rf"(?:\.\d{{1,3}}+){{3}})?+"
    rf"(?:%[\w.\-]{{1,16}}+)?+(?![\w(]|:[\w:]))"
)
IP6: Final = (rf"{_IP6}{_MASK}",)
IP6_IN_BRACKETS: Final = (rf"\[{_IP6}\]{_PORT}",)
MAC: Final = (
    r"(?:[0-9A-Fa-f]{2}[:\-]){5}[0-9A-Fa-f]{2}(?!\w|[:\-]\w)",
    rf"[0-9A-Fa-f]{{4}}\.[0-9A-Fa-f]{{4}}\.[0-9A-Fa-f]{{4}}{END}",
)

EMAIL: Final = (
    r"(?<![\w.+\-%])(?<![\w.+\-%]')[\w.+\-]++(?:'[\w.+\-]++)*+(?:@|%40)"
    r"(?!v?\d++(?:\.\d++){0,2}+(?:-[\w.]++)?+(?![\w.]))(?![0-9a-f]{1,16}+(?![\w.\-])"
    r"|sha\d{1,3}:)[\w\-]++(?:\.[\w\-]++)*+",
)

_URL_CHARS: Final = (
    r"(?:[^\s\"'<>`(){}\[\]|\\,;.:!?*“”\u2019»…]|[.,;:!?*]"
    r"(?=[^\s\"'<>`(){}\[\]|\\,;.:!?*“”\u2019»…])|\([\w%.\-]{0,80}+\)|\[[0-9A-Fa-f:.]{2,45}+\])"
)
URL: Final = (
    rf"(?:[A-Za-z][A-Za-z0-9]{{1,15}}:){{0,2}}[A-Za-z][A-Za-z0-9+.\-]{{1,31}}://{_URL_CHARS}++/?",
    rf"www\.{_URL_CHARS}++",
    r"data:[a-z]{1,20}/[\w.+\-]{1,60}+(?:;[\w=\-]{1,40}+){0,4}+,[^\s\"'<>)]*+",
    r"(?:mailto|tel):[^\s\"'<>)]++",
)

_SURE_DOMAINS: Final = (
    *(
        "com",
        "net",
        "org",
        "edu",
        "gov",
        "mil",
        "biz",
        "internal",
        "local",
        "localdomain",
        "localnet",
        "lan",
    ),
    *(
        "corp",
        "intranet",
        "arpa",
        "onion",
        "de",
        "fr",
        "uk",
        "nl",
        "eu",
        "ch",
        "es",
        "se",
        "dk",
        "fi",
        "cz",
    ),
    *(
        "jp",
        "cn",
        "ru",
        "br",
        "au",
        "ca",
        "us",
        "kr",
        "tw",
        "hk",
        "sg",
        "pt",
        "gr",
        "hu",
        "ro",
        "ua",
        "tr",
    ),
    *("za", "mx", "ar", "nz", "ie"),
)
"""Last parts that no name in code ends with."""

_LATE_DOMAINS: Final = (
    *(
        "io",
        "ai",
        "co",
        "dev",
        "app",
        "cloud",
        "online",
        "site",
        "tech",
        "xyz",
        "svc",
        "at",
        "it",
        "be",
        "in",
    ),
    *("no", "pl", "me", "info", "cluster", "consul", "test", "example"),
)
"""Last parts of hosts and of names in code: a host only with two parts or more before them."""

DOMAINS: Final = frozenset(_SURE_DOMAINS + _LATE_DOMAINS)
HOST: Final = re.compile(
    rf"(?!(?:javax?|sun|jdk|android|kotlin|scala|this|self|window|document|console|process|module"
    rf"|e|event"
    r"|req|res|ctx|props|state|data|config)\.)"
    rf"(?:(?=[^A-Z]*+\Z)|(?=[^a-z]*+\Z))(?i:(?:[a-z0-9](?:[a-z0-9_\-]*[a-z0-9])?\.){{1,8}}"
    rf"(?:{'|'.join(_SURE_DOMAINS)})"
    rf"|(?:[a-z0-9][a-z0-9_\-]*\.){{2,8}}(?:{'|'.join(_LATE_DOMAINS)}))"
)
"""A whole dotted word that is a host, no name in code: `shop.example.com`, but not `java.net`."""

_SPACED: Final = r"(?:[^\s\\/\"'<>|:*?;,]{1,64}+(?: [^\s\\/\"'<>|:*?;,]{1,64}+){0,3}+[\\/])"
DRIVE: Final = (rf"[A-Za-z]:[\\/]{{1,2}}{_SPACED}{{0,32}}+[^\s\"'<>|:*?;,)\]}}]*+",)
UNC: Final = (rf"\\\\[\w.$?\-]++\\{_SPACED}{{0,32}}+[^\s\"'<>|:*?;,)\]}}]++",)
PATH: Final = (
    r"(?<![\w.@%+~$/\-<\]>])(?:~[\w\-]{0,32}+|\.{1,2})?(?:/{1,2}[\w.@%+~$\-]++)++/?+"
    r"(?:\?[\w\-.\[\]]{1,64}+=[^\s\"'<>)]*+)?+",
    r"(?<=<)(?!/[a-zA-Z][\w\-]*+>)(?:/[\w.@%+~$\-]++){2,}+",
)

PHONE: Final = (
    r"\+(?=(?:[ .\-()/]{0,2}\d){8})\d{1,3}[ .\-]?(?:\(\d{1,4}\)[ .\-]?)?+\d{2,5}"
    r"(?:[ .\-/]\d{2,8}){1,5}+(?!\w)",
    r"\+[1-9]\d{9,14}+(?!\w)",
    r"(?<![\w)])\(\d{2,5}\) ?\d{3,4}[ .\-]\d{3,4}(?!\w)",
)
PHONE_AT_DIGIT: Final = (
    rf"(?:1[ .\-])?\d{{3}}-\d{{3}}-\d{{4}}{END}(?!-)",
    rf"1-\d{{3}}-\d{{3}}-\d{{4}}{END}(?!-)",
)
CARD: Final = (
    rf"\d{{4}} \d{{4}} \d{{4}} \d{{1,7}}{END}",
    rf"\d{{4}}-\d{{4}}-\d{{4}}-\d{{1,7}}{END}(?!-)",
    rf"3\d{{3}}[ \-]\d{{6}}[ \-]\d{{5}}{END}",
)
IBAN: Final = (
    r"[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){3,7}+(?: [A-Z0-9]{1,3}(?![A-Za-z0-9]))?+" + END,
    r"[A-Z]{2}\d{2}[A-Z]{0,4}\d{10,26}" + END,
)
