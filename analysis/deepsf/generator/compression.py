"""Compression of generated ROOT files."""

from __future__ import annotations

import uproot
import uproot.const
import xxhash


class ChecksummedZSTD(uproot.ZSTD):  # type: ignore[misc]
    """uproot's ZSTD with the checksum that its frames may end with (RFC 8878, 3.1.1), which every reader verifies.

    Without it a bit flipped on the disk is another number. LZ4 and ZLIB have checksums too, but LZ4 makes files half as
    large again, and ZLIB takes three times as long. Baskets that do not shrink, as those of a tree of one row, are
    stored as they are, without a checksum.
    """

    @property
    def code_pair(self) -> tuple[int, int]:
        """Algorithm and level as ROOT numbers them; uproot looks for its own classes alone."""
        return uproot.const.kZSTD, self.level

    def compress(self, data: bytes) -> bytes:
        """Return a frame with its checksum: a flag in its head, low bytes of XXH64 of the content at its end."""
        frame = bytearray(super().compress(data))
        frame[4] |= 0x04
        return bytes(frame) + (xxhash.xxh64_intdigest(data) & 0xFFFF_FFFF).to_bytes(4, "little")
