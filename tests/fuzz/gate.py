"""The gate: no damage of a file may do more than end in an error that names the file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.forked import Outcome, Read, outcomes
from tests.fuzz.mutations import damaged


def failures(read: Read, path: Path, n: int, *, is_text: bool = False, has_checksum: bool = True) -> list[str]:
    """Damage a file in ``n`` ways; return what a reader did that it must not do.

    Each damage ends in a documented error of one line with the file's name, or in the result of the whole file. What
    has no checksum may give another result: a digit that a hand changes in a YAML or CSV file, and a basket of ZSTD as
    ROOT writes it, look as right as they did before.

    The damages are the same each time. By default half of the ``n`` are made; ``DEEPSF_FUZZ_FACTOR=20`` in the
    environment makes 20 times ``n``.
    """
    n = round(n * float(os.environ.get("DEEPSF_FUZZ_FACTOR") or 0.5))
    ((_, good),) = outcomes(read, [path])
    assert good.kind == "result", good
    whole = path.read_bytes()
    seeds: dict[Path, str] = {}

    def cases() -> Iterator[Path]:
        for number in range(n):
            case = path.with_name(f"case{number}_{path.name}")
            seeds[case] = f"{path.name} {number}"
            case.write_bytes(damaged(whole, seeds[case], is_text=is_text))
            yield case

    wrong, kinds = [], Counter[str]()
    for case, first in outcomes(read, cases()):
        # a process that is forked while another thread holds a lock may wait for it for ever; a reader hangs twice
        outcome = next(iter(outcomes(read, [case])))[1] if first.kind == "hang" else first
        same = outcome == good
        kinds["same" if same else outcome.kind] += 1
        if not (same or outcome.kind == "error" or (outcome.kind == "result" and not has_checksum)):
            wrong.append(f"{seeds[case]!r}: {_words(outcome)}")
        case.unlink()
    print(f"{path.name}: {dict(kinds)}")
    assert kinds["error"] > 0.1 * n, "the damage is too harmless to tell anything"
    return wrong


def _words(outcome: Outcome) -> str:
    return "another result" if outcome.kind == "result" else f"{outcome.kind} {outcome.words[:300]}"
