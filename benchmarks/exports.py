"""Speed of exported networks on one core, against the ensemble in torch.

`python benchmarks/exports.py [--json FILE]` after `source setup.sh`. Networks have the default sizes. Their weights are
random: they cost the same as trained ones. Half of the jets are b, half light. CPU time, medians over rounds.

student_jets_per_s     jets a second, correctionlib, the file of networks
student_bytes          size of that file, compressed
onnx_jets_per_s        mean, train, model and extrapolation of the ONNX file
onnx_bytes             size of the ONNX file, without bootstraps and shifts
ensemble_jets_per_s    `EnsembleScaleFactor.evaluate`: mean, standard error and spread
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import correctionlib
import numpy as np
import onnxruntime
import torch

from deepsf.config import load
from deepsf.errors.cells import ErrorCells
from deepsf.errors.method_errors import MethodErrors, Refits
from deepsf.exports.corrections import Label, correction_set_text
from deepsf.exports.network_correction import network_correction
from deepsf.exports.onnx_file import ensemble_onnx
from deepsf.networks.cpu import prepare_process
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.scale_factor import Architecture, EnsembleScaleFactor, MemberScaleFactor
from deepsf.probes.bins import KinematicBins
from deepsf.probes.weights import SmoothNormalisation
from tasks.framework.machine import made_on

N_JETS, ROUNDS, MEASURED = 20_000, 5, ("b", "udsg")
SCALING = InputScaling(
    ("pt", "abseta", "discriminant"),
    ("log", "identity", "logit"),
    np.array([3.0, 0.0, -9.0]),
    np.array([6.5, 2.5, 9.0]),
    np.array([4.0, 1.0, 0.0]),
    np.array([0.5, 0.6, 3.0]),
)


def member(layers: int, units: int, seed: int) -> MemberScaleFactor:
    generator = torch.Generator().manual_seed(seed)
    networks = {f: DenseNetwork(4, layers=layers, units=units, generator=generator) for f in MEASURED}
    nodes = np.geomspace(20.0, 400.0, 10), np.array([0.4, 1.2, 2.0])
    smooth = SmoothNormalisation(KinematicBins(np.empty(0), np.empty(0)), *nodes, np.ones((10, 3)))
    one = dict.fromkeys(MEASURED, smooth)
    return MemberScaleFactor(Architecture(layers, units, 1.5), dict.fromkeys(MEASURED, SCALING), networks, one)


def rate(rounds: int, function: Callable[[], object]) -> int:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return round(N_JETS / statistics.median(times))


def figures(rounds: int) -> dict[str, int]:
    config = load(Path(__file__).resolve().parents[1] / "configs" / "toy.yaml")
    rng = np.random.default_rng(1)
    columns = 20 * 20 ** rng.random(N_JETS), rng.uniform(0, 2.4, N_JETS), rng.random(N_JETS)
    pt, abseta, score = (column.astype(np.float32) for column in columns)
    codes = np.tile([5, 0], N_JETS // 2)

    settings = config.exports.student
    student = member(settings.layers, settings.units, 0)
    tree = network_correction(student, config.flavours, Label("student", "", "", ""), "Random.", digits=7)
    text = correction_set_text([tree], "")
    correction = correctionlib.CorrectionSet.from_string(text)["student"]

    training, hadron_flavours = config.training, {"b": (5,), "c": (4,), "udsg": (0,)}
    members = (member(training.layers, training.units, seed) for seed in range(config.ensemble.n_members))
    ensemble = EnsembleScaleFactor(tuple(members), hadron_flavours)
    cells = ErrorCells(np.array([50.0]), np.array([0.3]), np.zeros(2), np.zeros((2, 2)))
    content = ensemble_onnx(MethodErrors(ensemble, Refits(), dict.fromkeys(MEASURED, cells), 0.5))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given = {"pt_gev": pt, "abseta": abseta, "discriminant": score, "flavour": codes}
    np.testing.assert_allclose(
        session.run(["mean"], given)[0], ensemble.evaluate(codes, abseta, pt, score).mean, rtol=1e-4
    )
    return {
        "student_jets_per_s": rate(rounds, lambda: correction.evaluate("central", codes, abseta, pt, score)),
        "student_bytes": len(gzip.compress(text.encode())),
        "onnx_jets_per_s": rate(rounds, lambda: session.run(None, given)),
        "onnx_bytes": len(content),
        "ensemble_jets_per_s": rate(rounds, lambda: ensemble.evaluate(codes, abseta, pt, score)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    prepare_process()
    found = {**made_on(), **figures(arguments.rounds)}
    text = json.dumps(found, indent=2, allow_nan=False)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
