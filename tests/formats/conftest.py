"""Small files of the powder formats, built byte by byte: ``build("xrdml", scans=2)`` gives the bytes."""

from __future__ import annotations

import io
import json
import struct
import zipfile

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


def _put(size, **fields):
    """Bytes of a header: values packed at offsets, ``_24="<f 10.0"`` for 10.0 at byte 24."""
    head = bytearray(size)
    for name, value in fields.items():
        at = int(name[1:])
        if isinstance(value, tuple):
            struct.pack_into(value[0], head, at, *value[1:])
        else:
            head[at : at + len(value)] = value
    return bytes(head)


def _floats(y):
    return np.asarray(y, dtype="<f4").tobytes()


def bruker_1(x=X, y=Y, scans=1, repeat_magic=True):
    """``RAW ``: 156 bytes of header before each range; early files repeat the magic only in the first."""
    parts = []
    for k in range(scans):
        head = _put(
            156, _0=b"RAW ", _4=("<I", y.size), _8=("<f", 2.0), _12=("<f", x[1] - x[0]), _24=("<f", x[0]), _40=b"corundum",
            _72=("<2f", 1.54056, 1.54439), _152=("<I", scans - k - 1),
        )  # fmt: skip
        parts += [head if k == 0 or repeat_magic else head[4:], _floats(y + k)]
    return b"".join(parts)


def bruker_2(x=X, y=Y, scans=1, kelvin=0):
    """``RAW2``: 256 bytes of file header, range headers of stated length."""
    head = _put(
        256, _0=b"RAW2", _4=("<H", scans), _168=b"01-Jan-1999 12:00:00", _188=b"Cu", _190=("<3f", 1.54056, 1.54439, 0.5)
    )
    for k in range(scans):
        own = _put(60, _0=("<2H", 60, y.size), _8=("<3f", 2.0, x[1] - x[0], x[0]), _46=("<H", kelvin + k))
        head += own + _floats(y + k)
    return head


def bruker_3(x=X, y=Y, scans=1, code=0, extra=40, record=4):
    """``RAW1.01``: 712 bytes of file header, 304 of range header, a supplementary header."""
    head = _put(
        712, _0=b"RAW1.01", _8=("<2I", 1, scans), _16=b"01/02/05", _26=b"12:00:00", _326=b"corundum", _564=("<f", 217.5),
        _608=b"Cu", _616=("<5d", 1.54184, 1.5406, 1.54439, 1.39222, 0.5),
    )  # fmt: skip
    for k in range(scans):
        own = _put(
            304, _0=("<2I", 304, y.size), _8=("<2d", x[0] / 2, x[0]), _176=("<d", x[1] - x[0]), _192=("<f", 2.0),
            _196=("<I", code), _248=("<3I", int(record > 4), record, extra),
        )  # fmt: skip
        rows = b"".join(_floats([v]) + bytes(record - 4) for v in y + k)
        head += own + bytes(extra) + rows
    return head


def bruker_4(x=X, y=Y, scans=1, kind="Locked Coupled", drive="2Theta", start=None, step=None, record=4):
    """``RAW4.00``: 61 bytes, records of (kind, length), ranges with drives."""
    data = _put(61, _0=b"RAW4.00", _12=b"08/30/2021", _24=b"20:35:58")
    data += _put(36 + 9, _0=("<2I", 10, 45), _12=b"SAMPLEID", _36=b"corundum")
    data += _put(120, _0=("<2I", 30, 120), _72=("<5d", 1.54184, 1.5406, 1.54439, 1.39222, 0.5), _116=b"Cu")
    start, step = x[0] if start is None else start, x[1] - x[0] if step is None else step
    for k in range(scans):
        other = "Theta" if drive != "Theta" else "2Theta"
        drives = _put(64, _0=("<2I", 50, 64), _8=("<I", 1), _12=drive.encode(), _56=("<d", start))
        drives += _put(64, _0=("<2I", 50, 64), _12=other.encode(), _56=("<d", x[0] if other == "2Theta" else x[0] / 2))
        data += _put(
            160, _0=("<I", 160 * (k % 2)), _32=kind.encode(), _72=("<2d", start, step), _88=("<I", y.size),
            _136=("<2I", record, len(drives)),
        )  # fmt: skip
        data += drives + b"".join(_floats([v]) + bytes(record - 4) for v in y + k)
    return data


