"""Files that the generator writes, read back."""

from pathlib import Path

import numpy as np
import uproot

from deepsf import config
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.plan import GeneratedFile
from deepsf.generator.schema import PLAIN

TOY = config.load(Path(__file__).parents[3] / "configs" / "toy.yaml")
TRUE_SF = Path(__file__).parents[3] / TOY.generator.true_sf.file


def written(path, sample, kind, process, index=0, n_events=3000, true_sf=TRUE_SF, schema=PLAIN, **changes):
    file = GeneratedFile(sample, kind, process, index, n_events)
    write_file(file, Composition(), TOY.generator.model_copy(update=changes), true_sf, path, schema)
    with uproot.open(path) as root:
        return root["Events"].arrays(library="np"), root["Runs"].arrays(library="np")


def same(a, b, name):
    if a[name].dtype != object:
        return np.array_equal(a[name], b[name])
    # lengths of the lists are branches of their own
    return np.array_equal(np.concatenate(a[name]), np.concatenate(b[name]))
