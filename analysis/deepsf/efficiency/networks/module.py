"""What every network of efficiencies is: jets of events in, logits of the tag bins out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import Tensor, nn

from deepsf.efficiency.networks.flavour_layers import FlavourBias
from deepsf.efficiency.networks.jet_tensors import JetTensors

if TYPE_CHECKING:
    from deepsf.efficiency.networks.onnx_inputs import JetInputs
    from deepsf.efficiency.networks.onnx_layers import Weights


class EfficiencyModule(nn.Module):
    """A network of `deepsf.config.efficiency.networks.NETWORKS`.

    It is made with its sizes, ``n_flavours``, ``n_points`` and ``generator``, which gives all its initial weights.

    Attributes
    ----------
    needs
        The parts of `JetTensors` that it takes besides ``x`` and ``flavour``.
    bias
        Of each output by flavour.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    bias: FlavourBias

    def forward(self, jets: JetTensors) -> Tensor:
        """Return the logit of each tag bin relative to untagged, ``(n_jets, K)``."""
        raise NotImplementedError

    def start_from(self, fractions: Tensor) -> None:
        """Begin with the mean of each flavour: ``fractions`` of jets by flavour and bin, ``(n_flavours, K + 1)``."""
        self.bias.set_logits(fractions)

    @staticmethod
    def onnx_logits(jets: JetInputs, weights: Weights) -> str:
        """Add the network to a graph of ONNX, all members side by side; return its logits, ``(M, N, K)``."""
        raise NotImplementedError