def stoe(x=X, y=Y, version=b"RAW_1.06Powdat"):
    """``RAW_1.06Powdat``: blocks of 512 bytes, the data in the last ones."""
    blocks = -(-4 * y.size // 512)
    head = _put(
        1024, _0=version, _16=b"22-Sep-20 17:18", _32=b"corundum", _322=("<2f", 1.5406, 1.54439),
        _474=("<2H", blocks, blocks + 3),
    )  # fmt: skip
    own = _put(
        512,
        _34=("<H", y.size),
        _44=("<6f", x[0], x[0] / 2, x[-1], x[-1] / 2, x[1] - x[0], 0),
        _120=("<2I", int(y.min()), int(y.max())),
    )
    return head + own + y.astype("<u4").tobytes().ljust(512 * blocks, b"\0")


def packed(members, method=zipfile.ZIP_DEFLATED):
    """A zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


VIEWS = """<DataViews><RawDataView xsi:type="FixedRawDataView" Start="0" Length="1" LogicName="MeasuredTime"/>
<RawDataView xsi:type="FixedRawDataView" Start="1" Length="1" LogicName="AbsorptionFactor"/>
<RawDataView xsi:type="VaryingRawDataView" Start="2" Length="2"><Varying LogicName="ScanAxes">
<FieldDefinitions AxisId="AXIS"/><FieldDefinitions AxisId="Theta"/></Varying></RawDataView>
<RawDataView xsi:type="RecordedRawDataView" Start="4" Length="1"><Recording><Unit Base="Counts"/></Recording></RawDataView>
</DataViews>"""


def brml(x=X, y=Y, scans=1, views=VIEWS, axis="TwoTheta", absorber=1, scale="", extra=None, flag="Measured"):
    """The XML of Bruker in a zip archive."""
    members = {"experimentCollection.xml": "<x/>"}
    for k in range(scans):
        points = "".join(
            f"<Datum>0.5,{absorber if i < 40 else 1},{t:.4f},{t / 2:.4f},{v + k:g}</Datum>"
            for i, (t, v) in enumerate(zip(x, y, strict=True))
        )
        members[f"Experiment0/RawData{k}.xml"] = f"""<?xml version="1.0"?>
<RawData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><TimeStampStarted>2024-03-12T15:02:00+02:00</TimeStampStarted>
<FixedInformation><Instrument><Radius Unit="mm" Value="280"/><Tube><TubeMaterial>Cu</TubeMaterial>
<WaveLengthAlpha1 Unit="A" Value="1.5406"/><WaveLengthAlpha2 Value="1.54439"/><WaveLengthRatio Value="0.5"/></Tube></Instrument>
</FixedInformation><DataRoutes><DataRoute RouteFlag="Final"><Datum>1,2</Datum></DataRoute><DataRoute RouteFlag="{flag}">
<ScanInformation VisibleName="Coupled TwoTheta/Theta"><TimePerStep>0.5</TimePerStep>{scale}</ScanInformation>{points}
{views.replace("AXIS", axis)}</DataRoute></DataRoutes></RawData>"""
    return packed(members | (extra or {}))


RAS_HEADER = {
    "FILE_SAMPLE": "corundum", "HW_XG_TARGET_NAME": "Cu", "HW_XG_WAVE_LENGTH_ALPHA1": "1.540593",
    "HW_XG_WAVE_LENGTH_ALPHA2": "1.544414", "MEAS_SCAN_AXIS_X_INTERNAL": "TwoThetaTheta", "MEAS_SCAN_UNIT_Y": "counts",
    "MEAS_SCAN_STEP": "0.5", "MEAS_SCAN_SPEED": "15", "MEAS_SCAN_SPEED_UNIT": "deg/min", "MEAS_DATA_COUNT": "120",
}  # fmt: skip


def ras(x=X, y=Y, scans=1, factors=None, end=True, **header):
    """Rigaku's text."""
    factors = np.ones(y.size) if factors is None else factors
    lines = ["*RAS_DATA_START"]
    for k in range(scans):
        lines += ["*RAS_HEADER_START", *(f'*{key} "{value}"' for key, value in (RAS_HEADER | header).items())]
        lines += ["*RAS_HEADER_END", "*RAS_INT_START"]
        lines += [f"{t:.4f} {v + k:.4f} {f:.4f}" for t, v, f in zip(x, y, factors, strict=True)]
        lines += ["*RAS_INT_END"] if end else []
    return "\r\n".join([*lines, "*RAS_DATA_END", ""]).encode("latin-1")


def rasx(x=X, y=Y, scans=1, axis="TwoThetaTheta", wave="Ka"):
    """Rigaku's archive."""
    members = {}
    for k in range(scans):
        rows = "\r\n".join(f"{t:.4f}\t{v + k:.4f}\t1" for t, v in zip(x, y, strict=True))
        members[f"Data{k}/Profile{k}.txt"] = "\ufeff" + rows
        members[
            f"Data{k}/MesurementConditions{k}.xml"
        ] = f"""<MeasurementConditions><GeneralInformation><SampleName>corundum</SampleName>
</GeneralInformation><HWConfigurations><XrayGenerator><TargetName>Cu</TargetName><WaveType>{wave}</WaveType>
<WavelengthKalpha1>1.540593</WavelengthKalpha1><WavelengthKalpha2>1.544414</WavelengthKalpha2></XrayGenerator></HWConfigurations>
<ScanInformation><AxisName>{axis}</AxisName><IntensityUnit>cps</IntensityUnit></ScanInformation></MeasurementConditions>"""
    return packed(members)


def pdcif(
    x=X, y=Y, esd=False, intensity="pd_proc_intensity_total", axis="pd_proc_2theta_corrected", before="", after="", name="p"
):
    """A profile in a CIF; without ``axis`` over the range that ``before`` states."""
    tags = [f"_{tag}" for tag in (axis, intensity) if tag]
    words = [f"{v:g}({max(round(np.sqrt(v)), 1)})" if esd else f"{v:g}" for v in y]
    rows = [f"{t:.4f} {w}" for t, w in zip(x, words, strict=True)] if axis else words
    return "\n".join([f"data_{name}", before, "loop_", *tags, *rows, after, ""]).encode()


def opxrd(x=X, y=Y, label=None):
    """JSON of the opXRD database."""
    rays = json.dumps({"primary_wavelength": "1.5406", "secondary_wavelength": "1.54439"})
    label = json.dumps({"phases": [], "xray_info": rays, "is_simulated": False, "temp_K": 295} if label is None else label)
    return json.dumps({"two_theta_values": list(x), "intensities": list(y), "label": label}).encode()


BUILDERS = {
    "opxrd": opxrd,
    "pdcif": pdcif,
    "xrdml": xrdml, "gsas": gsas, "stepped": stepped, "bruker-raw": bruker_4, "bruker-1": bruker_1, "bruker-2": bruker_2,
    "bruker-3": bruker_3, "stoe": stoe, "brml": brml, "ras": ras, "rasx": rasx, "zip": packed,
}  # fmt: skip
#: reader -> name of a small file of its own
NAMES = {
    "opxrd": "a.json",
    "pdcif": "a.cif", "xrdml": "a.xrdml", "gsas": "a.gsas", "stepped": "a.dat",
    "bruker-raw": "a.raw", "stoe": "a.raw", "brml": "a.brml",
    "ras": "a.ras", "rasx": "a.rasx",
}  # fmt: skip


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
