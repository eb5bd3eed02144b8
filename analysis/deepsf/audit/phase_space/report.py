"""The closure of a campaign in all phase spaces, as the two texts that its task writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from deepsf.audit.ensemble_mean import ensemble_mean, interpolation_rms
from deepsf.audit.methods import DEEPSF, TRUTH, Method, Results
from deepsf.audit.phase_space.histograms import phase_spaces
from deepsf.audit.phase_space.jets import JetFile
from deepsf.config.validation import Validation
from deepsf.probes.tables import SkimTables


class PhaseSpaceResult(NamedTuple):
    """Rates, yields and tests; and histograms, as `histograms_from_json` of the module `histograms` reads them."""

    report: str
    histograms: str


def audit_phase_spaces(
    tables: SkimTables,
    results: Results,
    settings: Validation,
    *,
    abseta_max: float,
    truth: Method | None = None,
    head: Mapping[str, Any] | None = None,
) -> PhaseSpaceResult:
    """Compare data and simulation with every method in all phase spaces.

    Parameters
    ----------
    abseta_max
        Of the jets' selection.
    truth
        What generated data were made with, the yardstick of all tests: where it fails, no scale factor can pass.
    head
        Written as it is: ``commit``, ``cpu``, ``cores``, ``config``.
    """
    ensembles = {**results.other, DEEPSF: results.deepsf}
    means = {name: ensemble_mean(ensemble, abseta_max=abseta_max) for name, ensemble in ensembles.items()}
    methods = {**results.methods(), **means} | ({} if truth is None else {TRUTH: truth})
    spaces = phase_spaces(tables, methods, results.binned, settings)
    simulated = next(file for path in tables.paths if not (file := JetFile(path, tables)).is_data)
    jets, flavours = simulated.events().jets, tuple(tables.flavours)
    report = {
        **(head or {}),
        **spaces.report(),
        **{
            f"{name}_interpolation_rms": interpolation_rms(means[name], ensemble, jets, flavours)
            for name, ensemble in ensembles.items()
        },
    }
    text = json.dumps(report, sort_keys=True, indent=1, allow_nan=False)
    return PhaseSpaceResult(text, spaces.histograms_to_json())
