"""The audit's rows, feature by feature; `deepsf.efficiency.audit.rows` has their limits.

Rows that need the truth, another sample or members are there only if those are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from deepsf.efficiency.audit.closure import REGIONS, TOTAL, TRUTH, RegionYields
from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.efficiency.audit.rows import Row, Rows, rows_by_flavour
from deepsf.efficiency.audit.sample_figures import SampleFigures
from deepsf.efficiency.events.bin_sums import ratio
from deepsf.efficiency.events.events import Floats
from deepsf.efficiency.events.observables import VARIABLES

_NUMBER = {"map": "3", "closest_jet": "4", "pairwise": "6", "gnn_2004_02665": "6b"}
"""Of the features that are models other than the ensemble's."""
_MAP, _CLOSEST = "map", "closest_jet"


class Findings(NamedTuple):
    """What rows are made of; ``figures`` by sample, ``test`` among them, ``point`` the index of the working point."""

    figures: Mapping[str, SampleFigures]
    closure: EfficiencyClosure
    working_points: tuple[str, ...]
    point: int
    low_pt_gev: float

    @property
    def test(self) -> SampleFigures:
        """Return the figures of the test sample."""
        return self.figures["test"]

    def yields(self, region: str, variable: str, sample: str = "test") -> RegionYields:
        """Return yields of a sample."""
        return self.closure.samples[sample].regions[region][variable]

    def by_flavour(self, key: str, values: Floats, text: str, factor: float = 1.0) -> Rows:
        """Return a row for each flavour."""
        return rows_by_flavour(key, self.closure.flavours, factor * values, text)


def sample_rows(found: Findings) -> Rows:
    """Return all rows that follow from the samples."""
    parts: tuple[Callable[[Findings], Rows], ...] = (
        _toy,
        _deviations,
        _must_fail,
        _gap_closed,
        _calibration,
        _delta_r,
        _other_variables,
        _transfer,
        _spread,
        _gain,
        _correlation,
    )
    rows: Rows = {}
    for part in parts:
        rows |= part(found)
    return rows


def coverage_rows(coverage: Mapping[str, Mapping[str, float]]) -> Rows:
    """Return the rows of what `deepsf.efficiency.audit.coverage.coverage` returns."""
    text = "actual over quoted error of truth-tagged yields with maps, 2tag"
    return {
        f"13.{key}{category}": Row(figures[column], f"{text}, {what}, {category}")
        for category, figures in coverage.items()
        for key, column, what in (
            ("", "with_v_eff", "sum w^2 + V_eff"),
            ("sum_w2_alone.", "without_v_eff", "sum w^2 alone"),
        )
    }


def _toy(found: Findings) -> Rows:
    test = found.test
    if test.mean_truth is None or test.tag_rate_pull is None:
        return {}
    return {
        **found.by_flavour("1", test.mean_truth, "mean true efficiency"),
        **found.by_flavour("1.tag_rate_pull", test.tag_rate_pull, "tags less their expectation over its error"),
    }


def _deviations(found: Findings) -> Rows:
    """Return the deviation of every model from the truth, and the ensemble's over that of the closest jet alone."""
    nominal, mad = found.closure.nominal, found.test.mad
    rows: Rows = {}
    for model, values in mad.items():
        if model == nominal or model in _NUMBER:
            key = "5" if model == nominal else _NUMBER[model]
            text = f"mean |predicted - true| / mean true of {model} [%]"
            rows |= found.by_flavour(key, values[:, found.point], text, 100.0)
    if nominal in mad and _CLOSEST in mad and nominal != _CLOSEST:
        first = found.closure.flavours[0]
        quotient = float(mad[nominal][0, found.point] / mad[_CLOSEST][0, found.point])
        rows[f"5.{first}_over_closest_jet"] = Row(quotient, f"that of {nominal} over that of {_CLOSEST}, {first}")
    if nominal in mad and len(found.working_points) > 1:
        for k, name in enumerate(found.working_points):
            text = f"mean |predicted - true| / mean true of {nominal} at working point {name} [%]"
            at_point = found.by_flavour("17", mad[nominal][:, k], text, 100.0)
            rows |= {f"{key}.{name}": row for key, row in at_point.items()}
    return rows


