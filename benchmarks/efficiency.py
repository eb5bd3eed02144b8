"""Speed of efficiency networks and of truth tagging, on one core.

`python benchmarks/efficiency.py [--json FILE] [--only FIGURE ...]` after `source setup.sh`. One function a figure,
listed in ``FIGURES``. Variants that are compared live in processes of their own with one thread, as members do. They
take turns, so that other work on the machine slows all of them alike; time is CPU time, ratios are medians over the
rounds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from deepsf.config import load
from deepsf.config.efficiency.efficiency import Efficiency
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.networks.batches import EventBatches
from deepsf.efficiency.networks.jet_tensors import N_EDGE_INPUTS, JetScaling, JetTensors
from deepsf.efficiency.networks.network import architecture, build
from deepsf.efficiency.toy import generate
from deepsf.networks.cpu import prepare_process
from deepsf.training.classifier import ClassifierTraining, cross_entropies
from tasks.framework.machine import made_on
from tests.oracles.graphs import edge_attr

N_EVENTS, ROUNDS, MAX_SECONDS = 40_000, 9, 60.0
FLAVOURS = ("b", "c", "udsg")
Figures = dict[str, str | int | float]
Step = Callable[[], None]


def settings() -> Efficiency:
    loaded = load(Path(__file__).parents[1] / "configs" / "efficiency_toy.yaml").efficiency
    assert loaded is not None
    return loaded


def events() -> JetEvents:
    return generate(settings().toy, FLAVOURS, "train", N_EVENTS)[0]


# --- a training step of the default network against plain torch-geometric


def over_plain() -> Figures:
    """Time that other loops take for an event of a training, over that of the default; the same result first.

    ``over_plain``: the tutorial's loop of torch-geometric. ``over_dense``: what a knowing user writes in plain torch.
    """
    from dense_gnn import dense_training

    check_same_step()
    seconds = take_turns({"ours": fast_training, "plain": plain_training, "dense": dense_training})
    batch, ours = settings().models.gnn.batch_events, seconds.pop("ours")
    figures: Figures = {"rounds": len(ours), "events_per_s": round(batch / statistics.median(ours))}
    for name, of_other in seconds.items():
        ratios = [other / own for own, other in zip(ours, of_other, strict=True)]
        figures[f"over_{name}"] = round(statistics.median(ratios), 2)
        figures[f"{name}_events_per_s"] = round(batch / statistics.median(of_other))
    return figures


def fast_training() -> Step:
    """Make a step as members take it, of a batch of different events."""
    training = our_training(events())

    def step() -> None:
        training.next_step()

    return step


def inputs_of(sample: JetEvents) -> JetTensors:
    return JetScaling.fit(sample).tensors(sample, sample.flavour, len(FLAVOURS), ["pairs"])


def our_training(sample: JetEvents) -> ClassifierTraining:
    model = settings().models.gnn.model_copy(update={"weight_decay": 0.0, "passes": 1e4})
    generator = torch.Generator().manual_seed(1)
    network = build("gnn", architecture(model), len(FLAVOURS), 1, generator)
    once, weight = np.ones(len(sample), np.int64), np.ones(len(sample.pt_gev), np.float32)
    batches = EventBatches(inputs_of(sample), sample.tag_bin, weight, once, model.batch_events)
    return ClassifierTraining(network, batches, model, np.random.SeedSequence(1))


class PlainNetwork(nn.Module):
    """The default network as one writes it with torch-geometric: layers on concatenated inputs of each edge."""

    def __init__(self, like: nn.Module) -> None:
        from deepsf.efficiency.networks.message_passing import MessageSum

        super().__init__()
        self.flavour = nn.Embedding(*like.flavour.weight.shape)
        self.bias = nn.Embedding(*like.bias.weight.shape)
        self.messages, self.updates, self.sums = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for message, update in zip(like.messages, like.updates, strict=True):
            n_features, units = len(message.node.weight), message.edge.shape[1]
            layer = nn.Linear(2 * n_features + N_EDGE_INPUTS, units)
            own, other = message.node.weight.chunk(2, dim=1)
            copy(layer, torch.cat([own, other, message.edge]), sum(message.node.bias.chunk(2)))
            self.messages.append(layer)
            self.updates.append(copy(nn.Linear(*update.weight.shape), update.weight, update.bias))
            self.sums.append(MessageSum(lambda i, j, e, layer=layer: torch.relu(layer(torch.cat([i, j, e], dim=1)))))
        self.hidden = copy(nn.Linear(*like.hidden.weight.shape), like.hidden.weight, like.hidden.bias)
        self.output = copy(nn.Linear(*like.output.weight.shape), like.output.weight, like.output.bias)
        for name in ("flavour", "bias"):
            getattr(self, name).load_state_dict({"weight": getattr(like, name).weight})

    def forward(self, x: Tensor, flavour: Tensor, edge_index: Tensor, edge_attr: Tensor) -> Tensor:
        x = torch.cat([x, self.flavour(flavour)], dim=1)
        h = x
        for total, update in zip(self.sums, self.updates, strict=True):
            h = torch.cat([x, torch.relu(update(torch.cat([h, total(h, edge_index, edge_attr)], dim=1)))], dim=1)
        return self.output(torch.relu(self.hidden(h))) + self.bias(flavour)


def copy(layer: nn.Linear, weight: Tensor, bias: Tensor) -> nn.Linear:
    layer.load_state_dict({"weight": weight.detach().t(), "bias": bias.detach()})
    return layer


def plain_training() -> Step:
    """Make a step of the plain loop: a list of graphs, their DataLoader, the plain network, Adam."""
    from torch_geometric.data import Data
    from torch_geometric.loader import DataLoader

    sample = events()
    inputs = inputs_of(sample)
    index, attributes = inputs.edge_index(), edge_attr(inputs)
    edge_ends = np.cumsum(sample.n_jets * (sample.n_jets - 1))
    graphs, label = [], torch.from_numpy(sample.tag_bin.astype(np.float32))
    for first, last, end, n in zip(sample.offsets, sample.offsets[1:], edge_ends, sample.n_jets, strict=False):
        edges = slice(end - n * (n - 1), end)
        graphs.append(
            Data(
                x=inputs.x[first:last],
                flavour=inputs.flavour[first:last],
                y=label[first:last],
                edge_index=index[:, edges] - int(first),
                edge_attr=attributes[edges],
            )
        )
    size = settings().models.gnn.batch_events
    loader = DataLoader(graphs, batch_size=size, shuffle=True, drop_last=True)
    network = PlainNetwork(our_training(sample).network)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings().models.gnn.learning_rate)

    def batches() -> Iterator[Data]:
        while True:
            yield from loader

    stream = batches()

    def step() -> None:
        batch = next(stream)
        optimiser.zero_grad()
        logits = network(batch.x, batch.flavour, batch.edge_index, batch.edge_attr)
        nn.functional.binary_cross_entropy_with_logits(logits[:, 0], batch.y).backward()
        optimiser.step()

    return step


def check_same_step() -> None:
    """Raise AssertionError unless all networks give the same logits, before and after a step of descent."""
    from dense_gnn import DenseBatch, DenseNetwork

    training = our_training(events())
    ours, plain, dense = training.network, PlainNetwork(training.network), DenseNetwork(training.network)
    training.batches.shuffle(torch.Generator().manual_seed(1))
    batch, rate = training.batches.batch(0), 1e-2
    jets: JetTensors = batch.inputs
    graph, of_dense = (jets.x, jets.flavour, jets.edge_index(), edge_attr(jets)), DenseBatch.of(jets, batch.label)

    def compare(when: str) -> None:
        with torch.no_grad():
            expected = ours(jets)
            for name, logits in (("plain", plain(*graph)), ("dense", of_dense.in_order(dense(of_dense)))):
                if (difference := float((logits - expected).abs().max())) > 1e-5:
                    raise AssertionError(f"{when} the step logits of the {name} network differ by {difference:g}")

    compare("before")
    # plain gradient descent: Adam would turn rounding errors of vanishing gradients into steps
    _, gradients = ours.loss_gradients(jets, batch.label, torch.ones(len(jets.x)), 1 / len(jets.x))
    for parameter, gradient in gradients:
        parameter.data -= rate * gradient
    for network, logits, label in ((plain, plain(*graph), batch.label), (dense, dense(of_dense), of_dense.label)):
        optimiser = torch.optim.SGD(network.parameters(), lr=rate)
        cross_entropies(logits, label).mean().backward()
        optimiser.step()
    compare("after")


# --- how variants are compared


def take_turns(variants: dict[str, Callable[[], Step]], steps: int = 4) -> dict[str, list[float]]:
    """Return the CPU seconds that a step of each variant takes, one number a round."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name, make in variants.items():
        pipes[name], child = context.Pipe()
        processes.append(context.Process(target=serve, args=(child, make, steps), daemon=True))
        processes[-1].start()
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for pipe in pipes.values():
        pipe.recv()  # ready
    end = time.monotonic() + MAX_SECONDS
    while len(next(iter(seconds.values()))) < ROUNDS and time.monotonic() < end:
        for name, pipe in pipes.items():
            pipe.send(True)
            seconds[name].append(pipe.recv())
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(False)
        process.join()
    return seconds


