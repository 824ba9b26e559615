"""All fitted curves of a batch in one file: NeXus HDF5 (one NXdata group per file) or a wide CSV table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

from whorl.core.errors import UsageError
from whorl.core.verdict import Curve, Verdict
from whorl.report.notation import label_symbol
from whorl.report.storage import cannot_write, safe_stem, write_whole
from whorl.report.tables import neutral


def write_curves(verdicts: Iterable[Verdict], path: str | Path) -> Path:
    """Write data, fit and difference of the best candidate of every verdict.

    Parameters
    ----------
    verdicts : iterable of Verdict
        Those without a curve are left out.
    path : str or Path
        ``.h5`` / ``.nxs``: NXroot, one NXentry per file with an NXdata group ``fit`` (signal ``observed``, axis ``x``,
        auxiliary signals ``calculated`` and ``difference``). ``.csv``: four columns per file (axis, observed, calculated,
        difference), each file on its own axis.

    Returns
    -------
    Path

    Raises
    ------
    UsageError
        If the suffix is unknown.
    WhorlError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> write_curves([], Path(tempfile.mkdtemp()) / "all.csv").read_text()
    ''
    """
    path = Path(path)
    writers = {".h5": _hdf5, ".hdf5": _hdf5, ".nxs": _hdf5, ".csv": _wide}
    if path.suffix.lower() not in writers:
        raise UsageError(f"curves cannot be written as {path.suffix!r}", where=str(path), remedy=f"Use {', '.join(writers)}.")
    found = [(v, v.best.name, v.best.curve) for v in verdicts if v.best is not None and v.best.curve is not None]
    writers[path.suffix.lower()](found, path)
    return path


def _wide(found: list[tuple[Verdict, str, Curve]], path: Path) -> None:
    if not found:
        write_whole(path, "")
        return
    head: list[str] = []
    columns: list[list[float]] = []
    for verdict, name, curve in found:
        head += [neutral(f"{curve.x_label} [{verdict.file}]")]
        head += [neutral(f"{kind} [{verdict.file}: {name}]") for kind in ("observed", "calculated", "difference")]
        columns += [a.tolist() for a in (curve.x, curve.observed, curve.calculated, curve.difference)]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([["" if v is None else f"{v:.8g}" for v in row] for row in zip_longest(*columns)])
    write_whole(path, stream.getvalue())


def _hdf5(found: list[tuple[Verdict, str, Curve]], path: Path) -> None:
    import h5py

    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(part, "w") as root:
            root.attrs["NX_class"] = "NXroot"
            root.attrs["creator"] = "whorl"
            for number, (verdict, name, curve) in enumerate(found):
                entry = root.create_group(f"entry_{number:05d}_{safe_stem(Path(verdict.file).stem)}")
                root.attrs.setdefault("default", entry.name.lstrip("/"))
                entry.attrs["NX_class"] = "NXentry"
                entry.attrs["default"] = "fit"
                entry["title"] = f"{name}: {verdict.file}".encode("utf-8", "replace").decode()
                entry["sha256"] = verdict.sha256
                _nxdata(entry.create_group("fit"), curve)
        part.replace(path)
    except OSError as reason:
        part.unlink(missing_ok=True)
        raise cannot_write(path, reason) from reason


def _nxdata(group: h5py.Group, curve: Curve) -> None:  # type: ignore[name-defined]  # noqa: F821 - h5py is imported lazily
    group.attrs["NX_class"] = "NXdata"
    group.attrs["signal"] = "observed"
    group.attrs["auxiliary_signals"] = ["calculated", "difference"]
    group.attrs["axes"] = ["x"]
    group.attrs["x_indices"] = 0
    for name, values, label in (
        ("x", curve.x, curve.x_label),
        ("observed", curve.observed, curve.y_label),
        ("calculated", curve.calculated, curve.y_label),
        ("difference", curve.difference, curve.y_label),
    ):
        data = group.create_dataset(name, data=values)
        data.attrs["long_name"] = label
        unit = label.rpartition("(")[2].rstrip(")")
        if label_symbol(label)[0] != label:
            data.attrs["units"] = unit
