"""An ensemble of efficiency networks as one ONNX file, for any number of events and of jets in them."""

from __future__ import annotations

import json

import numpy as np

from deepsf import __version__
from deepsf.arrays import Floats
from deepsf.config.efficiency.networks import NetworkName
from deepsf.efficiency.exports.map_correction import Codes
from deepsf.efficiency.networks.ensemble import EfficiencyEnsemble
from deepsf.efficiency.networks.network import network_class
from deepsf.efficiency.networks.onnx_inputs import INPUTS, JetInputs
from deepsf.efficiency.networks.onnx_layers import Weights
from deepsf.efficiency.non_closure.cells import NonClosures
from deepsf.networks.onnx_graph import Graph, Value

_GROUP_MEMBERS = 5
_DOCUMENTATION = (
    "Jet tagging efficiencies as a function of all jets of an event. Inputs (n_events, n_jets): pt_gev, eta, phi; "
    "hadron_flavour, codes of which an unknown one is an error; mask, true where there is a jet, other places are not "
    "read. Outputs (n_events, n_jets, working points): efficiency and spread, mean and standard deviation over "
    "the members of the ensemble, zero where there is no jet. Output (n_events, n_jets): out_of_range, whether a jet "
    "lies beyond what was trained on; it has the efficiency of the nearest values inside."
)
_NON_CLOSURE_DOCUMENTATION = (
    " Output non_closure (n_events, n_jets, working points): error of the efficiency beside its spread, from predicted"
    " and tagged jets of a test sample. Output non_closure_cell (n_events, n_jets): efficiencies of a cell's jets are "
    "off together, those of two cells as the second moments in the metadata say; -1 where there is no jet."
)


def ensemble_onnx(
    ensemble: EfficiencyEnsemble,
    hadron_flavours: Codes,
    description: str = "",
    non_closure: NonClosures | None = None,
) -> bytes:
    """Return the content of an ONNX file with all members; equal ensembles give equal bytes.

    The file describes its inputs and outputs. Its metadata, each as JSON, are ``description``, ``flavours`` (codes by
    name), ``working_points``, ``model``, ``n_members``, ``ranges``, ``deepsf_version`` and, with one, ``non_closure``.

    Parameters
    ----------
    hadron_flavours
        Codes of each flavour, such as ``{"b": [5], "c": [4], "udsg": [0]}``.
    non_closure
        Of this ensemble. The file has two more outputs with it, ``non_closure`` and ``non_closure_cell``.

    Raises
    ------
    ValueError
        If codes of a flavour are missing or belong to two, members differ in the scaling of their inputs, or the
        non-closure is of other flavours or working points.
    """
    first = ensemble.networks[0]
    codes = _codes(ensemble, hadron_flavours)
    if any(network.scaling != first.scaling for network in ensemble.networks):
        raise ValueError(
            "the members' inputs are scaled differently: they were trained on different events; export those of one "
            "training sample"
        )
    graph = Graph()
    jets = JetInputs(graph, first.scaling, codes)
    logits = _logits(jets, first.model, _stacked(ensemble))
    passing = _passing(jets, logits, len(ensemble.working_points), np.log(np.array(first.untagged_weight)))
    outputs = _outputs(jets, passing, ensemble)
    ranges = {name: value for name, value in first.scaling.to_json().items() if name not in ("mean", "width")}
    metadata = {
        "description": description,
        "flavours": codes,
        "working_points": ensemble.working_points,
        "model": first.model,
        "n_members": ensemble.n_members,
        "ranges": ranges,
        "deepsf_version": __version__,
    }
    if non_closure is None:
        return graph.text("efficiencies", INPUTS, outputs, _DOCUMENTATION, metadata)
    outputs += _non_closure(jets, ensemble, non_closure)
    metadata["non_closure"] = json.loads(non_closure.to_json())
    return graph.text("efficiencies", INPUTS, outputs, _DOCUMENTATION + _NON_CLOSURE_DOCUMENTATION, metadata)


def _codes(ensemble: EfficiencyEnsemble, hadron_flavours: Codes) -> dict[str, list[int]]:
    if missing := [flavour for flavour in ensemble.flavours if not hadron_flavours.get(flavour)]:
        raise ValueError(f"no hadron flavours of the ensemble's {missing}; there are those of {list(hadron_flavours)}")
    codes = {flavour: list(hadron_flavours[flavour]) for flavour in ensemble.flavours}
    flat = [code for of_flavour in codes.values() for code in of_flavour]
    if twice := sorted({code for code in flat if flat.count(code) > 1}):
        raise ValueError(f"hadron flavours {twice} belong to more than one flavour of {codes}")
    return codes