def serve(connection: Connection, make: Callable[[], Step], steps: int) -> None:
    """Run ``steps`` steps for every message and answer with the CPU seconds that one took."""
    prepare_process()
    step = make()
    for _ in range(3):
        step()
    connection.send(0.0)
    while connection.recv():
        start = time.process_time()
        for _ in range(steps):
            step()
        connection.send((time.process_time() - start) / steps)


def onnx_jets_per_s() -> Figures:
    """Jets a second of the ensemble as ONNX, and what goes with it."""
    from onnx_speed import onnx_figures

    return {**onnx_figures(settings())}


def truth_tagging_events_per_s() -> Figures:
    """Weights of at least two tags against a loop over patterns, and draws of pattern and bins."""
    from truth_tagging import truth_tagging_figures

    return {**truth_tagging_figures(settings().toy, FLAVOURS)}


FIGURES: tuple[Callable[[], Figures], ...] = (over_plain, onnx_jets_per_s, truth_tagging_events_per_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    names = [figure.__name__ for figure in FIGURES]
    parser.add_argument("--only", nargs="+", choices=names, help="some of the figures")
    arguments = parser.parse_args()
    prepare_process()
    figures: Figures = dict(made_on())
    for figure in FIGURES:
        if arguments.only is None or figure.__name__ in arguments.only:
            figures |= figure()
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
