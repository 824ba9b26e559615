"""The catalogue of the elements that are solid at ambient conditions, with common other forms (see ``data/elements.toml``)."""

from __future__ import annotations

from whorl.catalogues.crystals import DATA, CrystalCatalogue


def catalogue() -> CrystalCatalogue:
    """Give the catalogue "elements".

    Examples
    --------
    >>> catalogue().load("Pt-fcc").cell[0]
    3.9236
    """
    return CrystalCatalogue("elements", [DATA / "elements.toml"])
