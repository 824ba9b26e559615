"""whorl: measured scattering data in; ranked, refined, calibrated structures out.

>>> import whorl
>>> verdict = whorl.identify("Pt.gr")            # doctest: +SKIP
>>> verdict.candidates[0].name                   # doctest: +SKIP
'Pt (fcc)'
"""

from __future__ import annotations

__version__ = "0.1.0"
