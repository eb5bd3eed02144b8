"""Members that are not trained: what a job costs beside its work, measured by `benchmarks/workflow.py`."""

from __future__ import annotations

from tasks.deepsf import TrainDeepSF
from tasks.framework.targets import leaves, staged


class NoopMembers(TrainDeepSF):
    """A branch a member, with the inputs of a training."""

    def run(self) -> None:
        """Write all outputs."""
        with staged(*leaves(self.output())) as paths:
            for path in paths:
                path.write_text(f'"member {self.branch}"')
