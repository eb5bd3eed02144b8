"""Ways in which files are damaged, each given by a number: the same number is the same damage."""

from __future__ import annotations

import random
import re

_EXTREMES = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\1"]
_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?")
_TOKENS = [
    *(b"0", b"-1", b"1e999", b"NaN", b"Infinity", b"9" * 400, b"1" + b"0" * 18, b"0x1F", b"true", b"null", b'"x"'),
    *(b"[]", b"{}", b"[" * 3000, b"", b"\xe9", b"\0", b"&a [*a, *a]", b"<<: *a", b"!!python/name:os.system "),
]


def damaged(content: bytes, seed: str, *, is_text: bool = False) -> bytes:
    """Return the content with one damage: a flipped bit, bytes that are overwritten, lost, doubled or cut off.

    In texts also a number is replaced by something strange, and half of the damages are of that kind.
    """
    rng = random.Random(seed)
    if is_text and rng.random() < 0.5:
        return _with_token(content, rng)
    place, length = rng.randrange(len(content)), rng.choice([1, 2, 4, 8, 16, 64, 512])
    before, here, after = content[:place], content[place : place + length], content[place + length :]
    match rng.randrange(8):
        case 0 | 1:
            return before + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]
        case 2:
            return before + rng.randbytes(len(here)) + after
        case 3:
            return before + bytes(len(here)) + after
        case 4:
            return before + rng.choice(_EXTREMES) + content[place + 4 :]
        case 5:
            return before + after
        case 6:
            return before + here + here + after
        case _:
            return before


def _with_token(content: bytes, rng: random.Random) -> bytes:
    numbers = list(_NUMBER.finditer(content))
    found = rng.choice(numbers) if numbers else None
    start, end = found.span() if found else (rng.randrange(len(content)),) * 2
    return content[:start] + rng.choice(_TOKENS) + content[end:]
