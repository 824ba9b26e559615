"""A closed list of structures ranked by boosted trees: the way of the field's finders, kept as a baseline.

The features are G(r) on a coarse grid over its maximum, then Qmin, Qmax and Qdamp, as in MetalFinder (A. S. Anker, 2023),
POMFinder (A. S. Anker, 2023) and MLstructureMining (E. T. S. Kjaer, 2024). Every class is an entry of the catalogue that the
trees were trained on: an entry that is added later is unknown to them, and they cannot answer *none of these*.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.models.card import Grid, ModelError
from whorl.models.inference import Model, most_likely, open_model

Array = NDArray[np.float64]

#: below this r (angstrom) there are no distances between atoms, only errors of the reduction
FIRST_DISTANCE = 1.0


def features(r: Array, g: Array, *, qmin: float, qmax: float, qdamp: float, grid: Grid) -> Array:
    """Features of one G(r).

    Parameters
    ----------
    r, g : array, shape (n,)
        Increasing r in angstrom, and G(r) in any unit. Beyond the data it is taken as zero.
    qmin, qmax, qdamp : float
        1/angstrom.
    grid : Grid
        Points of r.

    Returns
    -------
    array, shape (grid.count + 3,)

    Raises
    ------
    ModelError
        If G(r) is not positive anywhere on the grid.

    Examples
    --------
    >>> grid = Grid(start=0.0, stop=3.0, step=0.5, unit="angstrom")
    >>> r = np.linspace(0, 3, 301)
    >>> features(r, 4 * np.exp(-(((r - 2) / 0.4) ** 2)), qmin=1, qmax=20, qdamp=0.02, grid=grid).round(2).tolist()
    [0.0, 0.0, 0.0, 0.21, 1.0, 0.21, 0.0, 1.0, 20.0, 0.02]
    """
    points: Array = grid.start + grid.step * np.arange(grid.count, dtype=np.float64)
    sampled = np.interp(points, r, g, left=0.0, right=0.0)
    sampled[points < FIRST_DISTANCE] = 0.0
    highest = float(sampled.max())
    if not highest > 0:
        raise ModelError("G(r) is positive nowhere on the grid of the model", remedy="Check the data.")
    return np.concatenate([sampled / highest, [qmin, qmax, qdamp]])


class TreeProposer:
    """Ranks the structures that a card of trees knows.

    Parameters
    ----------
    model : Model
        From `open_model`, with a grid and classes in its card.
    """

    def __init__(self, model: Model) -> None:
        if model.card.grid is None or not model.card.classes:
            raise ModelError("this model ranks no structures", where=model.card.name, remedy="See `whorl models`.")
        self.card = model.card
        self._grid = model.card.grid
        self._model = model

    @classmethod
    def open(cls, name_or_folder: str | Path) -> TreeProposer:
        """Open a model by its name, or the one in a folder.

        Raises
        ------
        ModelError
            If there is none, or it ranks no structures.
        MissingExtraError
            If XGBoost is not installed.
        """
        return cls(open_model(name_or_folder))

    def propose(
        self, r: Array, g: Array, *, qmin: float, qmax: float, qdamp: float, among: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        """Rank the entries for a G(r).

        Parameters
        ----------
        r, g : array, shape (n,)
            angstrom; any unit.
        qmin, qmax, qdamp : float
            1/angstrom; all three must be known.
        among : collection of str, optional
            Keys of the entries that chemistry admits.

        Returns
        -------
        list of (str, float)
            Keys of the catalogue and their scores, which add up to 1 over all entries; highest first.
        """
        row = features(r, g, qmin=qmin, qmax=qmax, qdamp=qdamp, grid=self._grid)
        ranked = most_likely(self.card.classes, self._model.predict(row[None, :])[0])
        return ranked if among is None else [(key, score) for key, score in ranked if key in among]
