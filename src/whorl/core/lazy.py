"""Import an optional package when it is needed, with an error that names the ``pip install``."""

from __future__ import annotations

import importlib
from typing import Any

from whorl.core.errors import MissingExtraError


def need(module: str, *, extra: str) -> Any:
    """Import ``module`` or say which extra brings it.

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{module} is not installed", remedy=f"Run: pip install 'whorl[{extra}]' (or pip install {module})."
        ) from error
