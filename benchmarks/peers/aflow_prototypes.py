"""Structures of the AFLOW library of crystallographic prototypes as pymatgen ships them (a dependency of DebyeCalculator).

Takes nothing. Gives ``structures``: name, lattice (3 x 3, angstrom), elements, fractional positions. Sites of mixed occupation
keep their first element. Cite M. J. Mehl et al., Comput. Mater. Sci. 136, S1 (2017), doi:10.1016/j.commatsci.2017.01.017.
"""

import gzip
import importlib.util
import json
import sys
from pathlib import Path


def find_file() -> Path:
    spec = importlib.util.find_spec("pymatgen")
    if spec is None:
        raise SystemExit("pymatgen is not installed")
    for folder in spec.submodule_search_locations:
        found = sorted(Path(folder).glob("analysis/**/aflow_prototypes.json*"))
        if found:
            return found[0]
    raise SystemExit("pymatgen ships no aflow_prototypes.json")


path = find_file()
data = path.read_bytes()
rows = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
structures = [
    {
        "name": row["tags"]["aflow"],
        "lattice": row["snl"]["lattice"]["matrix"],
        "elements": [site["species"][0]["element"] for site in row["snl"]["sites"]],
        "positions": [site["abc"] for site in row["snl"]["sites"]],
    }
    for row in rows
]
Path(sys.argv[2]).write_text(json.dumps({"structures": structures}))
