"""Files in and out: one module per format, found through an explicit registry.

`read` opens measured patterns, `read_structure` structures, `instrument_settings` instrument parameters; `write_measurement`,
`write_structure` and `write_instrument` go the other way.
Reading never changes a file; writing is atomic.
"""

from __future__ import annotations

from whorl.formats.files import MAX_BYTES
from whorl.formats.gsas_instrument import read_instrument
from whorl.formats.instrument_file import instrument_settings, write_instrument
from whorl.formats.io import read, read_structure, read_structure_with_notes, write_measurement, write_structure

__all__ = [
    "MAX_BYTES",
    "instrument_settings",
    "read",
    "read_instrument",
    "read_structure",
    "read_structure_with_notes",
    "write_instrument",
    "write_measurement",
    "write_structure",
]
