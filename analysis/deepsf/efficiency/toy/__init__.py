"""Events of jets with known efficiencies, after arXiv:2004.02665: the sample that models are trained and judged on.

`generate` makes a sample and its `Truth`, which is for the audit alone. The modules hold one step each: kinematics, the
decay of the scalar, efficiencies, tags.
"""

from deepsf.efficiency.toy.samples import Sample, generate
from deepsf.efficiency.toy.tags import draw_tags
from deepsf.efficiency.toy.truth import Truth, true_efficiency

__all__ = ["Sample", "Truth", "draw_tags", "generate", "true_efficiency"]
