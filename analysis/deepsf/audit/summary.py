"""The audit in a few lines of text, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deepsf.audit.contamination import contamination_notes

FITTED = "fitted"
"""In place of the p-value of a method that was fitted in the bins that are compared."""

_PARTS = {
    "train": "the spread of trainings",
    "bootstraps": "bootstraps of the fit (stat is the counting error alone)",
    "extrapolation": "that of extrapolation",
    "shifts": "systematic shifts",
}
"""Parts of errors that may be lacking."""


class _Names(NamedTuple):
    """What trainings give, and what one and several of them are called."""

    result: str
    one: str
    several: str


_REPETITIONS = {
    "bootstraps": _Names("statistical error", "bootstrap", "bootstraps"),
    "shifts": _Names("systematic error", "fit under the shift", "fits under shifts"),
}
"""Repetitions of a fit, which give errors of networks."""


def summary(audit: Mapping[str, Any], phase_space: Mapping[str, Any] | None = None) -> str:
    """Return the main figures of an ``audit.json``, and of a ``phase_space.json`` if given, as plain text."""
    lines = [f"campaign {audit['config']}"]
    lines += [*_trainings(audit), *_errors_lacking(audit), *_further_inputs(audit)]
    for region, number in audit["probe_jets"].items():
        lines.append(f"  region {region}: {number} probe jets in data, purity {audit['purity'][region]:.3f}")
    lines += _contamination(audit.get("contamination", {}))
    if "truth" in audit:
        lines += ["", "RMS of S - truth over probe jets"]
        lines += _table(audit["truth"]["rms"], "{:.4f}")
    lines += _by_working_point(audit.get("truth", audit).get("by_working_point", {}))
    lines += ["", "p-value of data against simulation, probe discriminant"]
    closure = audit["closure_chi2"]
    methods = list(next(iter(closure.values())))
    p_values = {m: {region: closure[region][m]["p"] for region in closure} for m in methods}
    lines += _table(p_values | {m: dict.fromkeys(closure, FITTED) for m in methods if m == "binned"}, "{:.2g}")
    if folds := audit.get("closure_out_of_fold"):
        lines += ["", "chi2/ndf of members at the events that they were not trained on, mean over members"]
        first = next(iter(folds.values()))
        reduced = {m: {r: folds[r][m]["chi2"] / (folds[r][m]["ndf"] or 1.0) for r in folds} for m in first}
        lines += _table({m: reduced[m] for m in methods if m in reduced}, "{:.2f}")
    if phase_space is not None:
        lines += ["", *_validation(phase_space["validation"])]
    lines += ["", "AUC of a classifier of data against simulation (0.5: none)"]
    auc = audit["two_sample_auc"]
    names = [m for m in next(iter(auc.values())) if m in methods or m == "truth"]
    lines += _table({m: {region: auc[region][m] for region in auc} for m in names}, "{:.4f}")
    lines += ["", "largest yield change, in standard deviations: of its bin, and among that many bins"]
    pulls = {m: {"bin": v["max_pull"], "global": v["max_pull_global"]} for m, v in audit["yield"].items()}
    lines += _table(pulls, "{:.2f}")
    return "\n".join(lines) + "\n"


def _contamination(measured: Mapping[str, Any]) -> list[str]:
    """Return the contamination of data over that of simulation by region, and what is wrong with the assumed one."""
    rows = {
        name: {
            "measured": f"{found['factor']:.2f}({found['error']:.2f})",
            "assumed": "1" if found["assumed"] is None else f"1({found['assumed']:g})",
            "at scores": " ".join(f"{side} {limit:g}" for side, limit in found["range"].items()),
        }
        for name, found in measured.items()
        if found["factor"] is not None
    }
    head = ["", "contamination of data over that of simulation, with its error"]
    return [
        *(head + _table(rows, "{}") if rows else []),
        *(f"  {note}" for note in contamination_notes(measured)),
    ]


def _by_working_point(by_method: Mapping[str, Any]) -> list[str]:
    """Return mean scale factors of jets between working points, flavour by flavour, the truth last."""
    lines: list[str] = []
    for flavour, first in next(iter(by_method.values()), {}).items():
        names = sorted(first, key=lambda name: first[name]["above"] or 0.0)
        rows = {m: {name: _with_error(found[flavour][name]) for name in names} for m, found in by_method.items()}
        some = {name: first[name] for name in names}
        for key in ("truth", "purity", "extrapolated"):
            if all(figures.get(key) is not None for figures in some.values()):
                rows[key] = {name: f"{figures[key]:.3f}" for name, figures in some.items()}
        lines += ["", f"mean S of {flavour} jets between working points, with its error without systematic shifts"]
        lines += _table(rows, "{}")
    return lines


def _with_error(figures: Mapping[str, Any]) -> str:
    value, error = figures["value"], figures["error"]
    return f"{value:.3f}({error:.3f})" if error else f"{value:.3f}"


def _validation(validation: Mapping[str, Any]) -> list[str]:
    """Return the p-values of jets' discriminants in the validation region, over all its channels."""
    first, last = validation["n_jets"]
    n_jets = f"{first} or more" if last is None else f"{first}" if first == last else f"{first} to {last}"
    tests = validation["tests"]["all"]
    ranks = [variable for variable in ("leading", "second", "further") if variable in tests]
    methods = tests[ranks[0]]
    return [
        f"p-value of data against simulation, discriminant of jets in events with {n_jets} jets (validation region)",
        *_table({m: {rank: tests[rank][m]["p"] for rank in ranks} for m in methods}, "{:.2g}"),
    ]


