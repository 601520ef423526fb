"""Raw stacks that come again byte for byte: taken out of a body before it is read.

Most bytes of an event are its stack, and reading over them is most of what a glance costs. Where
the value of a key "exception" is one that came before, a mark stands for it in what is read.

It is safe by the form of JSON. The bytes `"exception":` behind anything but a backslash are a key,
since in a text a quote is escaped; an object or array that was read before ends where it ended
before, and any other value may stand for it. Whose key it was, what is read then says: the mark
stands in the event's place of the stack, or what was seen counts for nothing. No body that is cut
has the byte of the mark in it.
"""

from __future__ import annotations

from typing import Final

MARK: Final = b'"\x7f"'
"""What stands for a stack."""

KEPT_BYTES: Final = 4 << 20
"""Of all stacks that are kept."""
ALIKE_MOST: Final = 4
"""Stacks that are kept of those that begin alike."""
BEGIN_BYTES: Final = 160
"""By which a stack is looked for: in them stand the type and the text of the oldest cause."""

NEAR_BYTES: Final = 256
"""How much sooner than before a stack may stand to be found."""

_KEY: Final = b'"exception":'
_BYTE: Final = 0x7F
_BACKSLASH: Final = 0x5C


Cut = tuple[bytes, bytes]
"""A body without its stack, and the digest of that; no class: each event of a storm makes one."""


class SameStacks:
    """The stacks that were noted last."""

    def __init__(self) -> None:
        self._alike: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self._bytes = 0
        self._from = 0
        """Where in a body a stack is looked for first: a little before where it stood."""

    def note(self, body: bytes, stack: bytes, digest: bytes) -> None:
        """Keep a stack that came again; all others are forgotten where they are too many.

        Args:
            body: that was read.
            stack: a whole value in it, as it stood behind its key.
            digest: what stands for it in keys.
        """
        fits = BEGIN_BYTES <= len(stack) <= KEPT_BYTES // 4
        if not fits or stack[:1] not in (b"{", b"[") or _BYTE in stack:
            return
        self._from = max(0, body.find(_KEY) - NEAR_BYTES)
        if (stack, digest) in self._alike.get(stack[:BEGIN_BYTES], ()):
            return
        if self._bytes + len(stack) > KEPT_BYTES:
            self._alike, self._bytes = {}, 0
        alike = self._alike.setdefault(stack[:BEGIN_BYTES], [])
        if len(alike) < ALIKE_MOST:
            alike.append((stack, digest))
            self._bytes += len(stack)

    def cut(self, body: bytes) -> Cut | None:
        """Return the body with a mark for its stack; None where that is none that was noted."""
        begins = body.find(_KEY, self._from)
        at = begins + len(_KEY)
        alike = self._alike.get(body[at : at + BEGIN_BYTES])
        if alike is None or begins < 1 or body[begins - 1] == _BACKSLASH:
            return None
        for stack, digest in alike:
            if body.startswith(stack, at):
                before, behind = body[:at], body[at + len(stack) :]
                if _BYTE in before or _BYTE in behind:
                    return None
                return before + MARK + behind, digest
        return None
