"""Write generated events as a NanoAOD-format ROOT file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import uproot

from deepsf.arrays import Array, Reals
from deepsf.config.generator import Generator
from deepsf.generator import charm_tag, kinematics, rates, true_sf
from deepsf.generator.composition import Composition
from deepsf.generator.compression import ChecksummedZSTD
from deepsf.generator.detector import reconstruct
from deepsf.generator.discriminant import TAGGER_ABSETA_MAX
from deepsf.generator.nanoaod import RUN_NUMBER, Branches, branch_types, branches
from deepsf.generator.plan import GeneratedFile, NotEnoughDiskError
from deepsf.generator.schema import PLAIN, Schema
from deepsf.generator.scores import scores
from deepsf.seeds import seed_sequence

# Events of a batch before the filter: after it, batches are similar in size, one cluster of the tree each.
EVENTS_PER_BATCH = {"ttbar": 125_000, "zjets": 250_000, "zcc": 125_000}
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FIRST_EVENT_STEP = 10**8
_FIRST_FILE_OF_ZCC = 10**6
_FIRST_EVENT_OF_SAMPLE = 10**15


def write_file(
    file: GeneratedFile,
    composition: Composition,
    generator: Generator,
    true_sf_path: Path | None,
    path: Path,
    schema: Schema = PLAIN,
) -> None:
    """Generate one file; its content depends only on the arguments other than ``path``.

    Parameters
    ----------
    generator
        Seed, negative weights, rates and the name of the true scale factor.
    true_sf_path
        Correctionlib file of the true scale factor; may be None for simulation, which never reads it.
    path
        Where to write. A failure leaves a broken file there: give a temporary path.
    schema
        Version of NanoAOD, and the branches that the configuration asks for.

    Raises
    ------
    ValueError
        If pseudo-data are asked for without a true scale factor, or it cannot be used.
    NotEnoughDiskError
        If the disk fills up.
    """
    injected = None
    if file.kind == "data":
        if true_sf_path is None:
            raise ValueError(f"{file.stem}: pseudo-data need the path of the true scale factor")
        injected = true_sf.load(true_sf_path, generator.true_sf.name, generator.true_sf.systematic)
    sums, blocks = np.zeros(3), _certified_blocks(file, schema)
    try:
        with uproot.recreate(path, compression=ChecksummedZSTD(1)) as root:
            tree = None
            for columns, of_batch in _batches(_Recipe(file, composition, generator, injected, schema)):
                tree = tree or root.mktree("Events", branch_types(columns))
                tree.extend(columns)
                sums += of_batch
                blocks = np.unique(np.vstack([blocks, _blocks(columns)]), axis=0)
            # assigned, they would become RNTuples, which real files are not
            for name, content in (("LuminosityBlocks", _of_blocks(blocks)), ("Runs", _of_runs(file, blocks, sums))):
                root.mktree(name, branch_types(content)).extend(content)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise NotEnoughDiskError(
            error.errno,
            f"{path}: no space left while writing generated events ({error.strerror}); free space or move the outputs "
            "to a larger disk, then run again",
        ) from error


class _Recipe(NamedTuple):
    """What the content of a file follows from."""

    file: GeneratedFile
    composition: Composition
    generator: Generator
    injected: true_sf.InjectedScaleFactor | None
    schema: Schema


def _batches(recipe: _Recipe) -> Iterator[tuple[Branches, Reals]]:
    """Yield the branches of each batch with (n_generated, sum of weights, sum of squared weights) before the filter."""
    file = recipe.file
    n_batch = EVENTS_PER_BATCH[file.process]
    starts = range(0, max(file.n_events, 1), n_batch)
    seeds = seed_sequence(recipe.generator.seed, file.kind, file.sample, file.process, file.index).spawn(len(starts))
    # Event numbers are unique in all data together, and in a sample of simulation.
    number = {"ttbar": 2 * file.index, "zjets": 2 * file.index + 1, "zcc": _FIRST_FILE_OF_ZCC + file.index}
    first_event = 1 + _FIRST_EVENT_STEP * number[file.process] + _FIRST_EVENT_OF_SAMPLE * file.place
    for start, seed in zip(starts, seeds, strict=True):
        n = min(n_batch, file.n_events - start)
        columns, sums = _batch(seed, n, recipe, first_event)
        first_event += len(columns["run"])
        yield columns, sums


def _batch(seed: np.random.SeedSequence, n: int, recipe: _Recipe, first_event: int) -> tuple[Branches, Reals]:
    file, composition, generator, injected, schema = recipe
    # One stream per step: another true scale factor changes the discriminants only.
    particle_rng, thinning_rng, detector_rng, column_rng, *tagger_rngs, charm_rng = (
        np.random.default_rng(s) for s in seed.spawn(5 + len(schema.facts.taggers))
    )
    negative = generator.negative_weight_fraction if file.kind == "simulation" else 0.0
    particles, n_generated, sum_weights = kinematics.generate(particle_rng, file.process, n, composition, negative)
    if file.kind == "data":
        particles = kinematics.select(particles, rates.thin(thinning_rng, generator, particles, file.process))
    events = reconstruct(detector_rng, particles)
    jets = events.jets
    discriminants = scores(tagger_rngs, seed, schema.facts.taggers, jets, generator, file.process, injected)
    for branch in schema.facts.charm_scores:
        discriminants[branch] = charm_tag.draw(
            charm_rng, branch[-3:], jets.hadron_flavour, np.abs(jets.eta), TAGGER_ABSETA_MAX
        )
    columns = branches(column_rng, particles, events, discriminants, first_event, file.kind == "data", schema)
    return columns, np.array([n_generated, sum_weights, n_generated])


def _certified_blocks(file: GeneratedFile, schema: Schema) -> Array:
    """Return run and luminosity block of what the file lists even without an event, shape (n, 2)."""
    if file.kind == "data" and schema.blocks is not None:
        return schema.blocks.of_part(*file.part)
    return np.zeros((0, 2), np.uint32)


def _blocks(columns: Branches) -> Array:
    """Return run and luminosity block of the events of a batch, shape (n, 2)."""
    return np.stack([columns["run"], columns["luminosityBlock"]], axis=1)


def _of_blocks(blocks: Array) -> Branches:
    return {"run": blocks[:, 0], "luminosityBlock": blocks[:, 1]}


def _of_runs(file: GeneratedFile, blocks: Array, sums: Reals) -> Branches:
    n_generated, sum_weights, sum_squares = sums
    if file.kind == "data":
        return {"run": np.unique(blocks[:, 0])}
    return {
        "run": np.array([RUN_NUMBER["simulation"]], np.uint32),
        "genEventCount": np.array([round(n_generated)], np.int64),
        "genEventSumw": np.array([sum_weights]),
        "genEventSumw2": np.array([sum_squares]),
    }
