from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config import load as load_config
from deepsf.exports.event_weight import ShapeCorrection, event_weight
from deepsf.networks.scale_factor import EnsembleScaleFactor

from . import efficiency

__version__: str

__all__ = [
    "BinnedScaleFactor",
    "EnsembleScaleFactor",
    "ShapeCorrection",
    "__version__",
    "efficiency",
    "event_weight",
    "load_config",
]
