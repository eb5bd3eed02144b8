"""The audit's rows on every working point: each must close, not only the one that counts as a tag."""

from __future__ import annotations

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.audit.closure import REGIONS, TRUTH, RegionYields
from deepsf.efficiency.audit.correlation import TagCorrelation
from deepsf.efficiency.audit.jet_closure import Profile
from deepsf.efficiency.audit.results import EfficiencyClosure, PointClosure
from deepsf.efficiency.audit.rows import Rows, row, rows_by
from deepsf.efficiency.events.bin_sums import ratio


def point_rows(closure: EfficiencyClosure, working_points: tuple[str, ...]) -> Rows:
    """Return the rows of every working point of the test sample; none if there is but one.

    Parameters
    ----------
    working_points
        All, from the loosest to the tightest.
    """
    if len(working_points) < 2:
        return {}
    test, nominal = closure.samples["test"], closure.nominal
    of_tags = PointClosure(test, closure.reliability, closure.correlation[nominal])
    rows: Rows = {}
    for name in working_points:
        found = closure.other_points.get(name, of_tags)
        rows |= _of_jets(closure, found, name)
        for region in REGIONS:
            chi2 = _reduced(found.sample.regions[region]["delta_r"], nominal)
            pattern = "working_points.delta_r.{region}.{working_point}.chi2"
            rows |= row(pattern, chi2, region=region, working_point=name)
        chi2 = _reduced(found.sample.n_tags, nominal)
        rows |= row("working_points.n_tags.{working_point}.chi2", chi2, working_point=name)
        largest = largest_significance(found.correlation)
        rows |= row("working_points.correlation.{working_point}", largest, working_point=name)
    return rows


def _of_jets(closure: EfficiencyClosure, found: PointClosure, name: str) -> Rows:
    calibration = 100.0 * mean_calibration(found.sample.profiles["pt_gev"], closure.nominal)
    curve = found.reliability[closure.nominal]
    rows: Rows = {}
    for pattern, values in (
        ("working_points.calibration.{flavour}.{working_point}", calibration),
        ("working_points.reliability.{flavour}.{working_point}.chi2", ratio(curve.chi2, curve.ndf)),
    ):
        rows |= rows_by("flavour", closure.flavours, pattern, values, working_point=name)
    return rows


def mean_calibration(profile: Profile, model: str) -> Floats:
    """Return mean predicted over mean true efficiency, or over the tagged share without truth, less one.

    The profile's outer bins are open, so that all jets are in it; NaN for flavours without jets.
    """
    predicted, reference = profile.models[model], profile.models.get(TRUTH, profile.tag_rate)
    of_model, of_reference = (np.nansum(profile.weight * values, axis=1) for values in (predicted, reference))
    return ratio(of_model, of_reference) - 1.0


def largest_significance(found: TagCorrelation) -> float | None:
    """Return the largest |correlation| / error over flavour pairs; None if no pair has jets."""
    usable = np.abs(found.significance[np.isfinite(found.significance)])
    return float(usable.max()) if len(usable) else None


def _reduced(yields: RegionYields, model: str) -> float:
    chi2, ndf = yields.chi2(model)
    return chi2 / ndf if ndf else float("nan")
