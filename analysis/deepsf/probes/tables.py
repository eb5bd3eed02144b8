"""The tables of a skim, all of one kind, with what is needed to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from deepsf.config.flavours import Flavour
from deepsf.config.samples import Sample
from deepsf.guards import is_positive
from deepsf.probes.entries import Jets, jets_of
from deepsf.skim.cut_flow import SkimReport, read_report
from deepsf.skim.shifts import shifts_of


@dataclass(frozen=True)
class SkimTables:
    """Tables of a skim, either of entries or of all jets; the order of their paths does not matter.

    Attributes
    ----------
    flavours
        Their order gives the jets' flavour index.
    jet_columns
        Columns of jets besides the standard ones.
    """

    paths: Sequence[Path]
    samples: Mapping[str, Sample]
    flavours: Mapping[str, Flavour]
    luminosity_ifb: float
    jet_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", sorted(self.paths))

    @cached_property
    def reports(self) -> list[SkimReport]:
        """Report of each file."""
        return [read_report(path) for path in self.paths]

    @property
    def shifts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the kinematic shifts, ``nominal`` first, and of the weight shifts."""
        return shifts_of(self.reports)

    def jets(self, table: pa.Table, path: Path, prefix: str = "") -> Jets:
        """Return the jets in the columns of the given prefix of the table at ``path``."""
        return jets_of(table, prefix, self.flavours, self.jet_columns, path)

    def factors(self) -> dict[str, float]:
        """Return by simulated sample the factor that scales its generator weights to the luminosity."""
        return luminosity_weights(self.reports, self.samples, self.luminosity_ifb)


def luminosity_weights(
    reports: Sequence[SkimReport], samples: Mapping[str, Sample], luminosity_ifb: float
) -> dict[str, float]:
    """Return by simulated sample the factor cross section x luminosity / sum of generator weights over its files.

    A sample of an era is scaled to the luminosity of the era.

    Raises
    ------
    ValueError
        If the generator weights of a sample do not sum to a positive number.
    """
    factors = {}
    for name, sample in samples.items():
        if sample.kind != "simulation" or sample.cross_section_pb is None:
            continue
        given, stored = sample.sum_weights, sum(float(r.sum_weights) for r in reports if r.sample == name)
        total = stored if isinstance(given, str) else given
        if not is_positive(total):
            raise ValueError(
                f"sample {name}: generator weights sum to {total:g}; a positive, finite sum is needed to normalise it"
            )
        factors[name] = sample.cross_section_pb * 1e3 * (sample.luminosity_ifb or luminosity_ifb) / total
    return factors