def _stacked(ensemble: EfficiencyEnsemble) -> Weights:
    states = [network.module.state_dict() for network in ensemble.networks]
    return {name: np.stack([state[name].numpy() for state in states]) for name in states[0]}


def _logits(jets: JetInputs, model: NetworkName, weights: Weights) -> str:
    """Add the members in groups: small groups leave room for many events in the cache of a core."""
    network, n_members = network_class(model), len(weights["bias.weight"])
    groups = np.array_split(np.arange(n_members), -(-n_members // _GROUP_MEMBERS))
    parts = [network.onnx_logits(jets, {name: tensor[group] for name, tensor in weights.items()}) for group in groups]
    return parts[0] if len(parts) == 1 else jets.graph.op("Concat", *parts, axis=0)


def _passing(jets: JetInputs, logits: str, n_points: int, log_mu: Floats) -> str:
    """Return the probability to pass each working point, (M, N K), from logits of the bins between them, (M, N, K)."""
    op = jets.graph.op
    if log_mu.any():
        one_hot = op("Reshape", jets.one_hot, [1, -1, len(log_mu)])
        logits = op("Add", logits, op("MatMul", one_hot, log_mu.astype(np.float32)[:, None]))
    if n_points == 1:
        # not Sigmoid, which runtimes approximate: small efficiencies would be off by parts in ten thousand
        return op("Reciprocal", op("Add", op("Exp", op("Neg", op("Reshape", logits, [0, -1]))), np.float32(1)))
    bins = op("Softmax", op("Pad", logits, [0, 0, 1, 0, 0, 0]), axis=2)
    passing = op("Slice", op("CumSum", bins, 2, reverse=1), [1], [np.iinfo(np.int64).max], [2])
    return op("Reshape", passing, [0, -1])


def _outputs(jets: JetInputs, passing: str, ensemble: EfficiencyEnsemble) -> list[Value]:
    op, n_points = jets.graph.op, len(ensemble.working_points)
    shape = op("Concat", [-1], op("Unsqueeze", jets.n_jets, [0]), [n_points], axis=0)
    mean = op("ReduceMean", passing, axes=[0], keepdims=0)
    difference = op("Sub", passing, mean)
    squares = op("ReduceSum", op("Mul", difference, difference), [0], keepdims=0)
    spread = op("Sqrt", op("Div", squares, np.float32(ensemble.n_members - 1)))
    for name, values in (("efficiency", mean), ("spread", spread)):
        op("Where", op("Unsqueeze", "mask", [2]), op("Reshape", values, shape), np.float32(0), name=name)
    op("Identity", jets.out_of_range, name="out_of_range")
    per_jet: tuple[str | int, ...] = ("n_events", "n_jets")
    return [
        Value("efficiency", "float", (*per_jet, n_points)),
        Value("spread", "float", (*per_jet, n_points)),
        Value("out_of_range", "bool", per_jet),
    ]


def _non_closure(jets: JetInputs, ensemble: EfficiencyEnsemble, found: NonClosures) -> list[Value]:
    """Add the error from the non-closure, relative by cell times efficiency, and the cell."""
    given = found.cells.flavours, tuple(found.points)
    if given != (ensemble.flavours, ensemble.working_points):
        raise ValueError(
            f"the non-closure has the flavours and working points {given}, the ensemble "
            f"{(ensemble.flavours, ensemble.working_points)}; measure that of this ensemble"
        )
    op = jets.graph.op
    relative = np.stack([point.systematic.ravel() for point in found.points.values()], axis=1).astype(np.float32)
    cell = jets.cell(found.cells.pt_gev, found.cells.delta_r)
    error = op("Mul", "efficiency", op("Gather", relative, cell))
    op("Where", op("Unsqueeze", "mask", [2]), error, np.float32(0), name="non_closure")
    op("Where", "mask", cell, np.int64(-1), name="non_closure_cell")
    per_jet: tuple[str | int, ...] = ("n_events", "n_jets")
    return [
        Value("non_closure", "float", (*per_jet, len(ensemble.working_points))),
        Value("non_closure_cell", "int64", per_jet),
    ]
