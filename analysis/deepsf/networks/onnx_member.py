"""A member's scale factor in operations of ONNX: what `MemberScaleFactor.evaluate` computes, once more.

Inputs and normalisations are computed in double precision, networks in single, as there. What members share, such as
inputs of equal scaling, is in the graph once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepsf.arrays import Floats
from deepsf.networks.dense import NEGATIVE_SLOPE, DenseNetwork
from deepsf.networks.jet_inputs import INVALID_FLAG, InputScaling
from deepsf.networks.onnx_graph import Graph
from deepsf.networks.scale_factor import MemberScaleFactor
from deepsf.probes.entries import LOGIT_MARGIN
from deepsf.probes.score_limits import ScoreLimits
from deepsf.probes.weights import SmoothNormalisation

_ROUNDING = 1e-12


class JetColumns(NamedTuple):
    """A graph, and the names in it of columns of n jets, ``(n,)`` in double precision, by those of inputs.

    There are ``pt``, ``abseta``, ``discriminant`` and further inputs. Invalid discriminants are negative.
    """

    graph: Graph
    columns: Mapping[str, str]

    def value(self, member: MemberScaleFactor, flavour: str) -> str:
        """Return the normalised scale factor of a measured flavour, double, ``(n,)``."""
        op, largest = self.graph.op, np.float32(member.architecture.log_sf_max)
        log_sf = self._output(member.networks[flavour], self._features(member, flavour))
        value = op("Exp", op("Clip", op("Squeeze", log_sf, [1]), -largest, largest))
        return op("Div", self.graph.cast(value, "double"), self._divisor(member.normalisation[flavour]))

    def is_beyond(self, limits: ScoreLimits) -> str:
        """Return which jets have a valid score beyond a limit, bool, ``(n,)``."""
        op, score = self.graph.op, self.columns["discriminant"]
        low, high = self._limits(limits)
        return op("And", self.is_valid, op("Or", op("Less", score, low), op("Greater", score, high)))

    @property
    def is_valid(self) -> str:
        """Which jets have a valid score, bool, ``(n,)``."""
        return self.graph.op("GreaterOrEqual", self.columns["discriminant"], np.float64(0))

    def _features(self, member: MemberScaleFactor, flavour: str) -> str:
        """Return the inputs of the network, float, (n, n_inputs)."""
        op, scaling = self.graph.op, member.scalings[flavour]
        columns = dict(self.columns)
        if (limits := member.limits.get(flavour)) is not None:
            low, high = self._limits(limits)
            held = op("Min", op("Max", columns["discriminant"], low), high)
            # scores are held in single precision
            columns["discriminant"] = self.graph.cast(self.graph.cast(held, "float"), "double")
        scaled = [self._scaled(columns[name], scaling, place) for place, name in enumerate(scaling.names)]
        if (place := scaling.score_column) is not None:
            scaled[place] = op("Where", self.is_valid, scaled[place], np.float64(0))
        flags = [self.is_valid]
        for name, limit in scaling.limits.items():
            flags.append(op("GreaterOrEqual", columns[name], np.float64(limit)))
            place = scaling.names.index(name)
            scaled[place] = op("Where", flags[-1], scaled[place], np.float64(0))
        scaled += [op("Where", is_valid, np.float64(0), np.float64(INVALID_FLAG)) for is_valid in flags]
        stacked = op("Concat", *(op("Unsqueeze", column, [1]) for column in scaled), axis=1)
        return self.graph.cast(stacked, "float")

    def _scaled(self, column: str, scaling: InputScaling, place: int) -> str:
        op, transform = self.graph.op, scaling.transforms[place]
        if transform == "log":
            column = op("Log", column)
        elif transform == "logit":
            inside = self._clipped(column, LOGIT_MARGIN, 1.0 - LOGIT_MARGIN)
            column = op("Log", op("Div", inside, op("Sub", np.float64(1), inside)))
        clipped = self._clipped(column, scaling.low[place], scaling.high[place])
        return op("Div", op("Sub", clipped, np.float64(scaling.mean[place])), np.float64(scaling.width[place]))

    def _clipped(self, column: str, low: float, high: float) -> str:
        return self.graph.op("Min", self.graph.op("Max", column, np.float64(low)), np.float64(high))

    def _limits(self, limits: ScoreLimits) -> tuple[str, str]:
        """Return the lowest and the highest score at the pT of each jet, infinite where there is no limit."""
        op, nodes = self.graph.op, np.log(limits.pt_gev)
        low, high = (self._interpolated(nodes, values) for values in (limits.low, limits.high))
        # what is the end of the scores must not be a limit for its rounding
        some_low = op("Greater", low, np.float64(limits.lowest + _ROUNDING))
        some_high = op("Less", high, np.float64(limits.highest - _ROUNDING))
        return op("Where", some_low, low, np.float64(-np.inf)), op("Where", some_high, high, np.float64(np.inf))

    def _interpolated(self, nodes: Floats, values: Floats) -> str:
        """Return values that are linear in log(pT) between nodes and constant beyond, double, (n,)."""
        op = self.graph.op
        steps = op("MatMul", self._hinges(op("Log", self.columns["pt"]), nodes), _bends(nodes, values))
        return op("Add", op("Squeeze", steps, [1]), np.float64(values[0]))

    def _divisor(self, normalisation: SmoothNormalisation) -> str:
        op = self.graph.op
        along_pt = self._shares(op("Log", self.columns["pt"]), np.log(normalisation.pt_gev))
        along_abseta = self._shares(self.columns["abseta"], normalisation.abseta)
        return op("ReduceSum", op("Mul", op("MatMul", along_pt, normalisation.at_node), along_abseta), [1], keepdims=0)

    def _shares(self, column: str, nodes: Floats) -> str:
        """Return the share of each node in a linear interpolation, double, (n, n_nodes)."""
        unit = np.eye(len(nodes))
        bends = np.concatenate([_bends(nodes, values) for values in unit], axis=1)
        return self.graph.op("Add", self.graph.op("MatMul", self._hinges(column, nodes), bends), unit[0])

    def _hinges(self, column: str, nodes: Floats) -> str:
        op = self.graph.op
        return op("Max", op("Sub", op("Unsqueeze", column, [1]), nodes), np.float64(0))

    def _output(self, network: DenseNetwork, features: str) -> str:
        """Return log S before it is clipped, float, (n, 1)."""
        op, state = self.graph.op, {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        x = op("Gemm", features, state["first_weight"], state["first_bias"])
        for weight, bias in zip(state["hidden_weight"], state["hidden_bias"], strict=True):
            x = op("Gemm", op("LeakyRelu", x, alpha=NEGATIVE_SLOPE), weight, bias)
        x = op("LeakyRelu", x, alpha=NEGATIVE_SLOPE)
        return op("Gemm", x, state["last_weight"], state["last_bias"])


def _bends(nodes: Floats, values: Floats) -> Floats:
    """Return by how much the slope of a linear interpolation changes at each node, shape (n_nodes, 1)."""
    slopes = np.concatenate([[0.0], np.diff(values) / np.diff(nodes), [0.0]])
    return np.diff(slopes)[:, None]
