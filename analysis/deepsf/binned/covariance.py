"""Statistical covariance of the binned scale factors from event bootstraps, and its leading eigenvectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepsf.arrays import Bools, Floats


@dataclass(frozen=True)
class StatisticalCovariance:
    """Covariance of all bins of all measured flavours; make it with `of_replicas`.

    Attributes
    ----------
    matrix
        Shape ``(n_bins, n_bins)``, flavour by flavour in the order of ``shapes``; rows and columns of bins without an
        error are 0.
    values, vectors
        Eigenvalues, falling, and eigenvectors as rows, shapes ``(n_vectors,)`` and ``(n_vectors, n_bins)``; n
        bootstraps know n - 1 of them. The largest component of a vector is positive.
    shapes
        Shape of each flavour's bins.
    """

    matrix: Floats
    values: Floats
    vectors: Floats
    shapes: dict[str, tuple[int, ...]]

    @classmethod
    def of_replicas(cls, replicas: Mapping[str, Floats], measured: Mapping[str, Bools]) -> StatisticalCovariance:
        """Return the covariance of bootstraps, shape ``(n_bootstraps, n_pt, n_abseta, n_disc)`` by flavour.

        ``measured`` says which of their bins are, in the same shape.
        A bin that some bootstraps could not measure keeps the variance of the others, and its covariances shrink with
        their number.

        Raises
        ------
        ValueError
            If there are fewer than two bootstraps.
        """
        n = min(len(values) for values in replicas.values())
        if n < 2:
            raise ValueError(f"a covariance needs at least 2 bootstraps, got {n}; raise binned.n_bootstrap")
        flat = np.concatenate([values.reshape(n, -1) for values in replicas.values()], axis=1)
        known = np.concatenate([measured[name].reshape(n, -1) for name in replicas], axis=1)
        count = known.sum(axis=0)
        mean = np.where(known, flat, 0.0).sum(axis=0) / np.maximum(count, 1)
        # any sum of squares is a covariance; this scale gives the diagonal the variance of the bootstraps there are
        deviation = np.where(known & (count > 1), flat - mean, 0.0) / np.sqrt(np.maximum(count - 1, 1))
        _, singular, vectors = np.linalg.svd(deviation, full_matrices=False)
        largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
        vectors = vectors[: n - 1] * np.where(largest < 0, -1.0, 1.0)[: n - 1]
        shapes = {name: values.shape[1:] for name, values in replicas.items()}
        return cls(deviation.T @ deviation, singular[: n - 1] ** 2, vectors, shapes)

    @property
    def carried(self) -> Floats:
        """Share of the total variance that the first 1, 2, ... eigenvectors carry, shape ``(n_vectors,)``."""
        total = float(np.trace(self.matrix))
        return np.cumsum(self.values) / total if total > 0 else np.ones_like(self.values)

    def variation(self, number: int) -> dict[str, Floats]:
        """Return by flavour one standard deviation along eigenvector ``number``, counted from 0, in the bins' shape.

        Raises
        ------
        IndexError
            If there are fewer eigenvectors.
        """
        if not 0 <= number < len(self.values):
            raise IndexError(f"eigenvector {number} of {len(self.values)}; more bootstraps know more of them")
        flat = np.sqrt(self.values[number]) * self.vectors[number]
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}
