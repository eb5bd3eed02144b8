from deepsf.binned.scale_factor import BinnedScaleFactor
from deepsf.config import load as load_config
from deepsf.exports.event_weight import ShapeCorrection, event_weight
from deepsf.exports.normalisation_maps import NormalisationMap, normalisation_map, write_normalisation_maps
from deepsf.networks.scale_factor import EnsembleScaleFactor

from . import efficiency

__version__: str

__all__ = [
    "BinnedScaleFactor",
    "EnsembleScaleFactor",
    "NormalisationMap",
    "ShapeCorrection",
    "__version__",
    "efficiency",
    "event_weight",
    "load_config",
    "normalisation_map",
    "write_normalisation_maps",
]
