"""Speed of the binned measurement with all shifts, against filling the histograms shift by shift.

`python benchmarks/binned.py [--json FILE]` after `source setup.sh`. The input is made in memory: two regions of a
million tag-probe entries of simulation each, half as many of data, in the bins of the toy. CPU time of one process.

entries_per_s    simulated entries a second, histograms of all shifts in one pass (one step of every variation)
over_plain       the same histograms by numpy.bincount, one shift after the other, over the one pass
all_shifts_s     seconds for the whole measurement: nominal, 100 bootstraps, all shifts, smoothing, normalisation
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deepsf.binned.build import measure_binned
from deepsf.binned.kernel import histograms, kinematic_sums
from deepsf.binned.measurement import measure
from deepsf.binned.shifts import SystematicShifts, side_by_side
from deepsf.binned.tag_and_probe import TagAndProbe
from deepsf.binned.variations import Variations
from deepsf.config import Config, load
from deepsf.config.binned import Binned
from deepsf.config.shifts import Shifts
from deepsf.generator.discriminant import TAGGERS, draw
from deepsf.probes.bins import FlavourBins
from deepsf.probes.entries import Jets, ProbeEntries, RegionEntries
from deepsf.probes.inclusive import InclusiveJets
from deepsf.probes.measurement import Measurement
from tasks.framework.machine import made_on

WEIGHTS = ("pileup", "genscale", "psisr", "psfsr")
KINEMATIC = ("jer", "jesTotal")
MIXTURES = {"hf": (0.85, 0.05, 0.10), "lf": (0.04, 0.08, 0.88)}
ROUNDS = 5


def region(
    rng: np.random.Generator, n: int, mixture: tuple[float, ...], weight: float, *, labelled: bool
) -> ProbeEntries:
    probe, tag = jets(rng, n, mixture), jets(rng, n, mixture)
    if not labelled:
        probe = replace(probe, flavour=np.full(n, -1, np.int8))
    return ProbeEntries(np.arange(n) // 2, np.full(n, weight), np.zeros(n, np.int8), probe, tag)


def jets(rng: np.random.Generator, n: int, mixture: tuple[float, ...]) -> Jets:
    flavour = rng.choice(3, n, p=mixture).astype(np.int8)
    pt, abseta = 20.0 + rng.gamma(1.3, 45.0, n), rng.uniform(0.0, 2.4, n)
    score = draw(rng, TAGGERS["btagDeepFlavB"], np.array([5, 4, 0])[flavour], pt, abseta)
    return Jets(pt.astype(np.float32), abseta.astype(np.float32), np.maximum(score, np.float32(-1)), flavour)


def toy(config: Config, n: int) -> Measurement:
    rng = np.random.default_rng(1)
    entries = {
        name: RegionEntries(
            region(rng, n // 2, mixture, 1.0, labelled=False), region(rng, n, mixture, 0.5, labelled=True)
        )
        for name, mixture in MIXTURES.items()
    }
    sample = jets(rng, 1_200_000, (1 / 3, 1 / 3, 1 / 3))
    inclusive = InclusiveJets(np.arange(len(sample)), np.ones(len(sample)), sample)
    weighting = config.event_weight, config.normalisation
    return Measurement(config.regions, entries, config.flavours, inclusive, *weighting)


def shifted(measurement: Measurement) -> SystematicShifts:
    """Return shifts of weights and of the jets' pT by some per cent, made when they are asked for."""

    def factor(name: str) -> float:
        return 1.05 if name.endswith("_up") else 0.95

    def of(name: str) -> dict[str, RegionEntries]:
        entries = {}
        for key, nominal in measurement.entries.items():
            simulation = nominal.simulation
            if name.rsplit("_", 1)[0] in WEIGHTS:
                weight = simulation.weight * factor(name) ** np.sqrt(simulation.probe.pt_gev / 60.0)
                simulation = replace(simulation, weight=weight)
            else:
                simulation = replace(simulation, probe=scaled(simulation.probe, factor(name)))
            entries[key] = RegionEntries(nominal.data, simulation)
        return entries

    def names(sources: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{source}_{direction}" for source in sources for direction in ("up", "down"))

    return SystematicShifts(Shifts(), names(KINEMATIC), names(WEIGHTS), of, lambda name: measurement.inclusive)


def scaled(jets: Jets, factor: float) -> Jets:
    return replace(jets, pt_gev=jets.pt_gev * np.float32(factor))


def plain_step(method: TagAndProbe, variations: Variations, flat: np.ndarray) -> list[np.ndarray]:
    """Fill the histograms of one step of every variation as one does with numpy: a pass of bincount for each."""
    found = []
    for name, part in method.parts.items():
        weights, bins = variations.weights[name], part.simulation
        counted = np.bincount(part.data_kinematic, weights.data[:, 0], part.kinematic.size)
        for variation in range(len(variations.names)):
            weight = weights.simulation[:, weights.column[variation]] * weights.factor[bins.flavour, variation]
            weight = weight * flat[bins.tag]
            total = np.bincount(bins.kinematic, weight, part.kinematic.size)
            kappa = np.divide(counted, total, out=np.zeros_like(total), where=total > 0)
            weight = weight * kappa[bins.kinematic] * flat[bins.probe]
            found.append(np.bincount(bins.target, weight, 2 * part.size))
    return found


def compiled_step(method: TagAndProbe, variations: Variations, flat: np.ndarray) -> list[np.ndarray]:
    columns = np.repeat(flat[:, None], len(variations.names), axis=1)
    found = []
    for name, part in method.parts.items():
        weights = variations.weights[name]
        counted = np.bincount(part.data_kinematic, weights.data[:, 0], part.kinematic.size)[:, None]
        arguments = weights.simulation, weights.column, weights.factor, columns
        total = kinematic_sums(part.simulation, *arguments, part.kinematic.size)
        kappa = np.divide(counted, total, out=np.zeros_like(total), where=total > 0)
        found += list(histograms(part.simulation, *arguments, kappa, 2 * part.size).T)
    return found


def prepared(
    measurement: Measurement, settings: Binned, shifts: SystematicShifts
) -> tuple[TagAndProbe, Variations, Any]:
    bins = {name: FlavourBins.of(settings.bins[name]) for name in measurement.measured}
    method = TagAndProbe(measurement.entries, measurement.regions, measurement.names, bins, measurement.event_weight)
    nominal = measure(method, settings.model_copy(update={"n_bootstrap": 2}))
    positions = {name: np.maximum(edges.discriminant[:-1], 0.0) for name, edges in bins.items()}
    weights = shifts.event_weights(method.entries)
    variations = side_by_side(method, nominal, positions, shifts=shifts.settings, event_weights=weights)
    return method, variations, np.append(np.nan_to_num(nominal.flat, nan=1.0), 1.0)


def seconds(function: Any, *arguments: Any) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--entries", type=int, default=1_000_000, help="simulated entries of each region")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    config = load(Path(__file__).resolve().parents[1] / "configs" / "toy.yaml")
    measurement = toy(config, arguments.entries)
    shifts = shifted(measurement)
    method, variations, flat = prepared(measurement, config.binned, shifts)
    for plain, compiled in zip(
        plain_step(method, variations, flat), compiled_step(method, variations, flat), strict=True
    ):
        np.testing.assert_allclose(compiled, plain, rtol=1e-9, atol=1e-6)
    rounds = [
        (seconds(plain_step, method, variations, flat), seconds(compiled_step, method, variations, flat))
        for _ in range(arguments.rounds)
    ]
    start = time.process_time()
    result = measure_binned(measurement, config.binned, shifts)
    all_shifts_s = time.process_time() - start
    n_entries = len(measurement.entries) * arguments.entries
    figures = {
        **made_on(),
        "entries": n_entries,
        "shifts_in_one_pass": len(variations.names),
        "rounds": arguments.rounds,
        "entries_per_s": round(n_entries / statistics.median(ours for _, ours in rounds)),
        "over_plain": round(statistics.median(plain / ours for plain, ours in rounds), 2),
        "all_shifts_s": round(all_shifts_s, 1),
        "shifts": len(result.shift_names) - 1,
        "bootstraps": config.binned.n_bootstrap,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