def _trainings(audit: Mapping[str, Any]) -> list[str]:
    """Return lines on trainings that are lacking or have not converged, of all results and errors."""
    lines = []
    for kind, members in {"DeepSF": audit["members"], **audit.get("trainings", {})}.items():
        named = _REPETITIONS.get(kind, _Names(kind, "member", "members"))
        if note := members_note(members, named.several):
            lines.append(f"  {named.result} with {note}")
        # DeepSF is what a campaign is run for, so its members need no other name
        of = f" of {kind}" if kind != "DeepSF" and kind not in _REPETITIONS else ""
        for number, reasons in members.get("not_converged", {}).items():
            lines.append(f"  {named.one} {number}{of} has not converged: {'; '.join(reasons)}")
    return lines


def _errors_lacking(audit: Mapping[str, Any]) -> list[str]:
    """Return lines on what errors lack, and which methods' errors do."""
    methods: dict[str, list[str]] = {}
    for method, lacking in audit.get("errors_lacking", {}).items():
        for part in lacking:
            methods.setdefault(part, []).append(method)
    return [f"  errors without {_PARTS[part]}: {', '.join(names)}" for part, names in methods.items()]


def _further_inputs(audit: Mapping[str, Any]) -> list[str]:
    """Return a line on each further input with values that are invalid, or beyond the range of the training."""
    return [
        f"  input {name}, {kind} jets: {found['invalid']} of {found['n_jets']} invalid, {found['beyond']} beyond the "
        "range of the training, taken at its end"
        for name, by_kind in audit.get("inputs", {}).items()
        if name not in ("pt", "abseta", "discriminant")
        for kind, found in by_kind.items()
        if found["invalid"] or found["beyond"]
    ]


def members_notes(audit: Mapping[str, Any]) -> dict[str, str]:
    """Return what labels say about the members of each method, by name; of those alone that need a word."""
    found = {"deepsf": audit["members"], **audit.get("trainings", {})}
    notes = {name: members_note(members) for name, members in found.items() if name not in _REPETITIONS}
    return {name: note for name, note in notes.items() if note}


def members_note(members: Mapping[str, Any], several: str = "members") -> str:
    """Return what labels say about trainings that are not as they should be; empty for those that are.

    It is "24 of 25 members", "25 members, 2 not converged", or both: "24 of 25 members, 2 not converged".

    Parameters
    ----------
    members
        Of `deepsf.training.members.Members.to_json`.
    """
    used, configured, n_bad = members["used"], members["configured"], len(members.get("not_converged", {}))
    number = f"{used} of {configured} {several}" if used < configured else f"{used} {several}" if n_bad else ""
    return f"{number}, {n_bad} not converged" if n_bad else number


def _table(values: Mapping[str, Mapping[str, float | str]], form: str) -> list[str]:
    """Return lines of a table; text stands as it is."""
    columns: Sequence[str] = list(next(iter(values.values())))
    cells = {
        name: [row[c] if isinstance(row[c], str) else form.format(row[c]) for c in columns]
        for name, row in values.items()
    }
    width = 2 + max(8, *(len(str(cell)) for row in (columns, *cells.values()) for cell in row))
    return [
        f"  {name:<14}" + "".join(f"{cell:>{width}}" for cell in row) for name, row in {"": columns, **cells}.items()
    ]
