"""The text that a PNG carries beside its pixels: the chunks tEXt, zTXt and iTXt (W3C PNG specification, 11.3.3).

Reads only what it needs, so that the beginning of a file is enough if the text is in it, and holds itself to bounds,
as anybody may have made the file. Check sums are not looked at: a text that is damaged fails where it is used.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000
_HEAD_BYTES, _SUM_BYTES = 8, 4


def texts(data: bytes, limit_bytes: int) -> dict[str, str]:
    """The texts by keyword, of each keyword the first; what is cut off or cannot be unpacked is left out.

    `data` is a PNG or its beginning. Raises ValueError when the texts have more than `limit_bytes` unpacked.
    """
    found: dict[str, str] = {}
    left = limit_bytes
    for kind, body in _chunks(data):
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        keyword, _, rest = body.partition(b"\0")
        name = keyword.decode("latin-1")
        try:
            text, encoding = _unpacked(kind, rest, left)
        except zlib.error:
            continue
        left -= len(text)
        if left < 0:
            raise ValueError(f"its texts have more than {limit_bytes:,} bytes")
        found.setdefault(name, text.decode(encoding, "replace"))
    return found


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that are wholly there, as (type, body), up to the end of the picture."""
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        length, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + _HEAD_BYTES])
        start, end = at + _HEAD_BYTES, at + _HEAD_BYTES + length
        if len(kind) < 4 or end > len(data) or kind == b"IEND":
            return
        yield kind, bytes(view[start:end]) if kind[1:] in (b"EXt", b"TXt") else b""
        at = end + _SUM_BYTES


def _unpacked(kind: bytes, rest: bytes, limit_bytes: int) -> tuple[bytes, str]:
    """The text after the keyword, one byte more than the limit at most, and its encoding. Raises zlib.error."""
    if kind == b"tEXt":
        return rest, "latin-1"
    if kind == b"zTXt":  # the first byte is the method, 0 being the only one
        return _inflated(rest[1:], limit_bytes), "latin-1"
    packed, body = rest[:1] == b"\x01", rest[2:]
    _language, _, body = body.partition(b"\0")
    _translated, _, body = body.partition(b"\0")
    return _inflated(body, limit_bytes) if packed else body, "utf-8"


def _inflated(packed: bytes, limit_bytes: int) -> bytes:
    return zlib.decompressobj().decompress(packed, max(1, limit_bytes + 1))
