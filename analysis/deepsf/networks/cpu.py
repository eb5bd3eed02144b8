"""What a training process needs to know of, and ask from, the CPU it runs on. Imports torch only where it must."""

from __future__ import annotations

import ctypes
import functools
import re
from pathlib import Path
from typing import Literal

Precision = Literal["fp32", "bf16"]


@functools.cache
def native_bf16() -> bool:
    """Tell whether this CPU multiplies bf16 numbers in hardware (x86: AMX or AVX-512 BF16; Arm: BF16).

    Read from the system and not from torch, whose import takes seconds. False where the system does not tell.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return re.search(r"\b(amx_bf16|avx512_bf16|bf16)\b", flags) is not None


def resolve_precision(precision: Literal["auto", "fp32", "bf16"]) -> Precision:
    """Return ``precision``, with "auto" replaced by "bf16" where this CPU computes it natively, else by "fp32"."""
    if precision == "auto":
        return "bf16" if native_bf16() else "fp32"
    return precision


def keep_freed_memory() -> bool:
    """Let this process reuse freed tensors (up to 32 MB each, 512 MB in all) instead of returning them to the system.

    Otherwise every step of a training fetches its activations anew, page fault by page fault, for up to 40 % of its
    time. Returns False where the C library is not glibc and nothing was changed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    mmap_threshold, trim_threshold = -3, -1  # names and numbers of glibc's malloc.h
    return bool(mallopt(mmap_threshold, 32 * 2**20)) and bool(mallopt(trim_threshold, 512 * 2**20))


def prepare_process() -> None:
    """Set up the process for networks: one thread, so that results do not depend on cores; freed memory kept."""
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()
