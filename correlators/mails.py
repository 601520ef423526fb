"""Mail addresses in what people write and are called: they go no further than here."""

from __future__ import annotations

from typing import Final

MAIL: Final = "<email>"


def unmailed(text: str) -> str:
    """Return the text with each word that is a mail address, or holds one, as `<email>`.

    Words are what stands between blanks; `@somebody` is none.
    """
    return " ".join(MAIL if _mail(word) else word for word in text.split(" "))


def _mail(word: str) -> bool:
    before, _, after = word.strip("<>()[],.;:…").partition("@")
    return bool(before and after)
