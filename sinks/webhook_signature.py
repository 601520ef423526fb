"""The signature of a Standard Webhook. Pure.

Source: Standard Webhooks, `spec/standard-webhooks.md`: `v1,` and base64 of HMAC-SHA256 over
`id.timestamp.body`; a secret is `whsec_` and base64 of 24 to 64 bytes; several signatures, with a
space between them, while one secret takes the place of another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
KEY_BYTES: Final = range(24, 65)
SAYS: Final = "whsec_ and base64 of 24 to 64 bytes"


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        ValueError: it is not of the form; the text does not show it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_BYTES:
        raise ValueError(f"expected {SAYS}")
    return key


def signature(keys: Sequence[bytes], id: str, at_s: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature for each key, in their order.

    Args:
        keys: as `key_of` gives them, at least one.
        id: the header `webhook-id`.
        at_s: the header `webhook-timestamp`, seconds since the epoch.
        body: exactly as sent.
    """
    assert keys
    signed = b".".join((id.encode(), str(at_s).encode(), body))
    made = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) for key in keys)
    return " ".join(f"v1,{one.decode()}" for one in made)
