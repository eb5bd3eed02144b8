"""Normalisation maps r(n_jets, HT): event weights by shape scale factors times r leave the yields of a process alone.

Scale factors have mean 1 over the jets of a flavour, but an event weight is a product over several jets of an analysis'
own selection; so analyses multiply by ``r = sum of w / sum of w * (event weight)`` before any b-tag cut, by process and
shift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deepsf.arrays import Floats
from deepsf.corrections.nodes import Tree
from deepsf.exports.corrections import Label, category, multibinning, write_corrections
from deepsf.exports.event_weight import ShapeCorrection
from deepsf.exports.systematics import NOMINAL, shift_of, systematic_of
from deepsf.guards import is_positive

MapEdges = tuple[Sequence[float], Sequence[float]]
"""Edges of the bins in the number of jets and in HT [GeV]; the outer bins are open."""


@dataclass(frozen=True)
class NormalisationMap:
    """Sums of weights without and with scale factors, in bins of the number of jets and HT; ``+`` adds maps.

    Attributes
    ----------
    edges
        Edges in the number of jets and in HT [GeV].
    before, after
        Sums of weights without and with scale factors, shapes ``(n_jets bins, HT bins)``.
    """

    edges: MapEdges
    before: Floats
    after: Floats

    def __add__(self, other: NormalisationMap) -> NormalisationMap:
        if any(tuple(mine) != tuple(theirs) for mine, theirs in zip(self.edges, other.edges, strict=True)):
            raise ValueError(f"maps of different bins cannot be added: {self.edges} and {other.edges}")
        return NormalisationMap(self.edges, self.before + other.before, self.after + other.after)

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Bins whose sums are both positive."""
        usable: npt.NDArray[np.bool_] = is_positive(self.before) & is_positive(self.after)
        return usable

    @property
    def ratio(self) -> Floats:
        """The ratio r = before / after by bin; bins that are not usable have that of the whole process.

        Raises
        ------
        ValueError
            If not even the whole process has positive sums.
        """
        before, after = self.before.sum(), self.after.sum()
        if not is_positive((before, after)).all():
            raise ValueError(
                f"cannot normalise event weights: sums of weights {before:.3g} before and {after:.3g} after them"
            )
        whole = np.full(self.before.shape, before / after)
        return np.asarray(np.divide(self.before, self.after, out=whole, where=self.usable))


def normalisation_map(
    n_jets: npt.ArrayLike, ht: npt.ArrayLike, weight: npt.ArrayLike, event_weight: npt.ArrayLike, edges: MapEdges
) -> NormalisationMap:
    """Return the normalisation map of some events of a process, for one shift; add the maps of several files.

    Parameters
    ----------
    n_jets, ht, weight, event_weight
        Number of jets, scalar sum of their pT [GeV], weight without scale factors, and product of the jets' scale
        factors, shapes ``(n_events,)``. Events beyond the outer edges go into the outer bins.
    edges
        Edges in the number of jets and in HT [GeV].

    Raises
    ------
    ValueError
        If edges do not increase, or an event has a value that is not finite.
    """
    columns = dict(zip(("n_jets", "ht", "weight", "event_weight"), (n_jets, ht, weight, event_weight), strict=True))
    arrays = {name: np.asarray(values, np.float64) for name, values in columns.items()}
    for name, values in arrays.items():
        if bad := int(np.sum(~np.isfinite(values))):
            raise ValueError(f"{name} of {bad} of {len(values)} events is not finite; leave these events out")
    for of_axis in edges:
        if len(of_axis) < 2 or not all(low < high for low, high in pairwise(of_axis)):
            raise ValueError(f"edges of bins must be at least two and increase, got {list(of_axis)}")
    shape = (len(edges[0]) - 1, len(edges[1]) - 1)
    bins = (
        np.searchsorted(inner[1:-1], arrays[name], side="right")
        for inner, name in zip(edges, ("n_jets", "ht"), strict=True)
    )
    index, size = np.ravel_multi_index(tuple(bins), shape), int(np.prod(shape))
    products = arrays["weight"], arrays["weight"] * arrays["event_weight"]
    before, after = (np.bincount(index, w, size).astype(np.float64).reshape(shape) for w in products)
    return NormalisationMap(edges, before, after)


Maps = Mapping[str, Mapping[str, NormalisationMap]]
"""Maps by process and shift."""


def write_normalisation_maps(path: str | Path, maps: Maps, correction: ShapeCorrection, selection: str = "") -> None:
    """Write maps to a correctionlib file, as the correction ``<name of the scale factors>_normalisation``.

    Its inputs are the process, the systematic as in the file of the scale factors, the number of jets and HT [GeV].

    Parameters
    ----------
    maps
        By process, such as ``ttbar``, then by shift. The nominal shift is required.
    correction
        The scale factors that the event weights were made with.
    selection
        Selection of the events in words, for the description.

    Raises
    ------
    ValueError
        If a process has no nominal map, or no positive sum of weights.
    """
    named = {process: {shift_of(shift): of for shift, of in by_shift.items()} for process, by_shift in maps.items()}
    for process, by_shift in named.items():
        if NOMINAL not in by_shift:
            raise ValueError(f"maps of {process} have the shifts {list(by_shift)}; the nominal one is missing")
    name = f"{correction.correction.name}_normalisation"
    label = Label(name, correction.tagger, correction.branch, correction.era)
    write_corrections(Path(path), [map_correction(named, label, selection)], label.head(), compress=False)


def map_correction(maps: Maps, label: Label, selection: str) -> Tree:
    """Return the maps as a correction of (process, systematic, n_jets, ht); ``selection`` is that of the events."""
    axes = ("n_jets", "ht")
    content = {
        process: category(
            "systematic", {systematic_of(shift): multibinning(axes, r.edges, r.ratio) for shift, r in by_shift.items()}
        )
        for process, by_shift in maps.items()
    }
    parts = [
        label.head(),
        "Multiply events weighted with the shape scale factors by this, before any b-tag cut: sum of weights without "
        "over with scale factors, by process.",
        *([f"Made on events with {selection}."] if selection else []),
        "Clamped beyond the outer bins.",
    ]
    if wanting := gaps(maps):
        parts.append(f"Bins without simulation have the ratio of the whole process: {', '.join(wanting)}.")
    return {
        "name": label.name,
        "description": " ".join(parts).lstrip(),
        "version": 1,
        "inputs": [
            {"name": "process", "type": "string", "description": "sample name in the configuration"},
            {"name": "systematic", "type": "string", "description": "as of the scale factors"},
            {"name": "n_jets", "type": "int", "description": "number of selected jets"},
            {"name": "ht", "type": "real", "description": "scalar sum of the selected jets' pT [GeV]"},
        ],
        "output": {"name": "weight", "type": "real"},
        "data": category("process", content),
    }


def gaps(maps: Maps) -> list[str]:
    """Return by process, in words, how many bins have the ratio of the whole process for want of simulation."""
    nominal = {process: by_shift[NOMINAL] for process, by_shift in maps.items()}
    bad = {process: int((~r.usable).sum()) for process, r in nominal.items()}
    return [f"{bad[process]} of {r.usable.size} for {process}" for process, r in nominal.items() if bad[process]]
