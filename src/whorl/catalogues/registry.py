"""Catalogues by name: the built-in ones, those a user added or imported, and any folder given by its path."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from whorl.catalogues import compounds, elements, nanoparticles, particles
from whorl.catalogues.base import STRUCTURES, Catalogue, holds
from whorl.catalogues.folder import AddReport, FolderCatalogue
from whorl.catalogues.home import cache, index_files, user_catalogues
from whorl.catalogues.imported import STORE, ImportedCatalogue
from whorl.catalogues.importing import ImportReport, Progress, run_import
from whorl.catalogues.sources import open_sources
from whorl.core.errors import CatalogueError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
#: where each built-in catalogue comes from: to add one, write its module and name it here
_BUILTIN: dict[str, Callable[[], Catalogue]] = {
    "elements": elements.catalogue,
    "compounds": compounds.catalogue,
    "nanoparticles": nanoparticles.catalogue,
    "particles": particles.catalogue,
}


@dataclass(frozen=True)
class Listed:
    """One line of the list of catalogues.

    Entries and skipped files are counts; the folder is where the structure files are, or the records of imported ones
    (``imported`` is then true), and ``None`` for built-in catalogues.
    """

    name: str
    entries: int
    skipped: int
    folder: Path | None
    imported: bool = False


def builtin_catalogues(kinds: Collection[str] | None = STRUCTURES) -> list[Catalogue]:
    """Give the catalogues that come with the package and hold some kinds of hypotheses: structures by default, None for all.

    Examples
    --------
    >>> [catalogue.name for catalogue in builtin_catalogues()]
    ['elements', 'compounds', 'nanoparticles']
    """
    found = [_builtin(name) for name in _BUILTIN]
    return found if kinds is None else [catalogue for catalogue in found if holds(catalogue, kinds)]


def open_catalogue(name_or_folder: str | Path) -> Catalogue:
    """Open a catalogue by its name, or a folder of structure files by its path.

    A name wins over a folder of the same name; write ``./NAME`` for the folder.

    Raises
    ------
    CatalogueError
        If it is neither, or the folder of a user's catalogue is gone.

    Examples
    --------
    >>> len(open_catalogue("elements").entries(elements={"Pt"}))
    1
    """
    text = str(name_or_folder)
    if isinstance(name_or_folder, str) and text in _BUILTIN:
        return _builtin(text)
    if isinstance(name_or_folder, str) and text in _user_names():
        return _open_user(text)
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        folder = folder.resolve()
        digest = sha256(str(folder).encode()).hexdigest()[:20]
        return FolderCatalogue(folder.name or str(folder), folder, cache() / "folders" / f"{digest}.sqlite")
    known = [*_BUILTIN, *_user_names()]
    close = get_close_matches(text, known, n=1)
    raise CatalogueError(
        f"no catalogue and no folder {text!r}" + (" (it is a file)" if folder.is_file() else ""),
        remedy=f"Did you mean {close[0]!r}?" if close else f"Use a folder of CIF or XYZ files, or one of {', '.join(known)}.",
    )


def add_folder(name: str, folder: str | Path) -> AddReport:
    """Make a folder of CIF and XYZ files a catalogue of the given name, or bring it up to date.

    The files stay where they are; adding, changing or deleting one takes effect at the next opening.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``, 64 at most.
    folder : str or Path

    Returns
    -------
    AddReport
        Entries added, and each file that was skipped with the reason.

    Raises
    ------
    UsageError
        If the name cannot be used.
    CatalogueError
        If there is no such folder, or it cannot be kept in the user's whorl folder.
    """
    _check_name(name)
    if is_imported(name):
        raise UsageError(
            f"catalogue {name!r} exists and was imported",
            remedy=f"Choose another name or forget it with `whorl catalogue remove {name}`.",
        )
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise CatalogueError("no such folder", where=str(folder), remedy="Give a folder that holds CIF or XYZ files.")
    path = path.resolve()
    if name in _user_names() and (before := _folder_of(name)) != path:
        raise UsageError(
            f"catalogue {name!r} exists and points to {before}",
            remedy=f"Choose another name or forget it with `whorl catalogue remove {name}`.",
        )
    place = user_catalogues() / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / "folder.txt").write_text(f"{path}\n", encoding="utf-8")
    except OSError as error:
        raise CatalogueError(
            f"it cannot be kept ({error.strerror})",
            where=str(place),
            remedy="Set WHORL_HOME to a folder you can write, or give the folder itself instead of a name.",
        ) from error
    return FolderCatalogue(name, path, place / "index.sqlite").report


def import_structures(
    name: str, sources: Sequence[str | Path], *, workers: int | None = None, progress: Progress | None = None
) -> ImportReport:
    """Import collections of CIFs as a catalogue of the given name, or add them to an imported one.

    The structures are kept in the user's whorl folder; the sources are not needed again and nothing of an archive is written to
    disk. What was imported before and has not changed is not read again, so that an interrupted import goes on where it was.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``, 64 at most.
    sources : sequence of str or Path
        Folders, zip and tar archives, JSON exports that hold CIF texts, CIFs.
    workers : int, optional
        Processes; as many as there are cores by default.
    progress : callable, optional
        Called with the number of texts that are done.

    Returns
    -------
    ImportReport
        What became of each structure, and of each text that gave none.

    Raises
    ------
    UsageError
        If the name cannot be used, or no source is given.
    CatalogueError
        If a source is not there, or the catalogue cannot be kept in the user's whorl folder.
    """
    _check_name(name)
    if name in _user_names() and not is_imported(name):
        raise UsageError(
            f"catalogue {name!r} exists and points to the folder {_folder_of(name)}",
            remedy=f"Choose another name or forget it with `whorl catalogue remove {name}`.",
        )
    if not sources:
        raise UsageError("nothing to import", remedy="Give a folder, an archive, a JSON export or a CIF.")
    opened = open_sources(sources)
    report = run_import(name, user_catalogues() / name, opened, workers=workers, progress=progress)
    if not report.entries:
        remove(name)
    return report


def list_catalogues() -> list[Listed]:
    """List the built-in catalogues, then the user's by name.

    A user's catalogue whose folder is gone is listed with no entries.
    """
    found = [Listed(name, len(_builtin(name).entries()), 0, None) for name in _BUILTIN]
    for name in _user_names():
        place = user_catalogues() / name if is_imported(name) else _folder_of(name)
        try:
            opened = _open_user(name)
            counts = opened.counts if isinstance(opened, ImportedCatalogue) else (opened.report.entries, len(opened.skipped))
        except CatalogueError:
            counts = (0, 0)
        found.append(Listed(name, *counts, place, is_imported(name)))
    return found


def remove(name: str) -> None:
    """Forget a user's catalogue; structure files stay where they are, records of imported structures are deleted.

    Raises
    ------
    UsageError
        If the catalogue is built in.
    CatalogueError
        If there is no such catalogue.
    """
    if name in _BUILTIN:
        raise UsageError(f"catalogue {name!r} is built in", remedy="Only catalogues that you added can be removed.")
    if name not in _user_names():
        raise CatalogueError(f"no catalogue {name!r}", remedy="See `whorl catalogue list`.")
    place = user_catalogues() / name
    files = [f"{file}{ending}" for file in ("index.sqlite", STORE) for ending in ("", "-wal", "-shm", "-journal")]
    for file in ("folder.txt", *files):
        (place / file).unlink(missing_ok=True)
    for path in index_files(name):
        path.unlink(missing_ok=True)
    if not any(place.iterdir()):
        place.rmdir()


@lru_cache(maxsize=8)
def _builtin(name: str) -> Catalogue:
    return _BUILTIN[name]()


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"catalogue name {name!r}", remedy="Use letters, digits, '_', '-' and '.', beginning with a letter or digit."
        )
    if name in _BUILTIN:
        raise UsageError(f"catalogue name {name!r} is taken by a built-in catalogue", remedy="Choose another name.")


def _user_names() -> list[str]:
    return sorted({path.parent.name for file in ("folder.txt", STORE) for path in user_catalogues().glob(f"*/{file}")})


def is_imported(name: str) -> bool:
    """Tell whether a name is that of an imported catalogue."""
    return (user_catalogues() / name / STORE).is_file()


def _folder_of(name: str) -> Path:
    return Path((user_catalogues() / name / "folder.txt").read_text(encoding="utf-8").strip())


def _open_user(name: str) -> FolderCatalogue | ImportedCatalogue:
    place = user_catalogues() / name
    if is_imported(name):
        return ImportedCatalogue(name, place)
    return FolderCatalogue(name, _folder_of(name), place / "index.sqlite")
