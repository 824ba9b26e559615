"""`emulate`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from whorl.tasks import emulate as task
from whorl.tasks.emulate import Emulation


def emulate(
    model: str, q: ArrayLike, values: Mapping[str, ArrayLike] | None = None, *, surrogate: str = "auto", **more: ArrayLike
) -> Emulation:
    """Compute curves of a model of small-angle scattering, by its surrogate where that was trained.

    Parameters
    ----------
    model : str
        "cylinder", "fcc_paracrystal", ...; any model has its exact form.
    q : array, shape (n,)
        1/angstrom.
    values, **more : float or array, shape (m,)
        Parameters by name, relative standard deviations of lengths as ``NAME_pd``; arrays give m curves at once.
    surrogate : str
        "auto"; "off": the exact model; "only": an error where the surrogate is not trusted.

    Returns
    -------
    Emulation
        ``measurement`` (1/cm at a volume fraction of 1), ``by_surrogate``, ``error``, ``verdict``.

    Raises
    ------
    WhorlError
        If the model, a parameter or q cannot be used.

    Examples
    --------
    >>> found = emulate("cylinder", np.geomspace(0.01, 0.2, 64), radius=20.0, length=300.0, radius_pd=0.1, length_pd=0.2)
    >>> found.measurement.signal.shape, bool(found.by_surrogate.all())
    ((64,), True)
    """
    return task.emulate(model, np.asarray(q, dtype=np.float64), {**(values or {}), **more}, surrogate=surrogate)
