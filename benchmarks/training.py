"""Speed of a training step against the plain way to write it, and against what the CPU can multiply.

`python benchmarks/training.py [--json FILE]` after `source setup.sh`. Every variant lives in a process of its own with
one thread, as members do. The processes take turns, so that other work on the machine slows all of them alike, and
time is the process's CPU time. Ratios are medians over the rounds.
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

import torch
from torch import Tensor, nn

from deepsf.networks.cpu import Precision, keep_freed_memory, resolve_precision
from deepsf.networks.dense import DenseNetwork
from tasks.framework.machine import made_on
from tests.oracles.plain_network import sequential

N_INPUTS, LAYERS, UNITS, ROWS, N_BATCHES = 4, 10, 128, 4096, 40
N_PRODUCTS = 27  # of a step: three for each of the nine pairs of hidden layers
STEPS, ROUNDS, MAX_SECONDS = 4, 15, 30.0  # steps of a turn; turns of each variant, fewer on a slow machine


def jets() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(ROWS * N_BATCHES, N_INPUTS, generator=generator)
    weight = torch.rand(len(x), generator=generator)
    return x, (x[:, 0] > 0).float(), weight


def sliced(batch: tuple[Tensor, Tensor, Tensor]) -> Iterator[tuple[Tensor, ...]]:
    while True:
        for rows in torch.randperm(len(batch[0])).split(ROWS):
            yield tuple(column[rows] for column in batch)


def loaded(batch: tuple[Tensor, Tensor, Tensor]) -> Iterator[tuple[Tensor, ...]]:
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*batch), batch_size=ROWS, shuffle=True)
    while True:
        yield from loader


def network(precision: Precision) -> DenseNetwork:
    generator = torch.Generator().manual_seed(1)
    return DenseNetwork(N_INPUTS, layers=LAYERS, units=UNITS, generator=generator, precision=precision)


def training(net: nn.Module, batches: Iterator[tuple[Tensor, ...]], *, fused: bool) -> Callable[[], None]:
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=3e-5, fused=fused)

    def step() -> None:
        x, y, weight = next(batches)
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(x).reshape(-1), y, weight).backward()
        optimiser.step()

    return step


def products(precision: Precision) -> Callable[[], None]:
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = torch.randn(ROWS, UNITS).to(dtype), torch.randn(UNITS, UNITS).to(dtype)
    out = torch.empty_like(left)

    def multiply() -> None:
        for _ in range(N_PRODUCTS):
            torch.mm(left, right, out=out)

    return multiply


VARIANTS: dict[str, Callable[[Precision], Callable[[], None]]] = {
    "ours": lambda precision: training(network(precision), sliced(jets()), fused=True),
    "plain": lambda _: training(sequential(network("fp32")), loaded(jets()), fused=False),
    "sliced_fp32": lambda _: training(sequential(network("fp32")), sliced(jets()), fused=False),
    "products": products,
}


def serve(connection: Connection, variant: str, precision: Precision) -> None:
    """Run ``STEPS`` steps for every message and answer with the CPU seconds that one took."""
    torch.set_num_threads(1)
    if variant == "ours":
        keep_freed_memory()
    step = VARIANTS[variant](precision)
    for _ in range(3):
        step()
    connection.send(0.0)
    while connection.recv():
        start = time.process_time()
        for _ in range(STEPS):
            step()
        connection.send((time.process_time() - start) / STEPS)


def measure(precision: Precision) -> dict[str, list[float]]:
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for variant in VARIANTS:
        pipes[variant], child = context.Pipe()
        processes.append(context.Process(target=serve, args=(child, variant, precision), daemon=True))
        processes[-1].start()
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for pipe in pipes.values():
        pipe.recv()  # ready
    end = time.monotonic() + MAX_SECONDS
    while len(seconds["ours"]) < ROUNDS and time.monotonic() < end:
        for variant, pipe in pipes.items():
            pipe.send(True)
            seconds[variant].append(pipe.recv())
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(False)
        process.join()
    return seconds


def summarise(seconds: dict[str, list[float]], precision: Precision) -> dict[str, str | int | float]:
    def ratio(of: str) -> float:
        return statistics.median(other / ours for other, ours in zip(seconds[of], seconds["ours"], strict=True))

    n_weights = sum(parameter.numel() for parameter in network("fp32").parameters())
    step_over_products = 6 * n_weights * ROWS / (N_PRODUCTS * 2 * ROWS * UNITS * UNITS)
    milliseconds = {variant: round(1e3 * statistics.median(values), 2) for variant, values in seconds.items()}
    return {
        **made_on(),
        "precision": precision,
        "rounds": len(seconds["ours"]),
        "over_plain": round(ratio("plain"), 2),
        "over_sliced_fp32": round(ratio("sliced_fp32"), 2),
        "gemm_fraction": round(step_over_products * ratio("products"), 3),
        "ms_per_step": milliseconds["ours"],
        "plain_ms_per_step": milliseconds["plain"],
        "sliced_fp32_ms_per_step": milliseconds["sliced_fp32"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    arguments = parser.parse_args()
    precision = resolve_precision(arguments.precision)
    figures = summarise(measure(precision), precision)
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