def _must_fail(found: Findings) -> Rows:
    rows: Rows = {}
    for region in REGIONS:
        yields = found.yields(region, "delta_r")
        if _MAP in yields.models:
            text = f"chi2/ndf of the map in DeltaR of the two leading jets, {region}"
            rows[f"3.chi2_{region}"] = Row(_reduced(yields, _MAP), text)
    yields = found.yields("2tag", "n_jets")
    if _CLOSEST in yields.models:
        rows["4.n_jets_chi2_2tag"] = Row(
            _reduced(yields, _CLOSEST), f"chi2/ndf of {_CLOSEST} in the number of jets, 2tag"
        )
    return rows


def _gap_closed(found: Findings) -> Rows:
    divergence = found.test.divergence
    if _MAP not in divergence:
        return {}
    return {
        f"7.{model}": Row(
            1.0 - value / divergence[_MAP], f"share of the cross-entropy between map and truth that {model} gains"
        )
        for model, value in divergence.items()
        if model != _MAP
    }


def _calibration(found: Findings) -> Rows:
    nominal = found.closure.nominal
    reference = "tags" if found.test.mean_truth is None else "true"
    text = f"predicted over {reference} - 1 [%]"
    rows = found.by_flavour("8", found.test.calibration[nominal], text, 100.0)
    curve = found.closure.reliability[nominal]
    reduced = curve.chi2 / np.maximum(curve.ndf, 1)
    rows |= found.by_flavour("8.reliability_chi2", reduced, "chi2/ndf of the reliability curve")
    low_pt = f"predicted over {reference} - 1 of jets below {found.low_pt_gev:g} GeV [%]"
    rows |= found.by_flavour("10.low_pt", found.test.low_pt[nominal], low_pt, 100.0)
    if "train" in found.figures:
        values = found.figures["train"].tag_calibration[nominal]
        rows |= found.by_flavour("8.cross_fit", values, "cross-fitted over tags of the training sample - 1 [%]", 100.0)
    return rows


def _delta_r(found: Findings) -> Rows:
    nominal = found.closure.nominal
    rows: Rows = {}
    for region in REGIONS:
        yields = found.yields(region, "delta_r")
        text = f"in DeltaR of the two leading jets, {region}"
        rows[f"9.chi2_{region}"] = Row(_reduced(yields, nominal), f"chi2/ndf of {nominal} {text}")
        if TRUTH not in yields.models:
            continue
        rows[f"9.oracle_chi2_{region}"] = Row(_reduced(yields, TRUTH), f"chi2/ndf of the true efficiencies {text}")
        deviation = 100.0 * np.abs(yields.ratio(nominal) - 1.0)
        rows[f"9.ratio_first_bin_{region}"] = Row(
            float(deviation[0]), f"|predicted/true - 1| of the first bin {text} [%]"
        )
        rows[f"9.ratio_{region}"] = Row(
            float(np.max(deviation[1:], initial=0.0)), f"largest |predicted/true - 1| of the other bins {text} [%]"
        )
    return rows


def _other_variables(found: Findings) -> Rows:
    """Return how much worse than the truth a model closes: the truth itself has fluctuations, common to both."""
    nominal = found.closure.nominal
    spectra = {
        f"{variable}_{region}": found.yields(region, variable)
        for variable in VARIABLES
        for region in REGIONS
        if variable != "delta_r"
    }
    spectra["n_tags"] = found.closure.samples["test"].n_tags
    return {
        f"10.{name}": Row(
            _reduced(yields, nominal) - _reduced(yields, TRUTH), f"chi2/ndf of {nominal} less that of the truth, {name}"
        )
        for name, yields in spectra.items()
        if TRUTH in yields.models
    }


