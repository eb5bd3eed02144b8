"""Limits on what a skim may find: enough events, valid scores, no weight that outweighs all others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from deepsf.skim.cut_flow import STEPS, WEIGHT, CutFlow, SkimError, SkimReport, merge_cut_flows
from deepsf.skim.settings import SkimSettings

SMALL_SAMPLE = 100
AVERAGE_EVENTS = 10.0
"""One event may weigh as much as this many average ones, however few there are."""


class Limits(NamedTuple):
    """What a sample may have: the fraction of invalid scores in a branch, and the share of its largest weight."""

    branch: str
    max_invalid_fraction: float
    max_weight_share: float


def require_usable(path: str, report: SkimReport, settings: SkimSettings) -> None:
    """Check the counts of a whole file.

    Raises
    ------
    SkimError
        If more jets than ``tagger.max_invalid_fraction`` have an invalid score, more events than
        ``selection.max_events_without_weights`` lack weights of a shift that others have, or one selected event has a
        larger share of the weights than ``selection.max_weight_share``.
    """
    tagger, selection = settings.tagger, settings.selection
    require_valid_scores(path, report.jets, tagger.branch, tagger.max_invalid_fraction)
    require_even_weights(path, report, selection.max_weight_share)
    for source, n in report.n_without.items():
        if n > selection.max_events_without_weights * report.n_events:
            raise SkimError(
                f"{path}: {n} of {report.n_events} events have no weights of {source}, above "
                f"selection.max_events_without_weights = {selection.max_events_without_weights:g}; name {source} in "
                "missing_shifts of the sample, or raise the limit"
            )


def require_even_weights(where: str, report: SkimReport, max_share: float, column: str = WEIGHT) -> None:
    """Check that no selected event outweighs the others: more than ten average ones, and than the share allowed.

    Raises
    ------
    SkimError
        If one does.
    """
    n = report.weights.get(column, {}).get("n", 0.0)
    if not n or report.largest_share(column) <= max(max_share, AVERAGE_EVENTS / n):
        return
    of_shift, way_out = "", "look at genWeight and pile-up weights there, set generator_weight: sign for the sample"
    if column != WEIGHT:
        shift = column.removeprefix(f"{WEIGHT}_")
        source = shift.rpartition("_")[0]
        of_shift, way_out = f" of {shift}", f"leave {source} out of shifts.weights, or name it in missing_shifts"
    raise SkimError(
        f"{where}: one of {n:.0f} selected events has {report.largest_share(column):.1%} of the sum of absolute weights"
        f"{of_shift} (its weight is {report.weights[column]['largest']:g}; all are worth "
        f"{report.n_effective(column):.3g} events of weight 1), above selection.max_weight_share = {max_share:g}; "
        f"{way_out}, or raise the limit"
    )


def require_usable_weights(report: SkimReport, max_share: float) -> None:
    """Check nominal and shifted weights of a whole sample: not all are zero, and none outweighs all others.

    Raises
    ------
    SkimError
        If the sum is zero, or one does.
    """
    where, sums = f"sample {report.sample}", report.weights.get(WEIGHT, {})
    if sums.get("n") and not sums["sum_abs"] > 0.0:
        raise SkimError(
            f"{where}: the weights of all {sums['n']:.0f} selected events are zero; look at genWeight and pile-up "
            "weights there, or take the sample off"
        )
    for column in report.weights:
        require_even_weights(where, report, max_share, column)


def require_selected(reports: Iterable[SkimReport], regions: Iterable[str]) -> None:
    """Check that all files together have tagged events of data and of simulation in every region.

    Raises
    ------
    SkimError
        Naming every region and sample kind without events, the last step that had some, and the way out.
    """
    reports = list(merge_cut_flows(reports).values())
    problems = []
    for region in regions:
        for kind in ("data", "simulation"):
            flows = [report.cut_flow for report in reports if report.kind == kind]
            if sum(_total(flow, f"region_{region}") for flow in flows) > 0:
                continue
            left = {s: sum(_total(flow, s) for flow in flows) for s in STEPS if any(s in flow for flow in flows)}
            last = [step for step in left if left[step] > 0]
            where = f"the last step with events is {last[-1]} ({left[last[-1]]})" if last else "there are no events"
            after = [step for step in left if left[step] == 0]
            blame = f"the cut behind {after[0]}" if after else f"the cuts of regions.{region}"
            blame = "certified (is it the JSON of these data?)" if after[:1] == ["certified"] else blame
            samples = ", ".join(report.sample for report in reports if report.kind == kind) or "none"
            problems.append(
                f"region {region}: no {kind} event is selected (samples: {samples}); {where}; check {blame} in the "
                "config, or give more input"
            )
    if problems:
        raise SkimError("\n".join(problems))


def _total(flow: CutFlow, step: str) -> int:
    return sum(flow.get(step, {}).values())


def require_valid_scores(where: str, jets: Mapping[str, int], branch: str, max_invalid_fraction: float) -> None:
    """Check the fraction of selected jets with an invalid score.

    With fewer than 100 jets the fraction fluctuates: then five binomial standard deviations are allowed on top, so
    that a few ordinary jets do not stop a small file, but a broken score does.

    Parameters
    ----------
    where
        File or sample, for the message.
    jets
        ``selected``, ``invalid`` and ``nan`` of a report.

    Raises
    ------
    SkimError
        If the fraction is above the limit.
    """
    selected, invalid = jets["selected"], jets["invalid"]
    allowed = max_invalid_fraction * selected
    if selected < SMALL_SAMPLE:
        allowed += 5.0 * math.sqrt(selected * max_invalid_fraction * (1.0 - max_invalid_fraction))
    if not invalid <= allowed:
        raise SkimError(
            f"{where}: branch Jet_{branch} is invalid for {invalid} of {selected} selected jets "
            f"({invalid / selected:.1%}: {jets['nan']} NaN or infinite, {invalid - jets['nan']} negative or above 1), "
            f"above tagger.max_invalid_fraction = {max_invalid_fraction:g}; check the tagger in this file, or raise "
            "the limit"
        )
