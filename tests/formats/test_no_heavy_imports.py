"""Importing the formats stays light: the libraries behind CIF and HDF5 load when a file needs them."""

import subprocess
import sys


def test_no_heavy_imports():
    heavy = ("h5py", "gemmi", "ase", "scipy", "numba", "matplotlib", "pydantic")
    code = f"import sys, whorl.formats; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
