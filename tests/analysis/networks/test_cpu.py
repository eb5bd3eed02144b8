"""What the CPU computes natively decides the default precision."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepsf.networks.cpu import native_bf16, resolve_precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx2 avx512f", False),
        ("flags : fpu avx512_bf16 amx_bf16", True),
        ("Features : fp asimd bf16 i8mm", True),
        ("flags : notbf16 bf16x", False),
    ],
)
def test_bf16_is_native_where_the_cpus_flags_say_so(monkeypatch, flags, expected):
    monkeypatch.setattr(Path, "read_text", lambda _: flags)
    assert native_bf16.__wrapped__() is expected


def test_auto_follows_the_cpu_and_a_choice_stays():
    assert resolve_precision("auto") == ("bf16" if native_bf16() else "fp32")
    assert resolve_precision("fp32") == "fp32"
