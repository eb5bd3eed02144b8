"""What generated files hold besides the standard branches: all that a configuration asks of its input by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from deepsf.config.selection import Channel, Triggers, WeightBranches
from deepsf.generator.luminosity_blocks import Blocks
from deepsf.generator.versions import VERSIONS, Name, Version


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
    weights: tuple[WeightBranches, ...] = ()
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


def paths_of(*triggers: Mapping[Channel, Triggers] | None) -> tuple[str, ...]:
    """Return the trigger paths of a selection and of samples, each once."""
    listed = (t for of_one in triggers for paths in (of_one or {}).values() for t in paths)
    return tuple(dict.fromkeys(t if isinstance(t, str) else t.path for t in listed))


PLAIN = Schema()
"""Nothing besides what every file of v9 has."""
