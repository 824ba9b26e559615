"""Look at an HDF5 file before reading it: nothing outside the file, nothing virtual, no foreign filters, no absurd sizes.

HDF5 can name other files (external links, external storage, virtual datasets) and declare far more data than it holds; a file
from somebody else must not make the reader open the first or allocate the second.

Damage inside the file can still crash the HDF5 library, which no check from here prevents: a server reads strangers' HDF5 files
in a child process.
"""

from __future__ import annotations

from typing import Any

from whorl.core.errors import PatternError

_MOST_OBJECTS = 20_000
#: filters of the HDF5 library itself and lzf of h5py: deflate, shuffle, fletcher32, szip, nbit, scale-offset
_FILTERS = frozenset((1, 2, 3, 4, 5, 6, 32000))
#: a dataset may declare this many times the size of the file (compression), or this many bytes at least
_RATIO = 200
_SMALL = 16 * 1024 * 1024
_REMEDY = "Copy the data into one plain file first."


def inspect(file: Any, where: str) -> None:
    """Refuse a file that reaches outside itself.

    Parameters
    ----------
    file : h5py.File
    where : str

    Raises
    ------
    PatternError
        If it holds external links, external storage, virtual datasets, unknown filters or very many objects.
    """
    import h5py

    pending = [file["/"]]
    seen = {h5py.h5o.get_info(pending[0].id).addr}
    while pending:
        group = pending.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                    raise PatternError("a link to another file", where=f"{where}, {group.name}/{name}", remedy=_REMEDY)
                continue
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _MOST_OBJECTS:
                raise PatternError(
                    f"more than {_MOST_OBJECTS} objects", where=where, remedy="Give the one NXdata group needed."
                )
            if isinstance(item, h5py.Group):
                pending.append(item)
            elif isinstance(item, h5py.Dataset):
                _dataset(item, where)


def _dataset(item: Any, where: str) -> None:
    place = f"{where}, {item.name}"
    if item.is_virtual:
        raise PatternError("a virtual dataset, which may read other files", where=place, remedy=_REMEDY)
    if item.external:
        raise PatternError("data stored in another file", where=place, remedy=_REMEDY)
    plist = item.id.get_create_plist()
    for k in range(plist.get_nfilters()):
        if plist.get_filter(k)[0] not in _FILTERS:
            raise PatternError("an unknown compression filter", where=place, remedy="Repack it with gzip (h5repack -f GZIP=4).")


def numbers(item: Any, where: str, file_bytes: int, max_bytes: int) -> Any:
    """Read a dataset of numbers as float64 after a look at its type and declared size.

    Raises
    ------
    PatternError
        If it holds no numbers or declares more bytes than the file can hold.
    """
    import numpy as np

    place = f"{where}, {item.name}"
    if item.dtype.kind not in "fiub" or item.dtype.itemsize > 16:
        raise PatternError("the dataset does not hold real numbers", where=place, remedy="Name the dataset with the signal.")
    declared = int(item.size or 0) * 8
    if declared == 0:
        raise PatternError("the dataset is empty", where=place, remedy="Export the file again.")
    if declared > max(_RATIO * file_bytes, _SMALL) or declared > 8 * max_bytes:
        raise PatternError(
            f"the dataset declares {declared / 1e6:.0f} MB in a file of {file_bytes / 1e6:.2f} MB",
            where=place,
            remedy="If it is meant, store it with less compression and pass a larger max_bytes.",
        )
    return np.asarray(item[()], dtype=np.float64)
