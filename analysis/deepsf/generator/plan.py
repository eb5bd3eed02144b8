"""Which files are generated, how large they get, and whether they fit on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from deepsf.config.campaign import Campaign
from deepsf.config.generator import Generator
from deepsf.config.mismodelling import Process
from deepsf.config.samples import Sample
from deepsf.generator.rates import max_rate
from deepsf.seeds import seed_sequence

Kind = Literal["simulation", "data"]
# Bytes on disk of a generated event, those that the generator filter drops included.
_BYTES: dict[tuple[Kind, Process], float] = {
    ("simulation", "ttbar"): 258.0,
    ("simulation", "zjets"): 82.0,
    ("simulation", "zcc"): 82.0,
    ("data", "ttbar"): 196.0,
    ("data", "zjets"): 57.0,
    ("data", "zcc"): 57.0,
}
_LARGER_FROM_V12_ON: dict[Kind, float] = {"simulation": 1.6, "data": 1.8}
_MARGIN = 1.2


@dataclass(frozen=True)
class GeneratedFile:
    """One file to generate.

    Attributes
    ----------
    sample, kind
        Name and kind of the sample in the config.
    process
        What is generated.
    index
        Number of the file among those of its sample and process.
    n_events
        Before the generator filter. Simulation: the expected sum of weights. Pseudo-data: the events proposed, before
        rate offsets, tilt and composition thin them.
    place
        Number of the sample among the generated ones of data, which makes numbers of events unique; 0 in simulation.
    part
        Of data: number of the file in its sample, and how many there are, which share the certified blocks.
    """

    sample: str
    kind: Kind
    process: Process
    index: int
    n_events: int
    place: int = 0
    part: tuple[int, int] = (0, 1)

    @property
    def stem(self) -> str:
        """File name without suffix: ``ttbar_0``, ``data_zjets_2``."""
        name = self.sample if self.kind == "simulation" else f"{self.sample}_{self.process}"
        return f"{name}_{self.index}"


class NotEnoughDiskError(OSError):
    """The files do not fit on the disk."""


def plan(campaign: Campaign, samples: Mapping[str, Sample], generator: Generator) -> tuple[GeneratedFile, ...]:
    """Return the files of all generated samples, in the order of the config.

    Simulation gets ``simulation_over_data`` times the luminosity of the data. The number of pseudo-data events is drawn
    from a Poisson distribution with the seed of the campaign; its mean is the cross section of the simulation of that
    process times the luminosity, raised by the largest rate that offsets, tilt and a wrong composition can give
    (`rates.thin`). Samples of data that fill the same channel share the luminosity.

    Raises
    ------
    ValueError
        If a process of a sample gets no event.
    """
    files = list(_files(campaign, samples, generator))
    for name in {file.sample for file in files if file.kind == "data"}:
        numbers = [number for number, file in enumerate(files) if file.sample == name]
        for part, number in enumerate(numbers):
            files[number] = replace(files[number], part=(part, len(numbers)))
    return tuple(files)


def cross_sections_pb(samples: Mapping[str, Sample]) -> dict[str, float]:
    """Return the cross section of each generated process, that of its simulation sample."""
    return {
        sample.generate[0]: sample.cross_section_pb
        for sample in samples.values()
        if sample.kind == "simulation" and sample.generate and sample.cross_section_pb is not None
    }


def estimated_bytes(files: Sequence[GeneratedFile], generator: Generator) -> int:
    """Return the disk space that the files will take, within about 20 % of the default composition's."""
    negative = generator.negative_weight_fraction
    total = 0.0
    for file in files:
        events = file.n_events / (max_rate(generator, file.process) if file.kind == "data" else 1.0)
        if file.kind == "simulation" and file.process == "zjets":
            events *= 1.0 / (1.0 - 2.0 * negative)
        larger = 1.0 if generator.nanoaod == "v9" else _LARGER_FROM_V12_ON[file.kind]
        total += events * _BYTES[file.kind, file.process] * larger
    return round(total)


def check_disk(
    files: Sequence[GeneratedFile], generator: Generator, directory: Path, n_free_bytes: int | None = None
) -> None:
    """Refuse to start if the files do not fit.

    Parameters
    ----------
    directory
        Need not exist yet.
    n_free_bytes
        Free space; asked from the file system if not given.

    Raises
    ------
    NotEnoughDiskError
        If less than 1.2 times the estimate is free.
    """
    existing = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free if n_free_bytes is None else n_free_bytes
    need = round(_MARGIN * estimated_bytes(files, generator))
    if not free >= need:
        raise NotEnoughDiskError(
            f"{directory}: {len(files)} generated files need about {_size(need)}, but only {_size(free)} are free; "
            "free space, move the outputs to a larger disk, or lower campaign.luminosity_ifb or "
            "generator.simulation_over_data"
        )


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e8 else f"{n_bytes / 1e6:.1f} MB"


def _files(campaign: Campaign, samples: Mapping[str, Sample], generator: Generator) -> Iterator[GeneratedFile]:
    cross_sections = cross_sections_pb(samples)
    of_data = [name for name, sample in samples.items() if sample.kind == "data" and sample.generate]
    for name, sample in samples.items():
        place = of_data.index(name) if name in of_data else 0
        for process in sample.generate:
            n_expected = 1000.0 * campaign.luminosity_ifb * cross_sections[process]
            if sample.kind == "simulation":
                n_events = round(generator.simulation_over_data * n_expected)
            else:
                rng = np.random.default_rng(seed_sequence(generator.seed, "number of events", name, process))
                share = 1.0 / _n_sharing(sample, samples)
                n_events = int(rng.poisson(share * n_expected * max_rate(generator, process)))
            if n_events == 0:
                raise ValueError(
                    f"samples.{name}: not one {process} event at campaign.luminosity_ifb = {campaign.luminosity_ifb:g} "
                    f"and a cross section of {cross_sections[process]:g} pb; raise the luminosity"
                )
            for index, first in enumerate(range(0, n_events, generator.events_per_file)):
                n_of_file = min(generator.events_per_file, n_events - first)
                yield GeneratedFile(name, sample.kind, process, index, n_of_file, place)


def _n_sharing(sample: Sample, samples: Mapping[str, Sample]) -> int:
    """Return how many generated samples of data fill one channel, the most of those that this one fills."""
    generated = [other for other in samples.values() if other.kind == "data" and other.generate]
    return max(sum(channel in other.channels for other in generated) for channel in sample.channels)
