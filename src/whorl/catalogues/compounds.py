"""The catalogue of common compounds by structure prototype (see ``data/compounds_*.toml``)."""

from __future__ import annotations

from whorl.catalogues.crystals import DATA, CrystalCatalogue


def catalogue() -> CrystalCatalogue:
    """Give the catalogue "compounds".

    Examples
    --------
    >>> [entry.name for entry in catalogue().entries(formula="CdSe")]
    ['CdSe (zincblende)', 'CdSe (wurtzite)']
    """
    return CrystalCatalogue("compounds", sorted(DATA.glob("compounds_*.toml")))
