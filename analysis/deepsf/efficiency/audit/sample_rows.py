"""The audit's rows that follow from efficiencies at the jets of its samples.

Rows that need the truth, another sample or members are there only if those are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.audit.closure import INCLUSIVE, REGIONS, TOTAL, TRUTH, RegionYields
from deepsf.efficiency.audit.point_rows import largest_significance, point_rows
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.audit.rows import Rows, row, rows_by
from deepsf.efficiency.audit.sample_figures import SampleFigures, gaps_closed
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.efficiency.events.observables import VARIABLES

_MAP, _CLOSEST = "map", "closest_jet"


class Findings(NamedTuple):
    """What rows are made of; ``figures`` by sample, ``test`` among them, ``point`` the index of the working point."""

    figures: Mapping[str, SampleFigures]
    closure: EfficiencyClosure
    working_points: tuple[str, ...]
    point: int

    @property
    def test(self) -> SampleFigures:
        """Return the figures of the test sample."""
        return self.figures["test"]

    def yields(self, region: str, variable: str, sample: str = "test") -> RegionYields:
        """Return yields of a sample."""
        return self.closure.samples[sample].regions[region][variable]

    def by_flavour(self, pattern: str, values: Floats, **names: str) -> Rows:
        """Return a row for each flavour."""
        return rows_by("flavour", self.closure.flavours, pattern, values, **names)


def sample_rows(findings: Findings) -> Rows:
    """Return all rows that follow from the samples."""
    parts: tuple[Callable[[Findings], Rows], ...] = (
        _toy,
        _deviations,
        _gap_closed,
        _calibration,
        _delta_r,
        _other_variables,
        _transfer,
        _spread,
        _gain,
        _correlation,
        lambda found: point_rows(found.closure, found.working_points),
    )
    rows: Rows = {}
    for part in parts:
        rows |= part(findings)
    return rows


def coverage_rows(coverage: Mapping[str, Mapping[str, float]]) -> Rows:
    """Return the rows of what `deepsf.efficiency.audit.coverage.coverage` returns."""
    rows: Rows = {}
    for category, figures in coverage.items():
        rows |= row("coverage.with_v_eff.{category}", figures["with_v_eff"], category=category)
        rows |= row("coverage.sum_w2_alone.{category}", figures["without_v_eff"], category=category)
    return rows


def _toy(findings: Findings) -> Rows:
    test = findings.test
    if test.mean_truth is None or test.tag_rate_pull is None:
        return {}
    return {
        **findings.by_flavour("toy.efficiency.{flavour}", test.mean_truth),
        **findings.by_flavour("toy.tag_rate_pull.{flavour}", test.tag_rate_pull),
    }


def _deviations(findings: Findings) -> Rows:
    """Return the deviation of every model from the truth, and the ensemble's over that of the closest jet alone."""
    nominal, point, mad = findings.closure.nominal, findings.point, findings.test.mad
    rows: Rows = {}
    for model, values in mad.items():
        rows |= findings.by_flavour("deviation.{model}.{flavour}", 100.0 * values[:, point], model=model)
    if _CLOSEST in mad:
        quotient = mad[nominal][:, point] / mad[_CLOSEST][:, point]
        rows |= findings.by_flavour("deviation.{ensemble}.{flavour}.over_closest_jet", quotient, ensemble=nominal)
    if nominal in mad and len(findings.working_points) > 1:
        for k, name in enumerate(findings.working_points):
            pattern = "working_points.deviation.{flavour}.{working_point}"
            rows |= findings.by_flavour(pattern, 100.0 * mad[nominal][:, k], working_point=name)
    return rows


def _gap_closed(findings: Findings) -> Rows:
    closed = gaps_closed(findings.test.divergence)
    return rows_by("not_map", closed, "cross_entropy.gap_closed.{not_map}", closed.values())


def _calibration(findings: Findings) -> Rows:
    nominal, test = findings.closure.nominal, findings.test
    curve = findings.closure.reliability[nominal]
    rows = {
        **findings.by_flavour("calibration.all_jets.{flavour}", 100.0 * test.calibration[nominal]),
        **findings.by_flavour("calibration.low_pt.{flavour}", 100.0 * test.low_pt[nominal]),
        **findings.by_flavour("calibration.reliability.{flavour}.chi2", curve.chi2 / np.maximum(curve.ndf, 1)),
    }
    if "train" in findings.figures:
        cross_fitted = findings.figures["train"].tag_calibration[nominal]
        rows |= findings.by_flavour("calibration.cross_fit.{flavour}", 100.0 * cross_fitted)
    return rows


