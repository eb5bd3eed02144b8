"""The main job: everything up to the comparison plots."""

from __future__ import annotations

from typing import Any

import law

from tasks.base import ConfigTask
from tasks.deepsf import AggregateDeepSF


class ProduceDeepSFEnsemble(ConfigTask, law.WrapperTask):
    """Requires all that a measurement consists of; ``--workflow`` reaches every workflow below."""

    def requires(self) -> Any:
        return {"deepsf": AggregateDeepSF.req(self)}
