"""Small files of the powder formats, built byte by byte: ``build("xrdml", scans=2)`` gives the bytes."""

from __future__ import annotations

import numpy as np
import pytest

#: axis and counts of every built file, unless the builder is told otherwise
X = 10 + 0.5 * np.arange(120)
Y = np.round(50 + 900 * np.exp(-(((X - 30) / 1.5) ** 2)))


def _words(values):
    return " ".join(f"{v:.10g}" for v in values)


def xrdml(
    x=X,
    y=Y,
    scans=1,
    axis="Gonio",
    positions=None,
    extra="",
    element="counts",
    unit="counts",
    slit="fixedDivergenceSlitType",
    mode="Reflection",
    intended="K-Alpha 1",
    optics="",
    nonambient=(),
):
    positions = positions or f"<startPosition>{x[0]}</startPosition><endPosition>{x[-1]}</endPosition>"
    body = ""
    for k in range(scans):
        stage = f"<startValue>{nonambient[k]}</startValue><endValue>{nonambient[k]}</endValue>" if nonambient else ""
        stage = f'<nonAmbientValues type="Temperature" unit="K">{stage}</nonAmbientValues>'
        body += f"""<scan appendNumber="{k}" mode="Continuous" scanAxis="{axis}" status="Completed">
<header><startTimeStamp>2024-11-14T13:5{k}:02-08:00</startTimeStamp></header>{stage}
<dataPoints><positions axis="2Theta" unit="deg">{positions}</positions>
<positions axis="Omega" unit="deg"><startPosition>5</startPosition><endPosition>35</endPosition></positions>
<commonCountingTime unit="seconds">12.5</commonCountingTime>{extra}
<{element} unit="{unit}">{_words(y + k)}</{element}></dataPoints></scan>"""
    return f"""<?xml version="1.0"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/2.3"
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" status="Completed">
<sample type="To be analyzed"><id>corundum</id></sample>
<xrdMeasurement measurementType="Scan" status="Completed" sampleMode="{mode}"><usedWavelength intended="{intended}">
<kAlpha1 unit="Angstrom">1.5405980</kAlpha1><kAlpha2 unit="Angstrom">1.5444260</kAlpha2><kBeta unit="Angstrom">1.3922500</kBeta>
<ratioKAlpha2KAlpha1>0.5000</ratioKAlpha2KAlpha1></usedWavelength>
<incidentBeamPath><radius unit="mm">145.00</radius><xRayTube><anodeMaterial>Cu</anodeMaterial></xRayTube>{optics}
<divergenceSlit xsi:type="{slit}"><height unit="mm">1.52</height></divergenceSlit></incidentBeamPath>
{body}</xrdMeasurement></xrdMeasurements>""".encode()  # fmt: skip


def gsas(type="STD", x=X, y=Y, sigma=None, counters=None, binning=None, title="corundum", header=(), banks=1, channels=None):
    """GSAS data; ``x`` in degrees, or microseconds when ``binning`` is one of times of flight."""
    scale = 100 if binning is None else 1
    binning = binning or f"CONST {scale * x[0]:g} {scale * (x[1] - x[0]):g} 0 0"
    sigma = np.sqrt(y + 1) if sigma is None else sigma
    lines = [f"{title:80}", *header]
    for bank in range(1, banks + 1):
        lines.append(f"BANK {bank} {channels or y.size} {y.size} {binning} {type}")
        if type == "STD":
            counters = np.zeros(y.size) if counters is None else counters
            fields = [f"{int(n) or '':>2}{v:6.0f}" for n, v in zip(counters, y, strict=True)]
            lines += ["".join(fields[k : k + 10]) for k in range(0, y.size, 10)]
        elif type == "ESD":
            fields = [f"{v:8.1f}{s:8.2f}" for v, s in zip(y, sigma, strict=True)]
            lines += ["".join(fields[k : k + 5]) for k in range(0, y.size, 5)]
        elif type == "ALT":
            fields = [f"{32 * t:8.0f}{1000 * v:7.0f}{1000 * s:5.0f}" for t, v, s in zip(x, y, sigma, strict=True)]
            lines += ["".join(fields[k : k + 4]) for k in range(0, y.size, 4)]
        else:
            rows = zip(scale * x, y, sigma, strict=True)
            lines += [" ".join(f"{v:.8g}" for v in (row if type == "FXYE" else row[:2])) for row in rows]
    return "\r\n".join(lines).encode()


def stepped(x=X, y=Y, width=10, title="PbSO4 1.909A neutron data"):
    """Intensities at even steps."""
    rows = ["".join(f"{v:8.0f}" for v in y[k : k + width]) for k in range(0, y.size, width)]
    return "\n".join([f"  {x[0]:.3f}   {x[1] - x[0]:.3f} {x[-1]:.2f}  {title}", *rows, ""]).encode()


BUILDERS = {"xrdml": xrdml, "gsas": gsas, "stepped": stepped}
#: reader -> name of a small file of its own
NAMES = {"xrdml": "a.xrdml", "gsas": "a.gsas", "stepped": "a.dat"}


@pytest.fixture(scope="session")
def build():
    """Function that gives the bytes of a small file: ``build(key, **options)``."""

    def make(key, **options):
        return BUILDERS[key](**options)

    return make


@pytest.fixture(scope="session")
def built():
    """Give the name of a small file of each format that has a builder."""
    return NAMES


@pytest.fixture(scope="session")
def pattern():
    """Axis and counts of the built files."""
    return X, Y
