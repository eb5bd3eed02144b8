"""All files that analyses download, from the results of the measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.exports import Exports
from deepsf.config.flavours import Flavour
from deepsf.corrections.nodes import Tree
from deepsf.exports.btv_csv import write_csv
from deepsf.exports.corrections import Label, write_corrections
from deepsf.exports.deepsf_table import deepsf_correction, ensemble_table, interpolation_error
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.maps_of_skims import maps_of_skims
from deepsf.exports.normalisation_maps import gaps, map_correction
from deepsf.exports.shape_correction import safe_correction, shape_correction
from deepsf.exports.shapes import shapes_of
from deepsf.exports.statistics import statistics_note
from deepsf.networks.scale_factor import EnsembleScaleFactor
from deepsf.probes.inclusive import InclusiveJets

_SELECTION = "the dilepton preselection of the measurement"


@dataclass(frozen=True)
class ExportedResults:
    """What is exported.

    Attributes
    ----------
    abseta_max
        Up to which jets were selected; tables reach at least there.
    inclusive
        Jets that errors are weighted with, and at which the table of the ensemble is compared to it.
    ensemble
        Needed for the form ``deepsf``.
    """

    binned: BinnedScaleFactor
    flavours: Mapping[str, Flavour]
    inclusive: InclusiveJets
    abseta_max: float = 2.5
    ensemble: EnsembleScaleFactor | None = None


def write_exports(
    places: Mapping[str, Path], results: ExportedResults, label: Label, settings: Exports, jet_tables: Iterable[Path]
) -> list[str]:
    """Write the files of all forms and return notes about them, as lines.

    Parameters
    ----------
    places
        Where to write each form of ``settings.forms`` and the ``maps``.
    label
        Of the shape correction; ``label.name`` is its name.
    jet_tables
        Tables of all jets of the skim, for the normalisation maps.
    """
    shapes = shapes_of(results.binned, results.flavours, results.abseta_max, settings.statistics)
    note = statistics_note(results.binned, results.flavours, settings.statistics, results.inclusive)
    notes = [note] if note else []
    label = replace(label, text=" ".join(part for part in (label.text, note) if part))
    strict = shape_correction(shapes, label)
    corrections = {label.name: strict}
    if "strict" in places:
        write_corrections(places["strict"], [strict], label.head())
    if "safe" in places:
        safe = safe_correction(strict, replace(label, name=f"{label.name}_safe"))
        write_corrections(places["safe"], [safe], label.head())
    if "csv" in places:
        write_csv(places["csv"], shapes, label.tagger)
    if "deepsf" in places:
        deepsf, note = _deepsf(results, label, settings)
        write_corrections(places["deepsf"], [deepsf], label.head())
        corrections[deepsf["name"]] = deepsf
        notes.append(note)
    trees, edges = [], (settings.normalisation.n_jets, settings.normalisation.ht_gev)
    for name, tree in corrections.items():
        maps = maps_of_skims(jet_tables, ShapeCorrection.of_tree(tree), edges)
        trees.append(map_correction(maps, replace(label, name=f"{name}_normalisation"), _SELECTION))
        if empty := gaps(maps):
            notes.append(f"{name}: bins of the normalisation maps without simulation: {', '.join(empty)}")
    write_corrections(places["maps"], trees, label.head(), compress=False)
    return notes


def _deepsf(results: ExportedResults, label: Label, settings: Exports) -> tuple[Tree, str]:
    """Return the table of the ensemble with its interpolation error in its description, and the latter as a line."""
    ensemble, inclusive, flavours = results.ensemble, results.inclusive, results.flavours
    assert ensemble is not None
    size, name = settings.deepsf, f"{label.tagger}_deepsf"
    label = replace(label, name=name)
    extra = {key: float(np.median(values)) for key, values in inclusive.jets.extra.items()}
    measured = [flavour for flavour in flavours if flavour in ensemble.members[0].networks]
    tables = {f: ensemble_table(ensemble, f, size, abseta_max=results.abseta_max, extra=extra) for f in measured}
    by_code = {code: tables.get(f) for f, flavour in flavours.items() for code in flavour.hadron_flavours}
    draft = ShapeCorrection.of_tree(deepsf_correction(by_code, label, "")).correction
    errors = []
    for flavour in measured:
        code, number = flavours[flavour].hadron_flavours[0], list(flavours).index(flavour)
        error = interpolation_error(ensemble, draft, flavour, code, inclusive.of(number), size.n_jets)
        errors.append(
            f"{flavour} {error.rms:.2g} (99 % of jets: {error.of_99_percent:.2g}; largest: {error.largest:.2g})"
        )
    note = f"Root mean square of table minus ensemble over inclusive jets: {', '.join(errors)}."
    if extra:
        note += f" Further inputs at their medians: {', '.join(f'{key} {v:.4g}' for key, v in extra.items())}."
    return deepsf_correction(by_code, label, note), note
