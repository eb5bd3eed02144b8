"""Scale factors for jet flavour taggers.

Public names are those in ``__all__``; everything else may move. They are imported when they are first used, so event
weights, normalisation maps and truth tagging need only numpy, awkward and correctionlib. `__init__.pyi` says where each
name comes from.

The package takes arrays and returns arrays. It knows no workflow and reads no environment variable.
"""

from deepsf.lazy import public_names

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = public_names(__name__)
