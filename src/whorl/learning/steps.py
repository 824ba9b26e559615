"""What trainers of networks share: the learning rate, unfinished work on disk, weights as 8-bit integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need

Array = NDArray[np.float64]

_RISE = 0.1  # of the training, while the learning rate rises
_LEVELS, _TINY = 127, 1e-12


def ready(seed: int) -> Any:
    """Torch on one thread, the same bits every time, its random numbers started at a seed.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    torch = need("torch", extra="train")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    return torch


def learning_rate(done: float, *, start: float = 0.0) -> float:
    """Part of the highest learning rate when a part of the training is done: it rises, then falls as a cosine.

    Examples
    --------
    >>> [round(learning_rate(done), 2) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if done < _RISE:
        return start + (1 - start) * done / _RISE
    return 0.5 + 0.5 * float(np.cos(np.pi * (done - _RISE) / (1 - _RISE)))


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write arrays in one step, so that a file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name("unfinished.npz")
    np.savez(unfinished, **arrays)
    unfinished.replace(path)


def keep(network: Any, optimiser: Any, path: Path, done: int, seconds: float) -> None:
    """Write weights and the optimiser's moments, what is done, and the CPU seconds it took."""
    arrays: dict[str, Any] = {"done": np.array(done), "seconds": np.array(seconds)}
    for i, parameter in enumerate(network.parameters()):
        arrays[f"p{i}"] = parameter.detach().numpy()
        arrays |= {f"{key}{i}": value.numpy() for key, value in optimiser.state[parameter].items()}
    write_arrays(path, arrays)


def resume(network: Any, optimiser: Any, path: Path) -> tuple[int, float]:
    """Read what `keep` wrote: what is done and CPU seconds spent, nought when there is nothing."""
    if not path.is_file():
        return 0, 0.0
    torch = need("torch", extra="train")
    with np.load(path, allow_pickle=False) as kept, torch.no_grad():
        for i, parameter in enumerate(network.parameters()):
            parameter.copy_(torch.from_numpy(kept[f"p{i}"]))
            optimiser.state[parameter] = {
                key: torch.from_numpy(kept[f"{key}{i}"]).clone() for key in ("step", "exp_avg", "exp_avg_sq")
            }
        return int(kept["done"]), float(kept["seconds"])


def levels(weight: Array) -> tuple[NDArray[np.int8], Array]:
    """Weights as 8-bit integers, shape (rows, k), and the size of a unit in each row.

    Examples
    --------
    >>> whole, unit = levels(np.array([[0.5, -1.0], [0.0, 0.0]]))
    >>> (whole * unit[:, None]).round(2).tolist()
    [[0.5, -1.0], [0.0, 0.0]]
    """
    unit = np.maximum(np.abs(weight).max(axis=1), _TINY) / _LEVELS
    return np.round(weight / unit[:, None]).astype(np.int8), unit
