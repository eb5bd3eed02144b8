"""From padded columns of jets to inputs of networks, in operations of ONNX: `jet_tensors` of the networks, once more.

Dimensions are B events, n places for jets, N = B n, and P = n (n - 1) ordered pairs of an event, one for n = 1. Empty
places and the pairs they are in have inputs of zeros throughout, so that they add nothing to any sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.networks.jet_tensors import PHI_WIDTH, JetScaling, Range
from deepsf.efficiency.networks.pairs import LOG_OFFSET
from deepsf.networks.onnx_graph import Graph, Value

_PER_JET = ("n_events", "n_jets")
INPUTS = [
    Value("pt_gev", "float", _PER_JET),
    Value("eta", "float", _PER_JET),
    Value("phi", "float", _PER_JET),
    Value("hadron_flavour", "int64", _PER_JET),
    Value("mask", "bool", _PER_JET),
]


class JetInputs:
    """Names of the values that networks take; what is not asked for does not enter the graph.

    Parameters
    ----------
    scaling
        Of all members.
    codes
        Hadron flavours by flavour, in the order that the networks count them.
    """

    def __init__(self, graph: Graph, scaling: JetScaling, codes: Mapping[str, Sequence[int]]) -> None:
        self.graph, self.scaling, self.codes = graph, scaling, codes
        op = graph.op
        shape = op("Shape", "mask")
        self.n_jets = op("Gather", shape, 1)
        self.neighbours = op("Max", op("Sub", self.n_jets, 1), 1)
        self.filled = op("Unsqueeze", self.graph.cast("mask", "float"), [2])
        self.pt = op("Where", "mask", "pt_gev", np.float32(scaling.pt_gev.low))
        self.eta = op("Where", "mask", "eta", np.float32(0))
        self.abseta = op("Abs", self.eta)

    @cached_property
    def x(self) -> str:
        """Scaled log(pT), pT, |eta|: (B, n, 3)."""
        op, scaling = self.graph.op, self.scaling
        pt, abseta = self._clip(self.pt, scaling.pt_gev), self._clip(self.abseta, scaling.abseta)
        columns = self.stack(op("Log", pt), pt, abseta)
        mean, width = (np.array(values, np.float32) for values in (scaling.mean, scaling.width))
        return op("Mul", op("Div", op("Sub", columns, mean), width), self.filled)

    @cached_property
    def phi(self) -> str:
        """Phi within [-pi, pi], bit for bit as `deepsf.efficiency.events.from_jets.wrapped` gives it: (B, n).

        NanoAOD has phi of 3.1416016, and a network that sees phi itself would see the other end of its range.
        """
        op, largest = self.graph.op, np.float32(np.pi)
        phi = op("Where", "mask", "phi", np.float32(0))
        wide = self.graph.cast(phi, "double")
        turns = op("Round", op("Div", wide, np.float64(2.0 * np.pi)))
        turned = self.graph.cast(op("Sub", wide, op("Mul", turns, np.float64(2.0 * np.pi))), "float")
        is_inside = op("LessOrEqual", op("Abs", phi), largest)
        return op("Where", is_inside, phi, op("Clip", turned, -largest, largest))

    @cached_property
    def one_hot(self) -> str:
        """One for the jet's flavour, else zero: (B, n, F). An unknown code points beyond the table: an error."""
        op, n_flavours = self.graph.op, len(self.codes)
        codes = [(code, number) for number, of_flavour in enumerate(self.codes.values()) for code in of_flavour]
        code = op("Unsqueeze", op("Where", "mask", "hadron_flavour", codes[0][0]), [2])
        equal = self.graph.cast(op("Equal", code, np.array([code for code, _ in codes])), "float")
        before_last = op("MatMul", equal, np.array([[n_flavours - number] for _, number in codes], np.float32))
        number = op("Sub", n_flavours, op("Squeeze", self.graph.cast(before_last, "int64"), [2]))
        return op("Mul", op("Gather", np.eye(n_flavours, dtype=np.float32), number), self.filled)

    @cached_property
    def angles(self) -> str:
        """Eta and scaled phi: (B, n, 2)."""
        op = self.graph.op
        clipped = self._clip(self.abseta, self.scaling.abseta)
        eta = op("Where", op("Less", self.eta, np.float32(0)), op("Neg", clipped), clipped)
        return self.stack(eta, op("Div", self.phi, np.float32(PHI_WIDTH)))

    @cached_property
    def pair_index(self) -> tuple[str, str]:
        """Places of both jets of each pair, (P,): all neighbours of the first place, of the second, ..."""
        op = self.graph.op
        place = op("Range", 0, op("Mul", self.n_jets, self.neighbours), 1)
        first, other = op("Div", place, self.neighbours), op("Mod", place, self.neighbours)
        second = op("Add", other, self.graph.cast(op("GreaterOrEqual", other, first), "int64"))
        # the only jet of an event is its own neighbour, which does not count
        return first, op("Min", second, op("Sub", self.n_jets, 1))

    @cached_property
    def is_pair(self) -> str:
        """Whether both places have jets and are different, as a number: (B, P, 1)."""
        op = self.graph.op
        first, second = self.pair_index
        both = op("And", *(op("Gather", "mask", index, axis=1) for index in (first, second)))
        return op("Unsqueeze", self.graph.cast(op("And", both, op("Not", op("Equal", first, second))), "float"), [2])

    @cached_property
    def _deltas(self) -> tuple[str, str]:
        """Deta and |Dphi| of each pair in double precision: (B, P)."""
        op = self.graph.op
        first, second = self.pair_index
        wide = [self.graph.cast(column, "double") for column in (self.eta, self.phi)]
        delta_eta, delta_phi = (op("Sub", *(op("Gather", c, k, axis=1) for k in (first, second))) for c in wide)
        delta_phi = op("Abs", delta_phi)
        return delta_eta, op("Min", delta_phi, op("Sub", np.float64(2.0 * math.pi), delta_phi))

    @cached_property
    def delta_r_squared(self) -> str:
        """Squared distance of each pair in double precision: (B, P)."""
        return self.graph.op("Add", *(self.graph.op("Mul", delta, delta) for delta in self._deltas))

    @cached_property
    def delta_r(self) -> str:
        """Distance of each pair: (B, P)."""
        return self.graph.cast(self.graph.op("Sqrt", self.delta_r_squared), "float")

    @cached_property
    def pairs(self) -> str:
        """Features of each pair: (B, P, N_FEATURES)."""
        op = self.graph.op
        distance = self._clip(self.delta_r, self.scaling.delta_r)
        half_square = op("Mul", op("Mul", distance, distance), np.float32(0.5))
        features = self.stack(distance, half_square, op("Log", op("Add", distance, np.float32(LOG_OFFSET))))
        return op("Mul", features, self.is_pair)

    @cached_property
    def separations(self) -> str:
        """|Deta|, |Dphi| and 0 of each pair, scaled as its distance is clipped: (B, P, N_FEATURES)."""
        op, delta_r = self.graph.op, self.delta_r
        is_apart = op("Greater", delta_r, np.float32(0))
        divisor = op("Where", is_apart, delta_r, np.float32(1))
        clipped = op("Where", is_apart, self._clip(delta_r, self.scaling.delta_r), np.float32(1))
        scale = op("Div", clipped, divisor)
        deltas = [op("Mul", self.graph.cast(op("Abs", delta), "float"), scale) for delta in self._deltas]
        nothing = op("Mul", delta_r, np.float32(0))
        return op("Mul", self.stack(*deltas, nothing), self.is_pair)

    def with_pairs(self, features: str) -> JetInputs:
        """Return the same inputs with other features of pairs."""
        other = JetInputs(self.graph, self.scaling, self.codes)
        other.pairs = features
        return other

    def of_pairs(self, inputs: str) -> str:
        """Return inputs (B, n, c) of both jets of each pair, and the pair's features: (B, P, 2 c + N_FEATURES)."""
        op = self.graph.op
        both = op("Concat", *(op("Gather", inputs, index, axis=1) for index in self.pair_index), axis=2)
        return op("Concat", op("Mul", both, self.is_pair), self.pairs, axis=2)

    @cached_property
    def selectors(self) -> str:
        """What a product with rows (a_1, c_1, ..., a_n, c_n) gives a_i + c_j of each pair by: (B, P, 2 n)."""
        op = self.graph.op
        (first, second), width = self.pair_index, op("Mul", self.n_jets, 2)
        values = np.array([0, 1], np.float32)
        own = op("OneHot", op("Mul", first, 2), width, values)
        other = op("OneHot", op("Add", op("Mul", second, 2), 1), width, values)
        return op("Mul", op("Add", own, other), self.is_pair)

    @cached_property
    def selectors_and_pairs(self) -> str:
        """`selectors`, and the features of the pair for as many rows more: (B, P, 2 n + N_FEATURES)."""
        return self.graph.op("Concat", self.selectors, self.pairs, axis=2)

    @cached_property
    def nearest(self) -> tuple[str, str]:
        """Distance to the closest jet, infinite for lone jets, and its place among the neighbours: (B, n, 1).

        Of jets equally far the harder one.
        """
        op = self.graph.op
        nothing = op("Squeeze", op("Equal", self.is_pair, np.float32(0)), [2])
        distance = self._by_jet(op("Where", nothing, np.float64(np.inf), self.delta_r_squared))
        place = op("ArgMin", distance, axis=2, keepdims=1)
        return self.graph.cast(op("Sqrt", op("GatherElements", distance, place, axis=2)), "float"), place

    @cached_property
    def closest(self) -> tuple[str, str]:
        """Distance to the closest jet, (B, n, 1), and its one-hot flavour, the last for lone jets: (B, n, F + 1)."""
        op = self.graph.op
        nearest, place = self.nearest
        by_place = self._by_jet(op("Unsqueeze", self.pair_index[1], [0]))
        second = op("Expand", by_place, op("Shape", self._by_jet(self.delta_r_squared)))
        neighbour = op("Expand", op("GatherElements", second, place, axis=2), op("Shape", self.one_hot))
        lone = self.graph.cast(op("IsInf", nearest), "float")
        flavour = op("GatherElements", self.one_hot, neighbour, axis=1)
        known = op("Mul", flavour, op("Sub", np.float32(1), lone))
        return self._clip(nearest, self.scaling.delta_r), op("Concat", known, lone, axis=2)

    @cached_property
    def out_of_range(self) -> str:
        """Whether a jet lies beyond what was trained on: bool, (B, n)."""
        op, scaling = self.graph.op, self.scaling
        near = op("Equal", self.delta_r, self._clip(self.delta_r, scaling.delta_r))
        far = op("And", op("Not", near), self.graph.cast(op("Squeeze", self.is_pair, [2]), "bool"))
        beyond = self.graph.cast(
            op("ReduceMax", self._by_jet(self.graph.cast(far, "float")), axes=[2], keepdims=0), "bool"
        )
        count = op("ReduceSum", op("Squeeze", self.filled, [2]), [1])
        for value, limits in ((self.pt, scaling.pt_gev), (self.abseta, scaling.abseta), (count, scaling.n_jets)):
            beyond = op("Or", beyond, op("Not", op("Equal", value, self._clip(value, limits))))
        return op("And", beyond, "mask")

    def cell(self, pt_gev: Floats, delta_r: Floats) -> str:
        """Return the cell of flavour, pT and distance to the closest jet that a jet is in, int64, (B, n)."""
        op = self.graph.op
        distance = op("Squeeze", self.nearest[0], [2])
        index = op("ArgMax", self.one_hot, axis=2, keepdims=0)
        for values, edges in ((self.pt, pt_gev), (distance, delta_r)):
            inner = edges[1:-1].astype(np.float32)
            above = self.graph.cast(op("GreaterOrEqual", op("Unsqueeze", values, [2]), inner), "int64")
            place = op("ReduceSum", above, [2], keepdims=0)
            index = op("Add", op("Mul", index, len(inner) + 1), place)
        return index

    def stack(self, *columns: str) -> str:
        """Return columns (B, n) side by side: (B, n, number of columns)."""
        return self.graph.op("Concat", *(self.graph.op("Unsqueeze", column, [2]) for column in columns), axis=2)

    def _by_jet(self, pairs: str) -> str:
        """Return values of pairs, (B, P), as (B, n, n - 1)."""
        op = self.graph.op
        shape = op("Concat", [-1], *(op("Unsqueeze", number, [0]) for number in (self.n_jets, self.neighbours)), axis=0)
        return op("Reshape", pairs, shape)

    def over_neighbours(self, pairs: str) -> str:
        """Return the sum of values (B, P, units) over the neighbours of each jet: (B, n, units)."""
        op = self.graph.op
        places = op("Unsqueeze", op("Range", 0, self.n_jets, 1), [1])
        is_first = self.graph.cast(op("Equal", places, op("Unsqueeze", self.pair_index[0], [0])), "float")
        return op("MatMul", is_first, pairs)

    def of_terms(self, terms: str, units: int) -> str:
        """Return terms a and c side by side, (N, 2, units), as rows a_1, c_1, ... of each event: (B, 2 n, units)."""
        op = self.graph.op
        width = op("Unsqueeze", op("Mul", self.n_jets, 2), [0])
        return op("Reshape", terms, op("Concat", [-1], width, [units], axis=0))

    def _clip(self, value: str, limits: Range) -> str:
        return self.graph.op("Clip", value, np.float32(limits.low), np.float32(limits.high))
