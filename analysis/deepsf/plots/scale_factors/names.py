"""Which figures a campaign has, from its configuration alone; imports nothing that takes time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepsf.config.binned import Bins


def panel_stem(flavour: str, pt_gev: Sequence[float], abseta: Sequence[float], *, last_pt: bool) -> str:
    """Return the name of a (pT, |eta|) bin's file; the last pT bin is open upwards."""
    pt = f"{pt_gev[0]:g}" + ("up" if last_pt else f"to{pt_gev[1]:g}")
    return f"sf_{flavour}_pt{pt}_eta{abseta[0]:g}to{abseta[1]:g}".replace(".", "p")


def scale_factor_stems(bins: Mapping[str, Bins], measured: Sequence[str], *, with_truth: bool) -> list[str]:
    """Return the names of the figures that `campaign.scale_factor_figures` yields, in its order."""
    stems = []
    for flavour in measured:
        edges = bins[flavour]
        n_pt, n_abseta = len(edges.pt_gev) - 1, len(edges.abseta) - 1
        stems += [
            panel_stem(flavour, edges.pt_gev[i : i + 2], edges.abseta[j : j + 2], last_pt=i == n_pt - 1)
            for i in range(n_pt)
            for j in range(n_abseta)
        ]
        stems += [f"overview_{flavour}", f"map_{flavour}"]
        if with_truth:
            stems.append(f"truth_{flavour}")
    return [*stems, "training"]


def closure_stems(regions: Sequence[str]) -> list[str]:
    """Return the names of the figures that `campaign.closure_figures` yields, in its order."""
    return [stem for region in regions for stem in (f"closure_{region}", f"closure_{region}_fine")]


def phase_space_variables(space: str) -> tuple[str, ...]:
    """Return what is drawn of a phase space; events of exactly two jets have no further ones."""
    return ("leading", "second", "ht") if space == "measurement" else ("leading", "second", "further", "n_jets", "ht")


def phase_space_stem(space: str, variable: str) -> str:
    """Return the name of the file of a variable in a phase space."""
    return f"{space}_{variable}"


def phase_space_stems() -> list[str]:
    """Return the names of the figures that `deepsf.plots.scale_factors.phase_space.figures` yields, in its order."""
    spaces = ("measurement", "closure", "validation")
    return [phase_space_stem(space, variable) for space in spaces for variable in phase_space_variables(space)]


def purity_stem(region: str | None) -> str:
    """Return the name of the file of a region's purity, or of the condition number of all."""
    return "condition" if region is None else f"purity_{region}"


def purity_stems(regions: Sequence[str]) -> list[str]:
    """Return the names of the figures that `deepsf.plots.scale_factors.purity.figures` yields, in its order."""
    return [*(purity_stem(region) for region in regions), purity_stem(None)]
