"""Sums of messages with torch-geometric: the reference that the fast forms of graph networks are tested against."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch_geometric.nn import MessagePassing

Message = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Of features of the target, features of the source, and edge features: ``(n_edges, ...)`` each."""


class MessageSum(MessagePassing):  # type: ignore[misc]
    """Sum over each node's incoming edges of a message."""

    def __init__(self, of_edge: Message) -> None:
        super().__init__(aggr="add")
        self._of_edge = of_edge

    def forward(self, x: Tensor, edge_index: Tensor, edge_attr: Tensor | None = None) -> Tensor:
        """Return ``(n_nodes, n_outputs)`` for nodes ``(n_nodes, n_features)`` and edges ``(2, n_edges)``.

        Row 0 of ``edge_index`` is the source of each edge, row 1 its target.
        """
        total: Tensor = self.propagate(edge_index, x=x, edge_attr=edge_attr)
        return total

    def message(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor | None) -> Tensor:
        """Return the message of each edge from j to i."""
        return self._of_edge(x_i, x_j, edge_attr)
