"""Numbers of one sample behind the audit's rows and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from deepsf.arrays import Bools, Floats, Ints
from deepsf.efficiency.audit.closure import RegionYields
from deepsf.efficiency.audit.jet_closure import Values, calibration, divergence, relative_mad
from deepsf.efficiency.audit.results import SampleClosure
from deepsf.efficiency.events.bin_sums import ratio, sums
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.truth_tagging.probabilities import exactly

if TYPE_CHECKING:
    from deepsf.efficiency.evaluation import ModelEfficiencies


class SampleFigures(NamedTuple):
    """What does not depend on bins; by model where it says so, arrays ``(n_flavours,)`` or ``(n_flavours, K)``.

    Attributes
    ----------
    n_jets, n_tags
        Jets by flavour, and how many of them pass each working point.
    mean_truth, tag_rate_pull
        Mean true efficiency, and tagged jets less their expectation over its error; None without truth.
    mad
        By model, mean |predicted - true| / mean true, (n_flavours, K); empty without truth.
    divergence
        By model, mean Kullback-Leibler divergence from the truth over all jets; empty without truth.
    calibration
        By model, predicted over true less one, or over tags without truth.
    tag_calibration
        By model, predicted over tags less one.
    low_pt
        By model, as ``calibration`` for jets of low pT.
    """

    n_jets: Ints
    n_tags: Ints
    mean_truth: Floats | None
    tag_rate_pull: Floats | None
    mad: dict[str, Floats]
    divergence: dict[str, float]
    calibration: dict[str, Floats]
    tag_calibration: dict[str, Floats]
    low_pt: dict[str, Floats]


def sample_figures(
    events: JetEvents,
    truth: Floats | None,
    models: Mapping[str, ModelEfficiencies],
    point: int,
    low_pt_gev: float,
) -> SampleFigures:
    """Return the figures of a sample; ``point`` is the index of the working point of all that has no axis for it."""
    flavour, n_flavours = events.flavour, len(events.flavours)
    index = flavour.astype(np.int64)
    generator = np.repeat(events.weight.astype(np.float64), events.n_jets)
    tag = (events.tag_bin > point).astype(np.float64)
    reference = tag if truth is None else truth[:, point]
    n_jets = np.bincount(index, minlength=n_flavours)
    n_points = len(events.working_points)

    def mad(values: Values, true: Floats) -> Floats:
        return np.stack([relative_mad(values[:, k], true[:, k], flavour, n_flavours) for k in range(n_points)], axis=1)

    def calibrated(reference: Floats, chosen: Bools | slice = slice(None)) -> dict[str, Floats]:
        jets = reference[chosen], generator[chosen], flavour[chosen]
        return {name: calibration(model.mean[chosen, point], *jets, n_flavours) for name, model in models.items()}

    return SampleFigures(
        n_jets=n_jets,
        n_tags=np.stack([np.bincount(index[events.tag_bin > k], minlength=n_flavours) for k in range(n_points)], 1),
        mean_truth=None if truth is None else ratio(sums(index, reference, n_flavours), n_jets),
        tag_rate_pull=None
        if truth is None
        else ratio(
            sums(index, generator * (tag - reference), n_flavours),
            np.sqrt(sums(index, generator**2 * reference * (1 - reference), n_flavours)),
        ),
        mad={} if truth is None else {name: mad(model.mean, truth) for name, model in models.items()},
        divergence={}
        if truth is None
        else {name: float(divergence(model.mean, truth).mean()) for name, model in models.items()},
        calibration=calibrated(reference),
        tag_calibration=calibrated(tag),
        low_pt=calibrated(reference, events.pt_gev < low_pt_gev),
    )


def gaps_closed(divergence: Mapping[str, float]) -> dict[str, float]:
    """Return by model the share of the gap in cross-entropy between map and truth that it closes; empty without map."""
    if "map" not in divergence:
        return {}
    return {model: 1.0 - value / divergence["map"] for model, value in divergence.items() if model != "map"}


def sum_of_probabilities(events: JetEvents, efficiency: Values, point: int) -> float:
    """Return the largest |sum over N of P(=N) - 1| of an event."""
    values = efficiency[:, point].astype(np.float64)
    most = int(events.n_jets.max(initial=0))
    total = sum(exactly(values, events.offsets, number) for number in range(most + 1))
    return float(np.max(np.abs(total - 1.0), initial=0.0))


def tables(
    figures: Mapping[str, SampleFigures], closures: Mapping[str, SampleClosure], flavours: tuple[str, ...]
) -> dict[str, Any]:
    """Return everything by sample in words: jets, deviations from the truth, chi2 of all closures, gains."""

    def by_flavour(values: Floats | Ints) -> dict[str, Any]:
        return dict(zip(flavours, values, strict=True))

    by_sample: dict[str, Any] = {}
    for name, sample in figures.items():
        closure = closures[name]
        spectra = {**{r: dict(v) for r, v in closure.regions.items()}, "n_tags": {"n_tags": closure.n_tags}}
        by_sample[name] = {
            "events": closure.n_events,
            "share": closure.share,
            "jets": by_flavour(sample.n_jets),
            "tags": by_flavour(sample.n_tags),
            "mad": {model: by_flavour(values) for model, values in sample.mad.items()},
            "divergence": sample.divergence,
            "calibration": {model: by_flavour(values) for model, values in sample.calibration.items()},
            "tag_calibration": {model: by_flavour(values) for model, values in sample.tag_calibration.items()},
            "low_pt": {model: by_flavour(values) for model, values in sample.low_pt.items()},
            "closure_chi2": {
                region: {variable: _chi2_table(yields) for variable, yields in variables.items()}
                for region, variables in spectra.items()
            },
            "gain": {region: _gain_table(variables["total"]) for region, variables in closure.regions.items()},
        }
    return by_sample


def _chi2_table(yields: RegionYields) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for model in yields.models:
        chi2 = {category: yields.chi2(model, category) for category in yields.categories}
        table[model] = {category: {"chi2": value, "ndf": ndf} for category, (value, ndf) in chi2.items()}
    return table


def _gain_table(total: RegionYields) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for model, yields in total.models.items():
        with_v_eff = yields.total_gain
        table[model] = {
            category: {
                "sum_w2_alone": yields.gain[row, 0],
                "with_v_eff": None if with_v_eff is None else with_v_eff[row, 0],
            }
            for row, category in enumerate(total.categories)
        }
    return table
