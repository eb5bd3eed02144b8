"""Small correctionlib files of scale factors of tags: of cuts at working points, and of the score."""

from __future__ import annotations

import json

POINTS = ("L", "M", "T")


def category(variable, items):
    """Return a node that is chosen by a name."""
    content = [{"key": key, "value": value} for key, value in items.items()]
    return {"nodetype": "category", "input": variable, "content": content}


def binning(variable, edges, content):
    """Return a node with bins, an error outside of them."""
    return {
        "nodetype": "binning",
        "input": variable,
        "edges": list(map(float, edges)),
        "content": content,
        "flow": "error",
    }


def correction(name, inputs, values):
    """Return a correction of inputs in this order."""
    kinds = {"systematic": "string", "working_point": "string", "flavor": "int"}
    variables = [{"name": key, "type": kinds.get(key, "real")} for key in inputs]
    return {
        "name": name,
        "version": 1,
        "inputs": variables,
        "output": {"name": "weight", "type": "real"},
        "data": values,
    }


def write(path, *corrections):
    """Write a file of corrections."""
    path.write_text(json.dumps({"schema_version": 2, "corrections": corrections}))
    return path


def cut(flavour, point, shift=0.0):
    """Return the scale factor of a cut in `cuts_file`."""
    return 1 + 0.01 * flavour + 0.001 * POINTS.index(point) + shift


def cuts_file(path, abseta_max=2.4):
    """Write ``heavy`` and ``light``: both have up and down, ``heavy`` also ``up_fsr``, but for c jets."""
    inputs = ("systematic", "working_point", "flavor", "abseta", "pt")

    def of(shifts):
        def point(name, shift, codes):
            return category("flavor", {f: binning("abseta", [0, abseta_max], [cut(f, name, shift)]) for f in codes})

        tree = {
            key: category("working_point", {name: point(name, shift, codes) for name in POINTS})
            for key, (shift, codes) in shifts.items()
        }
        return category("systematic", tree)

    def common(flavours):
        return {"central": (0.0, flavours), "up": (0.1, flavours), "down": (-0.1, flavours)}

    heavy = correction("heavy", inputs, of(common((5, 4)) | {"up_fsr": (0.05, (5,))}))
    return write(path, heavy, correction("light", inputs, of(common((0,)))))


SHAPE = {"central": 0.0, "up_stat1": 0.1, "up_stat2": 0.2, "up_statrest": 0.3}


def shape_file(path, edges=(-2, 0.2, 1.1), values=(1.0, 2.0), name="shape"):
    """Write scale factors by score, for all flavours: ``values`` between ``edges``, larger in the shifts `SHAPE`."""
    inputs = ("systematic", "flavor", "abseta", "pt", "discriminant")

    def of(shift):
        of_score = binning("discriminant", edges, [value + shift for value in values])
        kinematic = binning("abseta", [0, 2.5], [binning("pt", [20, 1000], [of_score])])
        return category("flavor", dict.fromkeys((0, 4, 5), kinematic))

    return write(path, correction(name, inputs, category("systematic", {key: of(s) for key, s in SHAPE.items()})))
