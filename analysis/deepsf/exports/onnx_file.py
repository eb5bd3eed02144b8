"""An ensemble with all its errors as one ONNX file, for any number of jets.

All networks are in it as they are: members, bootstraps and systematic shifts. 25 members of 10 x 128 units are 30 MB,
which a user loads once; a smaller file could only repeat what the student of `<tagger>_deepsf_networks.json.gz` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from deepsf import __version__
from deepsf.arrays import Floats
from deepsf.config.shifts import TAG_CUT
from deepsf.errors.method_errors import NAMES, MethodErrors
from deepsf.exports.systematics import systematic_of
from deepsf.networks.onnx_graph import Graph, Value
from deepsf.networks.onnx_member import JetColumns
from deepsf.networks.scale_factor import MemberScaleFactor
from deepsf.probes.score_limits import ScoreLimits

_DOCUMENTATION = (
    "Scale factors of jets. Inputs (n_jets,): pt_gev, abseta, discriminant (negative or NaN: no valid score), flavour "
    "(hadron flavour) and further inputs of the networks, if any. Outputs (n_jets,): mean, over the members of the "
    "ensemble; its errors train, stat, model, extrapolation, none negative; is_extrapolated, whether the score lies "
    "beyond the limits up to which data determine the scale factor; and the scale factor under each systematic shift. "
    "Unknown flavours, a pt_gev that is not above 0, a negative abseta and numbers that are not finite are errors."
)
_FLAG = "is_extrapolated"
_INPUTS = {"pt_gev": "pt", "abseta": "abseta", "discriminant": "discriminant"}


def ensemble_onnx(errors: MethodErrors, description: str = "") -> bytes:
    """Return the content of an ONNX file; equal ensembles give equal bytes.

    The file describes its inputs and outputs. Its metadata, each as JSON, are ``description``, ``flavours`` (codes by
    name), ``measured`` (flavours with a scale factor other than 1), ``shifts`` (outputs), ``n_members``,
    ``n_bootstraps`` and ``deepsf_version``. Values are those of `EnsembleScaleFactor.evaluate`, `is_extrapolated` and
    `MethodErrors.at` with networks in fp32.
    """
    graph, ensemble = Graph(), errors.ensemble
    codes = {flavour: list(of_flavour) for flavour, of_flavour in ensemble.hadron_flavours.items()}
    measured = list(ensemble.members[0].networks)
    scaling = ensemble.members[0].scalings[measured[0]]
    extra = [name for name in scaling.names if name not in _INPUTS.values()]
    columns = {name: graph.cast(given, "double") for given, name in _INPUTS.items()}
    columns |= {name: graph.cast(name, "double") for name in extra}
    for name, limit in {"discriminant": 0.0, **scaling.limits}.items():
        # NaN compares with nothing
        invalid = graph.op("Not", graph.op("GreaterOrEqual", columns[name], np.float64(limit)))
        columns[name] = graph.op("Where", invalid, np.float64(limit - 1.0), columns[name])
    number = _flavour_number(graph, columns, codes)
    found = []
    for flavour in measured:
        is_flavour = graph.op("Equal", number, list(codes).index(flavour))
        index = graph.op("Squeeze", graph.op("NonZero", is_flavour), [0])
        found.append((index, _OfFlavour.chosen(graph, columns, index, flavour, errors).outputs()))
    names = list(found[0][1])
    outputs = [_joined(graph, [(index, values[name]) for index, values in found], name) for name in names]
    inputs = [Value(name, "float", ("n_jets",)) for name in (*_INPUTS, *extra)]
    metadata = {
        "description": description,
        "flavours": codes,
        "measured": measured,
        "shifts": [name for name in names if name not in ("mean", *NAMES, _FLAG)],
        "n_members": len(ensemble.members),
        "n_bootstraps": len(errors.refits.bootstraps),
        "deepsf_version": __version__,
    }
    inputs.append(Value("flavour", "int64", ("n_jets",)))
    return graph.text("scale_factors", inputs, outputs, _DOCUMENTATION, metadata)


def _flavour_number(graph: Graph, columns: Mapping[str, str], codes: Mapping[str, list[int]]) -> str:
    """Return the place of each jet's flavour; of a jet that is refused, one beyond the table: an error."""
    op = graph.op
    table = [(code, number) for number, of_flavour in enumerate(codes.values()) for code in of_flavour]
    equal = graph.cast(op("Equal", op("Unsqueeze", "flavour", [1]), np.array([code for code, _ in table])), "float")
    after = graph.cast(op("MatMul", equal, np.arange(1, len(table) + 1, dtype=np.float32)), "int64")
    is_good = op("Greater", after, 0)
    for name, column in columns.items():
        if name == "discriminant":
            is_good = op("And", is_good, op("Less", column, np.float64(np.inf)))
            continue
        lowest = "Greater" if name == "pt" else "GreaterOrEqual"
        low = np.float64(0.0 if name in ("pt", "abseta") else np.finfo(np.float64).min)
        inside = op("And", op(lowest, column, low), op("Less", column, np.float64(np.inf)))
        is_good = op("And", is_good, inside)
    place = op("Where", is_good, op("Sub", after, 1), len(table))
    return op("Gather", np.array([number for _, number in table]), place)