def _transfer(found: Findings) -> Rows:
    if "scalar" not in found.figures:
        return {}
    nominal, scalar = found.closure.nominal, found.figures["scalar"]
    rows: Rows = {}
    if nominal in scalar.mad:
        quotient = scalar.mad[nominal][:, found.point] / found.test.mad[nominal][:, found.point]
        text = "mean |predicted - true| / mean true on the scalar's sample over that on the test sample"
        rows |= found.by_flavour("11.mad_ratio", quotient, text)
    for region in REGIONS:
        yields = found.yields(region, "delta_r", "scalar")
        text = f"chi2/ndf of {{}} in DeltaR of the two leading jets, scalar's sample, {region}"
        rows[f"11.chi2_{region}"] = Row(_reduced(yields, nominal), text.format(nominal))
        if TRUTH in yields.models:
            rows[f"11.oracle_chi2_{region}"] = Row(_reduced(yields, TRUTH), text.format("the true efficiencies"))
        if _MAP in yields.models:
            of_map = _reduced(yields, _MAP)
            rows[f"11.map_chi2_{region}"] = Row(of_map, text.format("the map"))
            rows[f"11.chi2_{region}_over_map"] = Row(
                _reduced(yields, nominal) / of_map, f"that of {nominal} over that of the map, {region}"
            )
    return rows


def _spread(found: Findings) -> Rows:
    spread = found.closure.spread
    if spread is None:
        return {}
    return {
        **found.by_flavour("12.rms_ratio", spread.rms_ratio, "rms(mean - true) / rms(spread over members)"),
        **found.by_flavour("12.pull_mean", spread.pull_mean, "mean over jets of (mean - true) / spread"),
        **found.by_flavour(
            "12.pull_mean_significance",
            ratio(spread.pull_mean, spread.pull_mean_error),
            "that mean over what the fluctuation of the training sample makes of it",
        ),
        **found.by_flavour(
            "12.pull_width", spread.pull_width, "standard deviation over jets of (mean - true) / spread"
        ),
        **found.by_flavour(
            "12.uncovered", spread.uncovered, "rms deviation that the spread does not cover, over mean true [%]", 100.0
        ),
    }


def _gain(found: Findings) -> Rows:
    rows: Rows = {}
    nominal = found.closure.nominal
    for region in REGIONS:
        total = found.yields(region, TOTAL)
        text = "effective events over those of direct tagging"
        if TRUTH in total.models:
            gain = float(total.models[TRUTH].gain[0, 0])
            rows[f"14.oracle_{region}"] = Row(gain, f"{text}, true efficiencies, {region}")
        if region != "2tag":
            continue
        with_v_eff = total.models[nominal].total_gain
        for row, category in enumerate(total.categories):
            alone = float(total.models[nominal].gain[row, 0])
            rows[f"14.sum_w2_alone.{category}"] = Row(alone, f"{text} with sum w^2 alone, {region}, {category}")
            if with_v_eff is not None:
                gain = float(with_v_eff[row, 0])
                rows[f"14.with_v_eff.{category}"] = Row(gain, f"{text} with sum w^2 + V_eff, {region}, {category}")
    return rows


def _correlation(found: Findings) -> Rows:
    rows: Rows = {}
    for model, result in found.closure.correlation.items():
        significance = result.significance
        if model == "injected":
            text = "residual correlation over error on tags drawn with a correlation of 0.2"
            rows |= {
                f"21.detected.{pair}": Row(float(value), f"{text}, {pair}")
                for pair, value in zip(result.pairs, significance, strict=True)
            }
            continue
        key = "21.largest_significance" if model == found.closure.nominal else f"21.largest_significance.{model}"
        usable = np.abs(significance[np.isfinite(significance)])
        rows[key] = Row(
            float(usable.max()) if len(usable) else None, f"largest |residual correlation| over error, {model}"
        )
    return rows


def _reduced(yields: RegionYields, model: str) -> float:
    chi2, ndf = yields.chi2(model)
    return chi2 / ndf if ndf else float("nan")
