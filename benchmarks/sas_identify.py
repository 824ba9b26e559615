"""Identification of measured small-angle curves: is the right kind of model in the set, is it first, sizes, times."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from _harness import Table, arguments, cpu_time, find_data
from whorl.core.verdict import Verdict
from whorl.formats import read
from whorl.tasks.identify import identify
from whorl.tasks.recipes import open_all
from whorl.techniques.sas.classifier import classify
from whorl.techniques.sas.technique import SAS

GLOBULES = ("sphere", "fuzzy_sphere", "sphere@hardsphere", "sphere@hayter_msa")
CHARGED = ("prolate_ellipsoid@hayter_msa", "sphere@hayter_msa")
SHELLS = ("core_shell_sphere", "core_two_shell_sphere", "vesicle")
STACKED = ("lamellar_stack_paracrystal", "broad_peak", "teubner_strey")
ORDERED = (*STACKED, "fcc_paracrystal", "bcc_paracrystal", "sc_paracrystal", "hexagonal_cylinders")


@dataclass(frozen=True)
class Truth:
    """What a file is documented to be: kinds of models that say it, and a size where one is stated."""

    file: str
    kinds: tuple[str, ...]
    reason: str
    size: tuple[str, float, float] | None = None  # parameter, angstrom, relative tolerance


TRUTHS = (
    Truth("exp/Ludox_silica.xml", GLOBULES, "Ludox silica, concentrated"),
    Truth("exp/hSDS_D2O_2p0_percent.xml", CHARGED, "2 % SDS in D2O: charged micelles"),
    *(Truth(f"exp/ILL_D22_SDS_0931{n}.dat", CHARGED, "10 % SDS: charged micelles") for n in ("91_201", "93_203", "95_205")),
    Truth("exp/P123_D2O_30_percent.xml", ORDERED, "30 % P123: lyotropic liquid crystal"),
    Truth("exp/33837rear_1D_1.75_16.5_CanSAS1D.xml", ORDERED, "surfactant liquid crystal"),
    Truth(
        "exp/ISIS_Polymer_Blend_RT2.xml",
        ("mono_gauss_coil", "polymer_excl_volume"),
        "polystyrene blend: Gaussian chains, Rg 58",
        ("rg", 58.0, 0.03),
    ),
    Truth("exp/apoferritin.txt", SHELLS, "apoferritin: a hollow sphere"),
    Truth("exp/AOT_Microemulsion-Core_Contrast.xml", (*GLOBULES, "core_shell_sphere"), "droplets, contrast of the core"),
    Truth("exp/AOT_Microemulsion-Shell_Contrast.xml", SHELLS, "droplets, contrast of the shell"),
    Truth("exp/ISIS_98929.TXT", STACKED, "hydrated polyamide-6: broad lamellar peak"),
    *(Truth(f"exp/S50_15kG_horizSector_RF{s}.txt", (*GLOBULES, *SHELLS), "10 nm nanospheres") for s in "+-"),
    Truth("exp/SILIC010_noheader_3col.DAT", GLOBULES, "2 % silica nanoparticles, two-dimensional"),
    *(Truth(f"exp/xrsd_spheres_{n}.dat", GLOBULES, "palladium nanocrystals, spheres by the experts") for n in (0, 2)),
)
#: computed by other programs without noise: models and sizes are exact
COMPUTED = (
    Truth("ref/sasmodels_sphere.txt", ("sphere",), "sasmodels", ("radius", 50.0, 0.1)),
    Truth("ref/sasmodels_sphere_pd.txt", ("sphere",), "sasmodels", ("radius", 50.0, 0.1)),
    Truth("ref/sasmodels_core_shell_sphere.txt", ("core_shell_sphere",), "sasmodels", ("radius", 60.0, 0.1)),
    Truth("ref/sasmodels_cylinder.txt", ("rod",), "sasmodels", ("radius", 20.0, 0.1)),
    Truth("ref/sasmodels_hollow_cylinder.txt", ("tube",), "sasmodels", ("radius", 20.0, 0.1)),
    Truth("ref/sasmodels_ellipsoid_oblate.txt", ("oblate_ellipsoid",), "sasmodels", ("radius_equatorial", 80.0, 0.1)),
    Truth("ref/sasmodels_vesicle.txt", ("vesicle",), "sasmodels", ("radius", 100.0, 0.1)),
    Truth("ref/sasmodels_fuzzy_sphere.txt", ("fuzzy_sphere",), "sasmodels", ("radius", 60.0, 0.1)),
    Truth("ref/sasmodels_lamellar.txt", ("lamellar",), "sasmodels", ("thickness", 50.0, 0.1)),
    Truth("ref/sasmodels_mono_gauss_coil.txt", ("mono_gauss_coil",), "sasmodels", ("rg", 75.0, 0.1)),
    Truth("ref/sasmodels_dab.txt", ("dab",), "sasmodels", ("cor_length", 50.0, 0.1)),
    Truth("ref/sasmodels_teubner_strey.txt", ("teubner_strey",), "sasmodels", ("d", 100.0, 0.1)),
    Truth("ref/sasmodels_parallelepiped.txt", ("parallelepiped",), "sasmodels", ("length_a", 35.0, 0.1)),
    Truth("ref/sasmodels_sphere_x_hardsphere.txt", ("sphere@hardsphere",), "sasmodels", ("radius", 50.0, 0.1)),
    Truth("ref/sasfit_sphere-20-1.dat", ("sphere",), "SASfit", ("radius", 200.0, 0.1)),
    Truth("ref/irena_CS_300A_60A_0_50_0.txt", ("vesicle",), "Irena: an empty core", ("radius", 300.0, 0.1)),
    Truth("ref/irena_CS_300A_30A_10_50_20.txt", ("core_shell_sphere",), "Irena", ("radius", 300.0, 0.1)),
)
QUICK = ("exp/ISIS_Polymer_Blend_RT2.xml", "exp/xrsd_spheres_0.dat", "ref/sasmodels_sphere.txt")


@dataclass
class Outcome:
    """What identify said of a file."""

    truth: Truth
    verdict: Verdict
    seconds: float

    @property
    def keys(self) -> list[str]:
        """Kinds of the candidates, best first."""
        return [c.entries[0].partition("/")[2] for c in self.verdict.candidates]

    @property
    def first(self) -> bool:
        """Whether a right kind is first."""
        return self.keys[0] in self.truth.kinds

    @property
    def in_set(self) -> bool:
        """Whether a right kind is in the set, or in the group of the first, which cannot be told from it."""
        members = set(self.verdict.set.members if self.verdict.set else ())
        return any(
            k in self.truth.kinds and (c.name in members or c.group == 1)
            for k, c in zip(self.keys, self.verdict.candidates, strict=True)
        )

    def off(self) -> float | None:
        """Relative error of the stated size, of the best candidate of a right kind."""
        if self.truth.size is None:
            return None
        name, value, _ = self.truth.size
        for key, c in zip(self.keys, self.verdict.candidates, strict=True):
            if key in self.truth.kinds and name in c.parameters:
                return abs(c.parameters[name].value / value - 1)
        return float("inf")


def main() -> int:
    """Run."""
    options = arguments("identification of measured small-angle curves")
    data = find_data()
    table = Table("Small-angle scattering: identification of measured curves")
    if data is None:
        return table.finish(options)
    data = data / "sas"
    catalogues = open_all((), only=False)
    warm = read(data / QUICK[0])
    identify(warm, catalogues=catalogues)  # the curves of all models are computed once

    def run(truth: Truth) -> Outcome:
        measurement = read(data / truth.file)
        started = time.process_time()
        verdict = identify(measurement, catalogues=catalogues, top=10)
        return Outcome(truth, verdict, time.process_time() - started)

    def wanted(truths: tuple[Truth, ...]) -> list[Truth]:
        return [t for t in truths if not options.quick or t.file in QUICK]

    measured = [run(t) for t in wanted(TRUTHS)]
    computed = [run(t) for t in wanted(COMPUTED)]
    for found in (*measured, *computed):
        _row(table, found)
    _summary(table, "measured, documented", measured, 0.90, 0.75)
    _summary(table, "computed by other programs", computed, None, None)
    seconds = [o.seconds for o in (*measured, *computed)]
    table.add(
        "identify and fit, median and longest",
        "<= 3 s",
        f"{median(seconds):.2f}, {max(seconds):.2f} s CPU",
        met=max(seconds) <= 3.0,
    )
    signal = SAS.prepare(warm)
    told = cpu_time(lambda: classify(signal.x, signal.y, signal.sigma, signal.dq), repeats=20)
    table.add("classification alone", "<= 5 ms", f"{told.median * 1e3:.1f} ms", met=told.median <= 0.005)
    return table.finish(options)


def _row(table: Table, found: Outcome) -> None:
    best = found.verdict.candidates[0]
    off = found.off()
    said = f"{found.keys[0]} ({best.probability:.2f}), Rw {best.rw:.3f}"
    said += f"; set {len(found.verdict.set.members) if found.verdict.set else 0}, none {found.verdict.none_probability:.2f}"
    more: dict[str, Any] = {}
    if off is not None and found.truth.size is not None:
        said += f"; {found.truth.size[0]} off by {off:.1%}"
        more["met"] = off <= found.truth.size[2]
    place = "first" if found.first else "in the set" if found.in_set else "MISSED"
    table.add(f"{found.truth.file}: {found.truth.reason}", "", f"{place}: {said}", note=f"{found.seconds:.1f} s", **more)


def _summary(table: Table, what: str, found: list[Outcome], in_set: float | None, first: float | None) -> None:
    count = max(len(found), 1)
    inside, ahead = sum(o.in_set for o in found), sum(o.first for o in found)
    bar = "" if in_set is None else f">= {in_set:.0%}"
    table.add(f"{what}: in the set", bar, f"{inside} of {len(found)}", met=None if in_set is None else inside / count >= in_set)
    bar = "" if first is None else f">= {first:.0%}"
    table.add(f"{what}: first", bar, f"{ahead} of {len(found)}", met=None if first is None else ahead / count >= first)


if __name__ == "__main__":
    raise SystemExit(main())
