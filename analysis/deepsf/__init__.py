"""Scale factors for jet flavour taggers: arrays in, arrays out; knows no workflow, reads no environment variable.

The public names are those of `__init__.pyi`; everything else may move. They are imported when they are first used:
event weights, normalisation maps and truth tagging need numpy, awkward and correctionlib alone.
"""

from deepsf.lazy import public_names

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = public_names(__name__)
