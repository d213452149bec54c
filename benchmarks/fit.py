"""Least squares by hand: does a count grow with N, or faster?"""

from collections.abc import Sequence
from dataclasses import dataclass

BASIS = 3
"""1, N and N²."""


@dataclass(frozen=True)
class Fit:
    """``count ≈ constant + linear·N + quadratic·N²``."""

    constant: float
    linear: float
    quadratic: float

    def at(self, n: float) -> float:
        """The fitted count."""
        return self.constant + self.linear * n + self.quadratic * n * n

    def quadratic_share(self, n: float) -> float:
        """The last term's share of the count at ``n``."""
        return abs(self.quadratic * n * n / self.at(n)) if self.at(n) else 0.0


def fit(points: Sequence[tuple[float, float]]) -> Fit:
    """The parabola closest to the points, each weighed by its relative error (so that small N count as much)."""
    rows = [([1 / max(y, 1), x / max(y, 1), x * x / max(y, 1)], y / max(y, 1)) for x, y in points]
    scale = [max(abs(row[column]) for row, _ in rows) or 1.0 for column in range(BASIS)]
    rows = [([value / s for value, s in zip(row, scale, strict=True)], y) for row, y in rows]
    normal = [[sum(row[i] * row[j] for row, _ in rows) for j in range(BASIS)] for i in range(BASIS)]
    right = [sum(row[i] * y for row, y in rows) for i in range(BASIS)]
    return Fit(*(value / s for value, s in zip(_solved(normal, right), scale, strict=True)))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivots."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(BASIS):
        pivot = max(range(column, BASIS), key=lambda index: abs(rows[index][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for index in range(BASIS):
            if index != column:
                factor = rows[index][column] / rows[column][column]
                rows[index] = [a - factor * b for a, b in zip(rows[index], rows[column], strict=True)]
    return [rows[index][BASIS] / rows[index][index] for index in range(BASIS)]
