"""One run on disk: what its folder holds, how it is written and read back.

``verdict.json`` (the public JSON), ``run.json`` (its row in the index), ``curves.npz`` (arrays, never pickled objects),
``structures/`` (CIF and XYZ texts), ``extra/`` (whatever else a task keeps). Files are read-only once written.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whorl.core.atomic import sync_folder
from whorl.core.errors import UsageError, WorkspaceError
from whorl.core.verdict import Verdict

VERDICT, ROW, CURVES, STRUCTURES, EXTRA = "verdict.json", "run.json", "curves.npz", "structures", "extra"


@dataclass(frozen=True)
class StoredRun:
    """A kept run: its verdict at once, curves and files when asked for.

    Parameters
    ----------
    id : str
    folder : Path
        Holds the files of the run; not to be changed.
    verdict : Verdict
    """

    id: str
    folder: Path
    verdict: Verdict

    @cached_property
    def curves(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Name of the curve to name of the field to array, as they were saved."""
        path = self.folder / CURVES
        if not path.exists():
            return {}
        try:
            with np.load(path, allow_pickle=False) as archive:
                index = json.loads(str(archive["index"]))
                return {name: {field: archive[number] for field, number in members.items()} for name, members in index}
        except Exception as error:  # a damaged zip fails in many ways
            raise _damaged(path, error) from error

    @cached_property
    def structures(self) -> dict[str, str]:
        """File name to text of each structure."""
        return {path.name: self._bytes(path).decode() for path in self._files(STRUCTURES)}

    @cached_property
    def extra(self) -> dict[str, bytes]:
        """File name to bytes of what else was kept."""
        return {path.name: self._bytes(path) for path in self._files(EXTRA)}

    def _files(self, part: str) -> list[Path]:
        folder = self.folder / part
        return sorted(folder.iterdir()) if folder.is_dir() else []

    @staticmethod
    def _bytes(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise _damaged(path, error) from error


def read_run(folder: Path) -> StoredRun:
    """Read the verdict of a run folder.

    Raises
    ------
    WorkspaceError
        If the folder is gone or damaged.
    """
    path = folder / VERDICT
    try:
        verdict = Verdict.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise WorkspaceError(
            "the folder of this run is gone", where=str(folder), remedy="Put it back, or run the task again."
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return StoredRun(folder.name, folder, verdict)


def verdict_bytes(verdict: Verdict) -> bytes:
    """Write the public JSON of a verdict."""
    return (json.dumps(verdict.to_json_dict(), ensure_ascii=False, allow_nan=False) + "\n").encode()


def files(
    curves: Mapping[str, Mapping[str, ArrayLike]], structures: Mapping[str, str], extra: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Turn what `whorl.core.workspace.Workspace.save` is given into relative paths and bytes.

    Raises
    ------
    UsageError
        If a file name is a path or an array would need pickle.
    """
    found = {f"{STRUCTURES}/{_plain_name(name)}": text.encode() for name, text in structures.items()}
    found |= {f"{EXTRA}/{_plain_name(name)}": bytes(data) for name, data in extra.items()}
    if curves:
        found[CURVES] = _curve_bytes(curves)
    return found


def write_files(folder: Path, content: Mapping[str, bytes]) -> None:
    """Write files into a folder and flush them to the disk."""
    for name in sorted({str(Path(path).parent) for path in content} - {"."}):
        (folder / name).mkdir()
    for name, data in content.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    for path in [*(p for p in folder.iterdir() if p.is_dir()), folder]:
        sync_folder(path)


def finite(value: float | None) -> float | None:
    """Give the number, or ``None`` for NaN and infinities."""
    return None if value is None or not math.isfinite(value) else float(value)


def is_plain_suffix(suffix: str) -> bool:
    """Tell whether a file suffix is a dot and up to eight letters or digits."""
    return re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) is not None


def _curve_bytes(curves: Mapping[str, Mapping[str, ArrayLike]]) -> bytes:
    arrays: dict[str, NDArray[Any]] = {}
    known: dict[tuple[Any, ...], str] = {}  # candidates share their axis and data: each array is written once
    index: list[tuple[str, dict[str, str]]] = []
    for name, fields in curves.items():
        members: dict[str, str] = {}
        for field, values in fields.items():
            array = np.asarray(values)
            if array.dtype.hasobject:
                raise UsageError(
                    f"field {field!r} of curve {name!r} is no array of numbers", remedy="Give numbers, flags or texts."
                )
            number = known.setdefault((array.dtype.str, array.shape, array.tobytes()), str(len(known)))
            arrays[number] = array
            members[field] = number
        index.append((name, members))
    stream = io.BytesIO()
    np.savez(stream, index=np.array(json.dumps(index)), **arrays)  # type: ignore[arg-type]  # noise hardly compresses
    return stream.getvalue()


def _plain_name(name: str) -> str:
    if name != Path(name).name or name[:1] in ("", ".") or not name.isprintable() or len(name.encode()) > 200 or "\\" in name:
        raise UsageError(f"{name!r} is no plain file name", remedy="Give a name without folders, such as 'Pt.cif'.")
    return name


def _damaged(path: Path, error: Exception) -> WorkspaceError:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return WorkspaceError(f"the kept run is damaged ({text})", where=str(path), remedy="Run the task again.")
