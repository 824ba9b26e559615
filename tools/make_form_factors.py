"""Write the two tables of scattering lengths that whorl ships, from the packages that carry them.

* ``form_factors.json``: X-ray f0 of free atoms and ions as five Gaussians and a constant,
  ``f0(s) = c + sum_i a_i exp(-b_i s^2)`` with ``s = sin(theta) / lambda = Q / (4 pi)`` in 1/angstrom, fitted for s <= 6:
  D. Waasmaier, A. Kirfel, Acta Cryst. A51, 416 (1995), doi:10.1107/S0108767394013292. Read from XrayDB's SQLite file.
* ``neutron_lengths.json``: bound coherent scattering lengths in fm, natural isotopic abundance plus D:
  V. F. Sears, Neutron News 3, 26 (1992), doi:10.1080/10448639208218770. Read from gemmi's ``neutron92``.

Run it with an interpreter that has both packages (``make peers`` makes one)::

    .venv-peers/bin/python tools/make_form_factors.py

It checks what it read before it writes: f0(0) is the number of electrons, and a few lengths known by heart.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import sqlite3
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "src" / "whorl" / "physics" / "data"
ELECTRONS_TOLERANCE = 0.005
"""Largest relative error of f0(0) against the number of electrons."""

KNOWN_LENGTHS = {"H": -3.739, "D": 6.671, "C": 6.646, "O": 5.803, "Ti": -3.438, "V": -0.3824, "Mn": -3.73, "Ni": 10.3}

VALENCE_STATES = {"Cval": "C", "Siva": "Si"}
"""Neutral atoms as they are in a bond, by the names the source gives them."""

Row = dict[str, float | list[float]]


def electrons(symbol: str) -> int:
    """Give the electron count of an atom or ion: ``Fe3+`` has 23."""
    import gemmi

    found = re.match(r"([A-Z][a-z]?)(?:(\d+)([+-]))?", VALENCE_STATES.get(symbol, symbol))
    assert found is not None, symbol
    charge = int(found[2] or 0) * (1 if found[3] == "+" else -1)
    return int(gemmi.Element(found[1]).atomic_number) - charge


def read_form_factors() -> dict[str, Row]:
    """Read the Waasmaier-Kirfel coefficients by symbol, in order of atomic number."""
    package = importlib.util.find_spec("xraydb")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("xraydb is not installed here: run `make peers`, then this file with .venv-peers/bin/python")
    path = Path(package.submodule_search_locations[0]) / "xraydb.sqlite"
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as database:
        rows = database.execute("select ion, scale, exponents, offset from Waasmaier order by atomic_number, id").fetchall()
    table: dict[str, Row] = {}
    for ion, scale, exponents, offset in rows:
        table[ion] = {"a": json.loads(scale), "b": json.loads(exponents), "c": offset}
    return table


def read_neutron_lengths() -> dict[str, float]:
    """Read the bound coherent lengths in fm; elements that the source leaves open (gemmi gives 0 for them) are left out."""
    import gemmi

    symbols = [gemmi.Element(z).name for z in range(1, 104)]
    symbols.insert(1, "D")
    lengths = {symbol: gemmi.Element(symbol).neutron92.get_coefs()[0] for symbol in symbols}
    return {symbol: length for symbol, length in lengths.items() if length != 0.0}


def check_form_factors(table: dict[str, Row]) -> None:
    """Refuse a table whose atoms and ions do not hold their electrons at s = 0."""
    for symbol, row in table.items():
        at_zero = sum(row["a"]) + row["c"]  # type: ignore[arg-type,operator]
        if abs(at_zero / electrons(symbol) - 1) > ELECTRONS_TOLERANCE:
            raise SystemExit(f"f0(0) of {symbol} is {at_zero:.3f}, expected {electrons(symbol)}")


def check_neutron_lengths(lengths: dict[str, float]) -> None:
    """Refuse a table that contradicts the lengths everybody knows."""
    wrong = {s: (lengths.get(s), b) for s, b in KNOWN_LENGTHS.items() if abs(lengths.get(s, 0.0) - b) > 1e-3}
    if wrong:
        raise SystemExit(f"neutron lengths differ from the known ones: {wrong}")


def write(name: str, head: dict[str, object], key: str, table: dict[str, object]) -> None:
    """Write one table as JSON with one line per symbol, so that a changed value is one changed line."""
    lines = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}," for k, v in head.items()]
    lines += [f'  "{key}": {{', ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()), "  }"]
    DATA.mkdir(parents=True, exist_ok=True)
    (DATA / name).write_text("\n".join(["{", *lines, "}"]) + "\n", encoding="utf-8")
    print(f"{name}: {len(table)} entries")


def main() -> None:
    """Read, check and write both tables."""
    factors, lengths = read_form_factors(), read_neutron_lengths()
    check_form_factors(factors)
    check_neutron_lengths(lengths)
    write(
        "form_factors.json",
        {
            "what": "X-ray f0(s) = c + sum_i a_i exp(-b_i s^2), s = sin(theta)/lambda = Q/(4 pi) <= 6 1/angstrom",
            "unit": "electrons; b in angstrom^2",
            "source": "D. Waasmaier, A. Kirfel, Acta Cryst. A51, 416-431 (1995)",
            "doi": "10.1107/S0108767394013292",
            "read_from": f"XrayDB {importlib.metadata.version('xraydb')} (https://github.com/xraypy/XrayDB)",
            "licence": "data placed in the public domain by XrayDB; its code is MIT",
            "symbols": "neutral atoms H to Cf; ions like Fe3+, O2-; valence states Cval, Siva",
        },
        "coefficients",
        dict(factors),
    )
    write(
        "neutron_lengths.json",
        {
            "what": "bound coherent neutron scattering length (real part), natural isotopic abundance; D is deuterium",
            "unit": "fm",
            "source": "V. F. Sears, Neutron News 3 (3), 26-37 (1992)",
            "doi": "10.1080/10448639208218770",
            "read_from": f"gemmi {importlib.metadata.version('gemmi')} Element.neutron92 (https://github.com/project-gemmi/gemmi)",
            "licence": "published values (facts); gemmi is MPL-2.0",
            "absorbers": "B, Cd, In, Sm, Eu, Gd, Dy and Ir absorb: their imaginary part depends on wavelength and is not given",
        },
        "lengths",
        dict(lengths),
    )


if __name__ == "__main__":
    main()
