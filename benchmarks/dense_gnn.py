"""The default network of efficiencies in dense torch, as one who knows torch writes it, for `efficiency.py`.

No torch-geometric and no compiled loops: jets are sorted by the multiplicity of their event, so that messages of each
multiplicity are one rectangle. The layer of messages acts on jets before they are gathered to pairs. Batches are ready
before the first step.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple, Self

import numpy as np
import torch
from efficiency import Step, copy, events, inputs_of, our_training, settings
from torch import Tensor, nn

from deepsf.efficiency.networks.jet_tensors import N_EDGE_INPUTS, JetTensors
from tests.oracles.graphs import edge_attr


class Rectangle(NamedTuple):
    """Events of one multiplicity: their jets, target and source of each pair, and inputs of pairs ``(E, pairs, 4)``."""

    begin: int
    end: int
    n_jets: int
    target: Tensor
    source: Tensor
    inputs: Tensor


class DenseBatch(NamedTuple):
    """A batch with jets in the order of the multiplicity; ``order`` are their places in the order of events."""

    x: Tensor
    flavour: Tensor
    label: Tensor
    rectangles: list[Rectangle]
    order: Tensor

    @classmethod
    def of(cls, jets: JetTensors, label: Tensor) -> Self:
        n_jets, attributes = np.diff(jets.offsets), edge_attr(jets)
        edge_begin = np.concatenate([[0], np.cumsum(n_jets * (n_jets - 1))])
        order, rectangles, begin = [], [], 0
        for n in np.unique(n_jets[n_jets > 0]):
            chosen = np.flatnonzero(n_jets == n)
            order.append((jets.offsets[chosen][:, None] + np.arange(n)).ravel())
            edges = edge_begin[chosen][:, None] + np.arange(n * (n - 1))
            target, source = (
                (torch.tensor(k) for k in zip(*itertools.permutations(range(n), 2), strict=True))
                if n > 1
                else (torch.empty(0, dtype=torch.int64),) * 2
            )
            inputs = attributes[torch.from_numpy(edges)]
            rectangles.append(Rectangle(begin, begin + len(order[-1]), int(n), target, source, inputs))
            begin += len(order[-1])
        places = torch.from_numpy(np.concatenate(order))
        return cls(jets.x[places], jets.flavour[places], label[places], rectangles, places)

    def in_order(self, values: Tensor) -> Tensor:
        """Return values of jets in the order of events."""
        return torch.empty_like(values).index_copy_(0, self.order, values)


class DenseNetwork(nn.Module):
    """The default network with the weights of the product's."""

    def __init__(self, like: nn.Module) -> None:
        super().__init__()
        self.flavour = nn.Embedding(*like.flavour.weight.shape)
        self.bias = nn.Embedding(*like.bias.weight.shape)
        self.nodes, self.edges, self.updates = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for message, update in zip(like.messages, like.updates, strict=True):
            self.nodes.append(copy(nn.Linear(*message.node.weight.shape), message.node.weight, message.node.bias))
            edge = nn.Linear(N_EDGE_INPUTS, message.edge.shape[1], bias=False)
            edge.load_state_dict({"weight": message.edge.detach().t()})
            self.edges.append(edge)
            self.updates.append(copy(nn.Linear(*update.weight.shape), update.weight, update.bias))
        self.hidden = copy(nn.Linear(*like.hidden.weight.shape), like.hidden.weight, like.hidden.bias)
        self.output = copy(nn.Linear(*like.output.weight.shape), like.output.weight, like.output.bias)
        for name in ("flavour", "bias"):
            getattr(self, name).load_state_dict({"weight": getattr(like, name).weight})

    def forward(self, batch: DenseBatch) -> Tensor:
        x = torch.cat([batch.x, self.flavour(batch.flavour)], dim=1)
        h = x
        for node, edge, update in zip(self.nodes, self.edges, self.updates, strict=True):
            terms, sums = node(h), []
            for begin, end, n, target, source, inputs in batch.rectangles:
                own, other = terms[begin:end].view(-1, n, terms.shape[1]).chunk(2, dim=2)
                messages = torch.relu(own[:, target] + other[:, source] + edge(inputs))
                sums.append(messages.view(-1, n, n - 1, messages.shape[2]).sum(2).flatten(0, 1))
            h = torch.cat([x, torch.relu(update(torch.cat([h, torch.cat(sums)], dim=1)))], dim=1)
        return self.output(torch.relu(self.hidden(h))) + self.bias(batch.flavour)


def dense_training() -> Step:
    """Make a step of the dense network on batches that are ready, with a fused Adam."""
    sample = events()
    size, inputs = settings().models.gnn.batch_events, inputs_of(sample)
    order, label = np.random.default_rng(1).permutation(len(sample)), torch.from_numpy(sample.tag_bin)
    ready = []
    for begin in range(0, len(order) - size + 1, size):
        jets, rows = inputs.take(order[begin : begin + size])
        ready.append(DenseBatch.of(jets, label[rows].float()))
    network = DenseNetwork(our_training(sample).network)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings().models.gnn.learning_rate, fused=True)
    stream = itertools.cycle(ready)

    def step() -> None:
        batch = next(stream)
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(network(batch)[:, 0], batch.label).backward()
        optimiser.step()

    return step
