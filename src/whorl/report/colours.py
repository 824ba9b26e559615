"""Colours: one per element (in the spirit of Jmol's, toned down for print) and the palette of the plots.

The palette's data, fit and residual colours are those of Okabe and Ito (Color Universal Design, 2008), which stay apart for
people with any common form of colour blindness.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from whorl.core.hypothesis import ANY_ELEMENT, SYMBOLS

_TABLE: Final = (
    "edeeef cdeeef c181ef b9ee14 edaeb0 8e8f90 3b58ea ed1e1f 8ed359 acd6e7 a562e4 89ee14 b6a2a3 e0bf9e "
    "ed8114 edee3d 2de12f 80c7d7 8d4aca 46ee14 d8d9da b6babf a1a2a7 8996bf 987cbf d26a40 e08f9e 57c659 "
    "be8140 7d81ab b98e8f 6a8e8f b481d7 ed9d14 a13637 61b1c8 723aab 12ee14 91eeef 91d3d5 75bac1 5aaeb0 "
    "459b9c 318e8f 1a7e8d 126d87 b7b8b9 edcd8f a17777 6a8182 9a68b0 c87c14 911393 4b9bab 5d268f 12c014 "
    "72c9ef edeebf cdeebf bdeebf 9eeebf 8deebf 65eebf 4deebf 3beebf 2deebf 12ee9a 12d979 12c95b 12b744 "
    "12a633 54baef 54a2ef 2e92cc 337ea7 336a95 265b88 c5c6d5 edc732 b0b1c7 a15b56 5d5f67 9a57b0 a56214 "
    "775750 4b8395 4b136c 127e14 72a6eb 12b3ef 129def 128eef 1281ef 126fef 5a62e4 7962d7 8957d7 9c41ca "
    "ac2eca ac2eb4 ac1ea3 b41e88 bd136c "
).split()

#: chemical symbol -> "#rrggbb"
ELEMENT_COLOURS: Final[Mapping[str, str]] = MappingProxyType(
    {symbol: f"#{value}" for symbol, value in zip(SYMBOLS, _TABLE, strict=True)} | {"D": "#ededee", ANY_ELEMENT: "#93a4b5"}
)

#: role in a plot -> colour on a light page. The page replaces each by a variable of its style sheet, so that the same drawing
#: works on a dark page; the values must therefore differ from each other.
PALETTE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ink": "#1b2733",
        "muted": "#5a6774",
        "rule": "#cfd6dd",
        "panel": "#f5f7f9",
        "data": "#7d8fa1",
        "fit": "#d55e00",
        "residual": "#0072b2",
        "band": "#9cc5e0",
        "phase-1": "#0073b3",
        "phase-2": "#d55f00",
        "phase-3": "#009e73",
        "phase-4": "#cc79a7",
        "phase-5": "#b58900",
        "phase-6": "#56b4e9",
        "phase-7": "#8a5a44",
        "phase-other": "#8b97a3",
    }
)


def element_colour(symbol: str) -> str:
    """Colour of an element, grey for what is none.

    Examples
    --------
    >>> element_colour("X")
    '#93a4b5'
    """
    return ELEMENT_COLOURS.get(symbol, "#93a4b5")


def mixed(colour: str, other: str, share: float) -> str:
    """Mix ``share`` of ``other`` into ``colour`` (both "#rrggbb").

    Examples
    --------
    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    pairs = ((int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
