"""All files that analyses download, from the results of the measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config.exports import Exports
from deepsf.config.flavours import Flavour
from deepsf.corrections.correction import Correction
from deepsf.corrections.nodes import Tree
from deepsf.errors.components import Components, named_shifts, statistical_components
from deepsf.errors.method_errors import MethodErrors
from deepsf.exports.btv_csv import write_csv
from deepsf.exports.corrections import Label, write_corrections
from deepsf.exports.distance import Distance, distances, some_jets
from deepsf.exports.ensemble_table import ensemble_correction, ensemble_table
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.maps_of_skims import maps_of_skims
from deepsf.exports.network_correction import NEEDS
from deepsf.exports.network_file import student_correction
from deepsf.exports.normalisation_maps import gaps, map_correction
from deepsf.exports.onnx_file import ensemble_onnx
from deepsf.exports.shape_correction import safe_correction, shape_correction
from deepsf.exports.shapes import shapes_of
from deepsf.exports.statistics import statistics_note
from deepsf.probes.inclusive import InclusiveJets

_CONTENTS = {
    "deepsf": "DeepSF b-tag shape scale factors, the mean over an ensemble of trainings.",
    "direct": "b-tag shape scale factors of one density-ratio fit, the mean over its trainings.",
}
_SELECTION = "the dilepton preselection of the measurement"


@dataclass(frozen=True)
class ExportedResults:
    """What is exported.

    Attributes
    ----------
    abseta_max
        Up to which jets were selected; tables reach at least there.
    inclusive
        Jets that errors are weighted with, and at which tables of ensembles are compared to these.
    networks
        Ensembles with their errors, by method.
    """

    binned: BinnedScaleFactor
    flavours: Mapping[str, Flavour]
    inclusive: InclusiveJets
    abseta_max: float = 2.5
    networks: Mapping[str, MethodErrors] = field(default_factory=dict)


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
    text = label.text
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
    for method, errors in results.networks.items():
        named = replace(label, name=f"{label.tagger}_{method}", text=text)
        if method in places:
            tree, note = _of_networks(method, errors, results, named, settings, strict)
            write_corrections(places[method], [tree], label.head())
            corrections[tree["name"]] = tree
            notes.append(f"{tree['name']}: {note}")
        if method == "deepsf":
            notes += _write_networks(places, errors, results, named, settings)
    trees, edges = [], (settings.normalisation.n_jets, settings.normalisation.ht_gev)
    for name, tree in corrections.items():
        maps = maps_of_skims(jet_tables, ShapeCorrection.of_tree(tree), edges)
        trees.append(map_correction(maps, replace(label, name=f"{name}_normalisation"), _SELECTION))
        if empty := gaps(maps):
            notes.append(f"{name}: bins of the normalisation maps without simulation: {', '.join(empty)}")
    write_corrections(places["maps"], trees, label.head(), compress=False)
    return notes


def _write_networks(
    places: Mapping[str, Path], errors: MethodErrors, results: ExportedResults, label: Label, settings: Exports
) -> list[str]:
    """Write the files with networks themselves, as far as they are asked for; return notes about them, as lines."""
    notes = []
    if "networks" in places:
        named = replace(label, name=f"{label.name}_networks")
        tree, note = student_correction(
            errors, results.inclusive, results.flavours, named, settings.student, abseta_max=results.abseta_max
        )
        write_corrections(places["networks"], [tree], f"{label.head()} {NEEDS}".lstrip())
        notes.append(f"{named.name}: {note}")
    if "onnx" in places:
        description = " ".join(f"{label.head()} {label.text} {_CONTENTS['deepsf']}".split())
        places["onnx"].write_bytes(ensemble_onnx(errors, description))
    return notes


def _of_networks(
    form: str, errors: MethodErrors, results: ExportedResults, label: Label, settings: Exports, strict: Tree
) -> tuple[Tree, str]:
    """Return the table of an ensemble with its errors, and what is said of both in its description, as a line."""
    ensemble, inclusive, flavours = errors.ensemble, results.inclusive, results.flavours
    extra = next(iter(ensemble.members[0].scalings.values())).further_medians(inclusive.jets)
    measured = [flavour for flavour in flavours if flavour in ensemble.members[0].networks]
    samples = {flavour: inclusive.of(list(flavours).index(flavour)) for flavour in measured}
    components = statistical_components(errors, samples)
    tables = {
        flavour: ensemble_table(
            ensemble,
            flavour,
            settings.deepsf,
            partial(named_shifts, errors, flavour, components=components),
            abseta_max=results.abseta_max,
            extra=extra,
        )
        for flavour in measured
    }
    by_code = {code: tables.get(f) for f, flavour in flavours.items() for code in flavour.hadron_flavours}
    # a file of all shifts takes long to read
    central = {code: None if table is None else table.central for code, table in by_code.items()}
    draft = Correction.of_tree(ensemble_correction(central, strict, label, ""))
    found = []
    for flavour in measured:
        code = flavours[flavour].hadron_flavours[0]
        jets = some_jets(samples[flavour], settings.deepsf.n_jets)
        found.append(f"{flavour} {Distance.of(distances(ensemble, draft, flavour, code, jets))}")
    note = f"{_errors_note(components)} "
    if not errors.refits.shifted:
        note += "Systematic shifts of the networks were not measured: take those of the binned scale factors. "
    note += "Root mean square of table minus ensemble over inclusive jets: "
    note += f"{', '.join(found)}."
    if extra:
        at = ", ".join(f"{key} {value:.4g}" for key, value in extra.items())
        note += f" Further inputs at the medians of their valid values: {at}."
    return ensemble_correction(by_code, strict, label, f"{_CONTENTS[form]} {note}"), note


def _errors_note(components: Components) -> str:
    """Return which sources are the errors of the measurement itself, for descriptions."""
    n = len(components.coefficients)
    if not n:
        return "Errors: train, statrest (counting alone: there are no bootstraps), model, extrapolation."
    shares = ", ".join(f"{share:.2f} ({flavour})" for flavour, share in components.carried.items())
    return (
        f"Errors: train; stat1 to stat{n}, principal components of {components.coefficients.shape[1]} bootstraps, "
        f"carried {shares} of their variance over inclusive jets, and statrest, the rest of it and of the counting "
        "error; model; extrapolation."
    )
