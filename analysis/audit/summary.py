"""The audit in a few lines of text, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def summary(audit: Mapping[str, Any]) -> str:
    """Return the main figures of an ``audit.json`` as plain text."""
    lines = [f"campaign {audit['config']}"]
    for region, number in audit["probe_jets"].items():
        lines.append(f"  region {region}: {number} probe jets in data, purity {audit['purity'][region]:.3f}")
    if "truth" in audit:
        lines += ["", "RMS of S - truth over probe jets"]
        lines += _table(audit["truth"]["rms"], "{:.4f}")
    lines += ["", "p-value of data against simulation, probe discriminant"]
    closure = audit["closure_chi2"]
    methods = list(next(iter(closure.values())))
    lines += _table({m: {region: closure[region][m]["p"] for region in closure} for m in methods}, "{:.2g}")
    lines += ["", "AUC of a classifier of data against simulation (0.5: none)"]
    auc = audit["two_sample_auc"]
    names = [m for m in next(iter(auc.values())) if m in methods or m == "truth"]
    lines += _table({m: {region: auc[region][m] for region in auc} for m in names}, "{:.4f}")
    lines += ["", "largest yield change, in standard deviations"]
    lines += [f"  {method:<14}{value['max_pull']:>10.2f}" for method, value in audit["yield"].items()]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, Mapping[str, float]], form: str) -> list[str]:
    columns: Sequence[str] = list(next(iter(values.values())))
    head = f"  {'':<14}" + "".join(f"{column:>10}" for column in columns)
    rows = [f"  {name:<14}" + "".join(f"{form.format(row[c]):>10}" for c in columns) for name, row in values.items()]
    return [head, *rows]
