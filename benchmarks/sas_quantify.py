"""Parameters of small-angle curves straight from the network: coverage with unseen instruments, errors, times, measured curves.

Samples of every kind are drawn anew, with other random numbers than those of training and calibration, and measured by
instruments of a kind that neither had: other windows, grids, noise and resolutions. Coverage is that of the intervals as
`quantify` gives them, at 68, 90 and 95 %, over all parameters of all kinds, and of the kinds one by one. A length counts as
told where its interval is clearly shorter than what the model tells before any data. Then curves of known or documented size:
the intervals and the medians as they come out, without a fit; nothing was adjusted to them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from _finder import share
from _harness import Table, arguments, cpu_time, find_data
from whorl.core.errors import WhorlError
from whorl.formats import read
from whorl.learning.sas_classes import UNSEEN
from whorl.learning.sas_corpus import Corpus, make
from whorl.learning.sas_experiments import measure
from whorl.learning.sas_parameters import kinds_told
from whorl.learning.sas_parameters_measured import measurement_of, samples_of
from whorl.tasks.quantify_form_factor import quantify_form_factor, quantify_form_factor_series
from whorl.techniques.sas.features import features
from whorl.techniques.sas.nuisances import NUISANCES, Curve, Nuisances
from whorl.techniques.sas.parameters import ParameterNetwork, raw_curve, start_values
from whorl.techniques.sas.prepare import prepare
from whorl.techniques.sas.targets import SHARP, targets_of

SEED = 20_261_122
LEVELS = (0.683, 0.9, 0.95)
#: file, model, parameter, angstrom, where from
MEASURED = (
    ("exp/ISIS_Polymer_Blend_RT2.xml", "mono_gauss_coil", {"rg": 58.0}, "documented"),
    ("exp/xrsd_spheres_0.dat", "sphere", {"radius": 19.9}, "a fit"),
    ("exp/xrsd_spheres_2.dat", "sphere", {"radius": 16.9}, "a fit"),
    ("exp/apoferritin.txt", "vesicle", {"radius": 38.8, "thickness": 26.3}, "a fit"),
    ("exp/2epe.dat", "prolate_ellipsoid", {"Rg": 14.4}, "Guinier's law"),
    ("ref/sasmodels_sphere_pd.txt", "sphere", {"radius": 50.0}, "computed by sasmodels"),
    ("ref/sasmodels_core_shell_sphere.txt", "core_shell_sphere", {"radius": 60.0}, "computed by sasmodels"),
    ("ref/sasmodels_cylinder.txt", "rod", {"radius": 20.0}, "computed by sasmodels"),
    ("ref/sasmodels_ellipsoid_oblate.txt", "oblate_ellipsoid", {"radius_equatorial": 80.0}, "computed by sasmodels"),
    ("ref/sasmodels_teubner_strey.txt", "teubner_strey", {"d": 100.0}, "computed by sasmodels"),
)


class Tally:
    """Errors and coverage, kind by kind."""

    def __init__(self) -> None:
        self.inside: dict[tuple[str, float], list[bool]] = {}
        self.errors: dict[str, list[float]] = {}
        self.lengths: dict[str, list[float]] = {}
        self.told: list[bool] = []

    def add(self, network: ParameterNetwork, kind: str, curves: list[Curve], truths: list[dict[str, float]]) -> None:
        """Ask for the parameters of curves of one kind, whose truth is known."""
        rows = np.stack([features(c.q, c.intensity, c.sigma, c.resolution, slit_length=c.slit_length) for c in curves])
        qmin = np.array([c.q[0] for c in curves])
        for level in LEVELS:
            answer = network.tell(rows, qmin, kind, level)
            for j, target in enumerate(answer.targets):
                true = np.array(
                    [float(target.decode(np.array(target.encode(t, q)), q)) for t, q in zip(truths, qmin, strict=True)]
                )
                if target.scale == "spread":
                    true = np.where(true < SHARP, 0.0, true)
                slack = 1e-6 * np.abs(true)
                hit = (answer.low[:, j] <= true + slack) & (true - slack <= answer.high[:, j])
                self.inside.setdefault((kind, level), []).extend(bool(h) for h in hit)
                if level == LEVELS[-1] and target.scale == "length":
                    error = np.abs(answer.value[:, j] / true - 1)
                    seen = answer.told[:, j]
                    self.told.extend(bool(s) for s in seen)
                    self.lengths.setdefault(kind, []).extend(float(e) for e in error[seen])
                    if kind not in self.errors or len(self.errors[kind]) < len(error):
                        self.errors[kind] = [float(e) for e in error]

    def over(self, level: float, kind: str = "") -> list[bool]:
        """Whether the intervals of a level held the truth, of all kinds or of one."""
        return [hit for (k, at), hits in self.inside.items() if at == level and kind in ("", k) for hit in hits]


def tallied(network: ParameterNetwork, corpus: Corpus, nuisances: Nuisances, seed: int) -> tuple[Tally, int]:
    """Every sample of a corpus in one experiment."""
    tally, samples, count = Tally(), samples_of(corpus), 0
    rng = np.random.default_rng(seed)
    for n, kind in enumerate(corpus.kinds):
        if kind not in network.kinds:
            continue
        curves, truths = [], []
        for i in np.flatnonzero(corpus.label == n):
            curve = measure(corpus.log_intensity[i], kind, rng, nuisances)
            if curve is not None:
                curves.append(curve)
                truths.append(samples[i])
        tally.add(network, kind, curves, truths)
        count += len(curves)
    return tally, count


def report(table: Table, tally: Tally, words: str, count: int, *, judged: bool) -> None:
    for level in LEVELS:
        found = tally.over(level)
        part = share(sum(found), len(found))
        bar = "92 to 97 %" if judged and level == 0.95 else f"{level:.1%}"
        met = 0.92 <= part.value <= 0.97 if judged and level == 0.95 else None
        table.add(f"{level:.1%} intervals that hold the truth, {words}", bar, part.text, note=f"{count} curves", met=met)
    kinds = {kind: np.mean(tally.over(0.95, kind)) for kind, level in tally.inside if level == 0.95}
    good = [kind for kind, value in kinds.items() if 0.92 <= value <= 0.97]
    low, high = min(kinds, key=lambda k: kinds[k]), max(kinds, key=lambda k: kinds[k])
    extremes = f"least {low} {kinds[low]:.1%}, most {high} {kinds[high]:.1%}"
    table.add(f"kinds within 92 to 97 %, {words}", "", f"{len(good)} of {len(kinds)}", note=extremes)
    told = [e for errors in tally.lengths.values() for e in errors]
    table.add(f"lengths that curves tell, {words}", "", f"{np.mean(tally.told):.0%}")
    table.add(f"median relative error of a length that is told, {words}", "", f"{np.median(told):.1%}")


def measured(table: Table) -> None:
    data = find_data()
    if data is None:
        return
    for file, model, sizes, source in MEASURED:
        path = data / "sas" / file
        if not path.is_file():
            continue
        try:
            verdict = quantify_form_factor(read(path), model, level=0.95)
        except WhorlError as error:
            table.add(f"{Path(file).stem} as {model}", "", str(error))
            continue
        warned = "; ".join(w for w in verdict.warnings if "no intervals" in w or "not told" in w)
        for name, size in sizes.items():
            found = verdict.parameters.get(name)
            if found is None:  # of an ellipsoid of revolution
                a, b = (verdict.parameters[n].value for n in ("radius_equatorial", "radius_polar"))
                table.add(
                    f"{Path(file).stem} as {model}: {name}",
                    f"{size:g} ({source})",
                    f"{np.sqrt((2 * a * a + b * b) / 5):.1f}",
                    note=warned,
                )
                continue
            ends = "none" if found.interval is None else f"{found.interval[0]:.1f} to {found.interval[1]:.1f}"
            table.add(
                f"{Path(file).stem} as {model}: {name}",
                f"{size:g} ({source})",
                f"{found.value:.1f} (95 %: {ends})",
                note=warned,
            )


def main() -> int:
    options = arguments(__doc__ or "")
    table = Table("Parameters of small-angle curves straight from the curve")
    network = ParameterNetwork.open()
    each = 4 if options.quick else 70
    with tempfile.TemporaryDirectory() as scratch:
        corpus = make(kinds_told(), each, SEED, Path(scratch), workers=1)
    unseen, count = tallied(network, corpus, UNSEEN, SEED + 1)
    report(table, unseen, "unseen instruments", count, judged=True)
    if not options.quick:
        report(table, *_pair(tallied(network, corpus, NUISANCES, SEED + 2)), judged=False)
    for kind in sorted(unseen.errors):
        told = unseen.lengths.get(kind, [])
        first = next(t.name for t in targets_of(kind) if t.scale == "length")
        part = f"{np.mean(unseen.over(0.95, kind)):.1%}"
        note = f"{np.median(told):.1%} over the lengths that are told" if told else "no length is told"
        table.add(
            f"median relative error of {first}, {kind}",
            "",
            f"{np.median(unseen.errors[kind]):.1%}",
            note=f"{note}; coverage {part}",
        )
    one = next(
        c for c in iter(lambda: measure(corpus.log_intensity[0], corpus.kinds[0], np.random.default_rng(5), UNSEEN), None)
    )
    frame = measurement_of(one)
    signal = prepare(frame)
    took = cpu_time(lambda: start_values(signal, "sphere"), repeats=20)
    table.add("start values of one curve", "<= 5 ms", f"{took.minimum * 1e3:.2f} ms", met=took.minimum <= 5e-3)
    took = cpu_time(lambda: network.ask([raw_curve(signal)] * 64, "sphere"), repeats=5)
    table.add("64 curves at once, each", "", f"{took.minimum / 64 * 1e3:.2f} ms")
    assert frame.sigma is not None
    series = type(frame)(
        "sas", frame.x, np.tile(frame.signal, (64, 1)), np.tile(frame.sigma, (64, 1)), resolution=frame.resolution
    )
    took = cpu_time(lambda: list(quantify_form_factor_series(series, "sphere")), repeats=3)
    rate = 64 * 60 / took.minimum
    table.add("frames of a series, verdicts and all", ">= 2000 a minute", f"{rate:.0f} a minute", met=rate >= 2000)
    measured(table)
    return table.finish(options)


def _pair(found: tuple[Tally, int]) -> tuple[Tally, str, int]:
    return found[0], "instruments as in training", found[1]


if __name__ == "__main__":
    raise SystemExit(main())