def _delta_r(findings: Findings) -> Rows:
    nominal = findings.closure.nominal
    rows: Rows = {}
    for region in REGIONS:
        yields = findings.yields(region, "delta_r")
        name = "closure.delta_r.{region}."
        rows |= _chi2_rows(name, yields, nominal, region)
        if TRUTH in yields.models:
            deviation = 100.0 * np.abs(yields.ratio(nominal) - 1.0)
            rows |= row(name + "deviation_first_bin", deviation[0], region=region)
            rows |= row(name + "deviation", np.max(deviation[1:], initial=0.0), region=region)
    return rows


def _chi2_rows(name: str, yields: RegionYields, nominal: str, region: str) -> Rows:
    """Return chi2/ndf of the ensemble, and of map and truth if there are any."""
    rows = row(name + "chi2", chi2_of(yields, nominal), region=region)
    for model in (_MAP, TRUTH):
        if model in yields.models:
            rows |= row(f"{name}chi2_{model}", chi2_of(yields, model), region=region)
    return rows


def _other_variables(findings: Findings) -> Rows:
    """Return how much worse than the truth a model closes: the truth itself has fluctuations, common to both."""
    nominal = findings.closure.nominal
    rows: Rows = {}

    def above_truth(yields: RegionYields) -> float:
        return chi2_of(yields, nominal) - chi2_of(yields, TRUTH)

    if findings.closure.samples["test"].has_truth:
        for variable in VARIABLES:
            for region in REGIONS if variable != "delta_r" else ():
                excess = above_truth(findings.yields(region, variable))
                pattern = "closure.{variable}.{region}.chi2_above_truth"
                rows |= row(pattern, excess, variable=variable, region=region)
        rows |= row("closure.n_tags.chi2_above_truth", above_truth(findings.closure.samples["test"].n_tags))
    yields = findings.yields("2tag", "n_jets")
    if _CLOSEST in yields.models:
        rows |= row("closure.n_jets.2tag.chi2_closest_jet", chi2_of(yields, _CLOSEST))
    return rows


def _transfer(findings: Findings) -> Rows:
    if "scalar" not in findings.figures:
        return {}
    nominal, point, scalar = findings.closure.nominal, findings.point, findings.figures["scalar"]
    rows: Rows = {}
    if nominal in scalar.mad:
        quotient = scalar.mad[nominal][:, point] / findings.test.mad[nominal][:, point]
        rows |= findings.by_flavour("transfer.deviation.{flavour}.over_test", quotient)
    for region in REGIONS:
        yields = findings.yields(region, "delta_r", "scalar")
        name = "transfer.delta_r.{region}."
        rows |= _chi2_rows(name, yields, nominal, region)
        if _MAP in yields.models:
            over_map = chi2_of(yields, nominal) / chi2_of(yields, _MAP)
            rows |= row(name + "chi2_over_map", over_map, region=region)
    return rows


def _spread(findings: Findings) -> Rows:
    spread = findings.closure.spread
    if spread is None:
        return {}
    significance = ratio(spread.pull_mean, spread.pull_mean_error)
    return {
        **findings.by_flavour("spread.rms_ratio.{flavour}", spread.rms_ratio),
        **findings.by_flavour("spread.pull_mean.{flavour}", spread.pull_mean),
        **findings.by_flavour("spread.pull_mean_significance.{flavour}", significance),
        **findings.by_flavour("spread.pull_width.{flavour}", spread.pull_width),
        **findings.by_flavour("spread.uncovered.{flavour}", 100.0 * spread.uncovered),
    }


def _gain(findings: Findings) -> Rows:
    rows: Rows = {}
    for region in REGIONS:
        total = findings.yields(region, TOTAL)
        if TRUTH in total.models:
            rows |= row("gain.truth.{region}", total.models[TRUTH].gain[0, 0], region=region)
    total = findings.yields("2tag", TOTAL)
    categories = ["all" if name == INCLUSIVE else name for name in total.categories]
    yields = total.models[findings.closure.nominal]
    rows |= rows_by("category", categories, "gain.sum_w2_alone.{category}", yields.gain[:, 0])
    if yields.total_gain is not None:
        rows |= rows_by("category", categories, "gain.with_v_eff.{category}", yields.total_gain[:, 0])
    return rows


def _correlation(findings: Findings) -> Rows:
    rows: Rows = {}
    for model, result in findings.closure.correlation.items():
        if model == "injected":
            rows |= rows_by("pair", result.pairs, "correlation.injected.{pair}", result.significance)
            continue
        rows |= row("correlation.significance.{model}", largest_significance(result), model=model)
    return rows


def chi2_of(yields: RegionYields, model: str) -> float:
    """Return chi2/ndf of a model's yields, NaN without bins."""
    chi2, ndf = yields.chi2(model)
    return chi2 / ndf if ndf else float("nan")
