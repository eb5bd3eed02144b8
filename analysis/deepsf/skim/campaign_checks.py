"""What all skimmed files of a campaign must agree on, and what may not be in two of them; problems in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from deepsf.config.samples import Sample
from deepsf.skim.cut_flow import SkimError, SkimReport, merge_cut_flows

MUST_AGREE = {
    "missing pT": "set selection.met_branches to one that all files have",
    "pile-up id": "set selection.jet.pu_id_bit to null to do without it",
    "number of vertices": "name one that all files have in selection.branches, as PV_npvsGood",
    "rho": "take files of one version of NanoAOD",
}
"""What is chosen among alternatives in a file, with the way out if files of an era differ."""
FEW_WEIGHTS = 100
PILEUP_MIN, PILEUP_MAX = 0.8, 1.25
"""Mean pile-up weight of selected events: 1 of all events, and the selection knows little of pile-up."""


def require_consistent(
    reports: Sequence[SkimReport], samples: Mapping[str, Sample], sources: Iterable[str] | None
) -> None:
    """Check what the files of a campaign have in common.

    Parameters
    ----------
    reports
        One for each file.
    sources
        Sources of weight shifts that were asked for; None: all that there are.

    Raises
    ------
    SkimError
        With all problems: files that are there twice, files of an era of which one fell back on another branch, and
        files that lack a weight shift that others have.
    """
    problems = [*same_files(reports), *mixed_branches(reports, samples), *missing_shifts(reports, samples, sources)]
    if problems:
        raise SkimError("\n".join(problems))


def same_files(reports: Iterable[SkimReport]) -> Iterator[str]:
    """Yield files with the same events and jets as another one."""
    files: dict[str, list[SkimReport]] = defaultdict(list)
    for report in reports:
        if report.content:
            files[report.content].append(report)
    for copies in files.values():
        if len(copies) > 1:
            yield (
                f"{_names(copies)} hold the same {copies[0].n_events} events: they would count {len(copies)} times; "
                "take all but one off the samples"
            )


def mixed_branches(reports: Iterable[SkimReport], samples: Mapping[str, Sample]) -> Iterator[str]:
    """Yield quantities for which files of an era were read from different branches."""
    chosen: dict[tuple[str | None, str], dict[str, list[SkimReport]]] = defaultdict(lambda: defaultdict(list))
    for report in reports:
        for quantity, branch in report.resolved.items():
            chosen[samples[report.sample].era, quantity][branch].append(report)
    for (era, quantity), by_branch in chosen.items():
        # data have no rho where only simulation is corrected with it
        used = {branch: files for branch, files in by_branch.items() if branch != "not used"}
        if len(used) > 1:
            of_era = "" if era is None else f" of era {era}"
            taken = "; ".join(f"{branch} in {_names(files)}" for branch, files in sorted(used.items()))
            yield f"{quantity} is not the same in all files{of_era}: {taken}; {MUST_AGREE[quantity]}"


def missing_shifts(
    reports: Iterable[SkimReport], samples: Mapping[str, Sample], sources: Iterable[str] | None
) -> Iterator[str]:
    """Yield sources of weight shifts that some simulated files have and others lack, or that none has."""
    simulated = [report for report in reports if report.kind == "simulation" and report.n_events]
    have = {id(report): {shift.rpartition("_")[0] for shift in report.weight_shifts} for report in simulated}
    found = dict.fromkeys(source for of_file in have.values() for source in sorted(of_file))
    for source in dict.fromkeys((*found, *(sources or ()))):
        lacking = [
            report
            for report in simulated
            if source not in have[id(report)] and source not in samples[report.sample].missing_shifts
        ]
        if lacking and source in found:
            yield (
                f"no weights of {source} in {_names(lacking)}, but in other simulated files: the shift would move only "
                f"those; add {source} to missing_shifts of the samples, or leave it out of shifts.weights"
            )
        elif source not in found:
            yield f"shifts.weights: no simulated file has weights of {source}; leave it out"


def foreign_pileup(reports: Iterable[SkimReport]) -> Iterator[str]:
    """Yield simulated samples whose pile-up weights change their rate: they are made for another simulation."""
    for sample, report in merge_cut_flows(reports).items():
        n = report.pileup.get("n", 0)
        mean = report.pileup["sum"] / n if n else 1.0
        if n >= FEW_WEIGHTS and not PILEUP_MIN <= mean <= PILEUP_MAX:
            yield (
                f"sample {sample}: the mean pile-up weight is {mean:.3g} of {n:.0f} events with two jets, not between "
                f"{PILEUP_MIN:g} and {PILEUP_MAX:g}: the weights are made for a simulation with another pile-up; take "
                "those of its era (pileup.file, pileup.name)"
            )


def _names(reports: Sequence[SkimReport], shown: int = 2) -> str:
    """Return the names of files with their samples, the first ones and how many more."""
    names = [f"{report.file} ({report.sample})" for report in reports[:shown]]
    more = [f"{len(reports) - shown} more"] if len(reports) > shown else []
    return " and ".join([*names, *more])
