"""The default network without DeltaR: of a pair it knows |Delta eta| and |Delta phi|, and has to infer the distance.

It shows that the variable on which efficiencies depend need not be known beforehand. Of arXiv:2004.02665, whose network
has eta and phi of each jet, it keeps that; unlike that network it is invariant under rotations in phi.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepsf.efficiency.networks.gnn import GraphNetwork
from deepsf.efficiency.networks.onnx_layers import Weights

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs


class EtaPhiNetwork(GraphNetwork):
    """`GraphNetwork` on other features of pairs."""

    needs = frozenset({"separations"})
    of_pairs = "separations"

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, see `EfficiencyModule.onnx_logits`."""
        return GraphNetwork.onnx_logits(jets.with_pairs(jets.separations), weights)
