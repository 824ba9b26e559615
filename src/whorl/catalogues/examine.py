"""From the text of a CIF to rows of a catalogue: read, checked, its symmetry found where none is written, its family named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from whorl.catalogues.base import Entry
from whorl.catalogues.families import family_of
from whorl.catalogues.likeness import Likeness, likeness
from whorl.catalogues.records import structure_digest, to_entry, to_record
from whorl.catalogues.screening import screen
from whorl.catalogues.store import Row
from whorl.catalogues.symmetrise import TOLERANCE, symmetrised
from whorl.core.errors import WhorlError
from whorl.core.hypothesis import Cluster, Crystal, reduced_formula

_LONGEST_NAME = 80


@dataclass(frozen=True)
class Text:
    """A CIF of a collection: its key in the catalogue, what to call its place in words, its content."""

    key: str
    place: str
    data: bytes


@dataclass(frozen=True)
class Found:
    """A structure: its row, and what had to be decided to read it."""

    row: Row
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """What is no entry, and why."""

    key: str
    reason: str


def examine(text: Text) -> list[Found | Failed]:
    """Read all structures of a CIF of a collection.

    Each is checked (`screening`), and written in the symmetry of its atoms where the file states none.

    Parameters
    ----------
    text : Text

    Returns
    -------
    list of Found or Failed
        One for each data block with atoms; one `Failed` where the file as a whole cannot be read.
    """
    from whorl.formats.cif import read_blocks

    try:
        blocks = read_blocks(text.data, text.place)
    except WhorlError as error:
        return [Failed(text.key, reason(error, text.place))]
    except Exception as error:  # noqa: BLE001 - no file, whatever it holds, may stop the others
        return [Failed(text.key, unexpected(error))]
    stem = re.sub(r"\.m?cif$", "", re.split(r"[/\\]", text.key)[-1], flags=re.IGNORECASE)
    found: list[Found | Failed] = []
    for name, block in zip(_names([block.name for block in blocks]), blocks, strict=True):
        key = text.key if len(blocks) == 1 else f"{text.key}#{name}"
        title = [word for word in (block.title, stem, name if len(blocks) > 1 else "") if word]
        if isinstance(block.found, WhorlError):
            found.append(Failed(key, reason(block.found, text.place)))
            continue
        crystal = block.found.structure
        try:
            assert isinstance(crystal, Crystal)
            found.append(_screened(crystal, key, ", ".join(title), [*block.found.notes]))
        except WhorlError as error:
            found.append(Failed(key, reason(error, text.place)))
        except Exception as error:  # noqa: BLE001 - as above
            found.append(Failed(key, unexpected(error)))
    return found


def _screened(crystal: Crystal, key: str, title: str, notes: list[str]) -> Found:
    if crystal.space_group_number == 1:
        better = symmetrised(crystal)
        if better is not None:
            notes.append(f"listed in P 1; its atoms show {better.space_group} within {TOLERANCE:g} angstrom, which is used")
            crystal = better
    crystal, found = screen(crystal, notes)
    formula = reduced_formula(found.contents)
    crystal = replace(crystal, name=f"{formula} ({title})"[:_LONGEST_NAME])
    return Found(row_of(crystal, key, "", found), tuple(notes))


def row_of(structure: Crystal | Cluster, key: str, catalogue: str, found: Likeness | None = None) -> Row:
    """Make the row of a structure; a crystal without a family gets one.

    Parameters
    ----------
    structure : Crystal or Cluster
    key, catalogue : str
    found : Likeness, optional
        Of the crystal, where it was computed before.
    """
    if isinstance(structure, Cluster):
        return Row(to_entry(structure, key, catalogue), *to_record(structure))
    found = found or likeness(structure)
    structure = replace(structure, family=structure.family or family_of(found))
    text, raw = to_record(structure)
    entry = Entry(
        key=key,
        catalogue=catalogue,
        name=structure.name,
        kind=structure.kind,
        formula=reduced_formula(found.contents),
        family=structure.family,
        elements=structure.elements,
        space_group=found.number,
        atoms=found.atoms,
        size=0.0,
        source=structure.source,
        digest=structure_digest(text, raw),
        cell_spread=structure.cell_spread,
    )
    return Row(entry, text, raw, found.kind, found.measures.astype(np.float32).tobytes())


def reason(error: WhorlError, place: str) -> str:
    """Say why something failed, with the line but without the name of the file.

    Examples
    --------
    >>> reason(WhorlError("unknown element 'Qq'", where="a.cif, line 7", remedy="Use chemical symbols."), "a.cif")
    "line 7: unknown element 'Qq'. Use chemical symbols."
    """
    line = error.where.removeprefix(place).lstrip(", ") if error.where.startswith(place) else ""
    text = f"{line}: {error.what}" if line else error.what
    return f"{text}. {error.remedy}".strip()


def unexpected(error: Exception) -> str:
    """Say what an exception that nobody foresaw was."""
    text = str(error).splitlines()[0] if str(error) else ""
    return f"cannot be read ({type(error).__name__}{': ' + text if text else ''})"


def _names(blocks: Sequence[str]) -> Iterator[str]:
    """Number the names that occur more than once."""
    total, seen = Counter(blocks), Counter[str]()
    for name in blocks:
        seen[name] += 1
        yield f"{name}.{seen[name]}" if total[name] > 1 else name
