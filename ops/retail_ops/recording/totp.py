"""An authenticator app."""

import base64
import hmac
import struct
import time


def totp(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238: 30 s, SHA-1, 6 digits).

    Args:
        secret: base32.
    """
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0xF)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
