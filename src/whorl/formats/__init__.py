"""Files in and out: one module per format, found through an explicit registry.

`read` opens measured patterns, `read_structure` structures, `write_measurement` and `write_structure` the way back.
Reading never changes a file; writing is atomic.
"""

from __future__ import annotations

from whorl.formats.io import read

__all__ = ["read"]