class _OfFlavour(NamedTuple):
    """The jets of one flavour, m of all, and what their scale factors and errors are made of."""

    jets: JetColumns
    flavour: str
    errors: MethodErrors

    @classmethod
    def chosen(cls, graph: Graph, columns: Mapping[str, str], index: str, flavour: str, errors: MethodErrors) -> Self:
        jets = {name: graph.op("Gather", column, index) for name, column in columns.items()}
        return cls(JetColumns(graph, jets), flavour, errors)

    def outputs(self) -> dict[str, str]:
        """Return all outputs by name, (m,)."""
        op, members = self.jets.graph.op, self.errors.ensemble.members
        values = self._values(members)
        mean = op("ReduceMean", values, axes=[0], keepdims=0)
        cells, limits = self.errors.cells[self.flavour], members[0].limits.get(self.flavour)
        beyond = self.jets.is_beyond(ScoreLimits.none() if limits is None else limits)
        score_range = self._count("Less", cells.score, "discriminant")
        cell = op("Add", op("Mul", self._count("LessOrEqual", cells.pt_gev, "pt"), len(cells.score) + 1), score_range)
        parts = {
            "train": op("Div", self._spread(values, len(members)), np.float64(np.sqrt(len(members)))),
            "stat": self._statistical(mean, op("Gather", cells.rest, score_range)),
            "model": op("Gather", np.abs(cells.model).ravel(), cell),
            "extrapolation": op("Where", beyond, op("Mul", mean, np.float64(self.errors.extrapolation)), np.float64(0)),
        }
        return {"mean": mean, **{name: parts[name] for name in NAMES}, _FLAG: beyond, **self._shifted(mean)}

    def _values(self, members: Sequence[MemberScaleFactor]) -> str:
        """Return the scale factors of members, (n_members, m)."""
        op = self.jets.graph.op
        return op("Concat", *(op("Unsqueeze", self.jets.value(m, self.flavour), [0]) for m in members), axis=0)

    def _spread(self, values: str, n: int) -> str:
        """Return the standard deviation over the first axis, (m,); 0 for a single row."""
        op = self.jets.graph.op
        difference = op("Sub", values, op("ReduceMean", values, axes=[0], keepdims=0))
        squares = op("ReduceSum", op("Mul", difference, difference), [0], keepdims=0)
        return op("Sqrt", op("Div", squares, np.float64(max(n - 1, 1))))

    def _count(self, comparison: str, edges: Floats, name: str) -> str:
        """Return how many of the edges compare so with a column, int64, (m,)."""
        graph = self.jets.graph
        column = graph.op("Unsqueeze", self.jets.columns[name], [1])
        true = graph.op(comparison, np.append(edges, np.inf), column)
        return graph.op("ReduceSum", graph.cast(true, "int64"), [1], keepdims=0)

    def _statistical(self, mean: str, rest: str) -> str:
        op, bootstraps = self.jets.graph.op, self.errors.refits.bootstraps
        if len(bootstraps) < 2:
            return rest
        values = self._values(bootstraps)
        relative = op("Div", values, op("ReduceMean", values, axes=[0], keepdims=0))
        spread = op("Mul", mean, self._spread(relative, len(bootstraps)))
        return op("Sqrt", op("Add", op("Mul", spread, spread), op("Mul", rest, rest)))

    def _shifted(self, mean: str) -> dict[str, str]:
        """Return the scale factor under each shift, not below 0, by its name in files."""
        op, refits = self.jets.graph.op, self.errors.refits
        if refits.unshifted is None:
            return {}
        nominal = self.jets.value(refits.unshifted, self.flavour)
        factors = {name: op("Div", self.jets.value(m, self.flavour), nominal) for name, m in refits.shifted.items()}
        if (up := f"{TAG_CUT}_up") in factors:
            factors[f"{TAG_CUT}_down"] = op("Sub", np.float64(2), factors[up])  # the mirror image
        return {
            systematic_of(name): op("Max", op("Mul", mean, factor), np.float64(0)) for name, factor in factors.items()
        }


def _joined(graph: Graph, parts: Sequence[tuple[str, str]], name: str) -> Value:
    """Add an output for all jets from those of each flavour, given with their places; other jets have 1, 0 or false."""
    kind = "bool" if name == _FLAG else "float"
    other = 0 if name in (*NAMES, _FLAG) else 1
    joined = graph.cast(graph.op("Where", graph.op("IsNaN", "pt_gev"), np.float32(other), np.float32(other)), kind)
    for index, values in parts:
        joined = graph.op("ScatterElements", joined, index, graph.cast(values, kind), axis=0)
    graph.op("Identity", joined, name=name)
    return Value(name, kind, ("n_jets",))
