"""What generated files hold besides the standard branches: all that a configuration asks of its input by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from deepsf.config.generator import Generator
from deepsf.config.selection import Channel
from deepsf.generator.luminosity_blocks import Blocks
from deepsf.generator.versions import VERSIONS, Name, Version


class WeightNames(NamedTuple):
    """Branches of an event weight and its shifts."""

    nominal: str
    up: str | None = None
    down: str | None = None


class Schema(NamedTuple):
    """Form of a generated file.

    Attributes
    ----------
    version
        Version of NanoAOD.
    triggers, filters
        Branches of trigger paths and event filters, besides the usual ones.
    weights
        Further event weights of simulation, such as those of prefiring.
    jet_content
        Whether jets need fractions of their energy; from v12 on they have them always.
    blocks
        Luminosity blocks of pseudo-data; None: all in one run.
    """

    version: Name = "v9"
    triggers: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    weights: tuple[WeightNames, ...] = ()
    jet_content: bool = False
    blocks: Blocks | None = None

    @property
    def facts(self) -> Version:
        """What the version has."""
        return VERSIONS[self.version]

    @property
    def has_jet_content(self) -> bool:
        """Whether files have the fractions of the jets' energy."""
        return self.jet_content or self.version != "v9"


def schema_of(generator: Generator, triggers: Mapping[Channel, Iterable[str]], filters: Iterable[str]) -> Schema:
    """Return the form of files that a configuration can read."""
    paths = (path for of_channel in triggers.values() for path in of_channel)
    return Schema(generator.nanoaod, tuple(dict.fromkeys(paths)), tuple(filters))


PLAIN = Schema()
"""Nothing besides what every file of v9 has."""
