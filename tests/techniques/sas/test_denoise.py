"""Denoising of small-angle data: errors, coverage, what scales, what is kept, what is said, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.physics.small_angle.frames import inversion_centre, starlet, starlet_noise
from whorl.physics.small_angle.low_rank import low_rank
from whorl.physics.small_angle.models.sphere import sphere
from whorl.techniques.sas.denoise import denoise
from whorl.techniques.sas.denoise_curve import denoise_curve
from whorl.techniques.sas.denoise_frame import denoise_frame
from whorl.techniques.sas.denoise_series import denoise_frames

Q = np.geomspace(0.006, 0.25, 180)


def spheres(radius=120.0, background=2e-4):
    curve = sphere(Q, radius, 4.0, 1.0).intensity
    return curve / curve.max() + background


def short(truth, counts, rng):
    sigma = truth / np.sqrt(truth * Q / np.sum(truth * Q) * counts)
    return truth + rng.normal(0, sigma), sigma


def test_curves_are_nearer_to_the_truth_and_say_how_near():
    """Half the error of the points or less; 68 and 95 % intervals hold as often as 16 curves allow to say."""
    rng = np.random.default_rng(21)
    one, two, errors = [], [], []
    for _ in range(16):
        truth = spheres(rng.uniform(40, 160))
        values, sigma = short(truth, 30_000, rng)
        found = denoise_curve(Q, values, sigma)
        off = np.abs(found.intensity - truth) / found.sigma
        one.append(np.mean(off < 1))
        two.append(np.mean(off < 1.96))
        errors.append(np.sqrt(np.mean(((found.intensity - truth) / sigma) ** 2)))
    assert np.median(errors) < 0.5
    assert 0.58 < np.mean(one) < 0.78
    assert 0.88 < np.mean(two) < 0.99


@pytest.mark.parametrize("factor", [1e-3, 1e4])
def test_nothing_depends_on_the_scale(factor):
    values, sigma = short(spheres(), 10_000, np.random.default_rng(22))
    one, other = denoise_curve(Q, values, sigma), denoise_curve(Q, values * factor, sigma * factor)
    assert other.intensity == pytest.approx(one.intensity * factor, rel=1e-5, abs=1e-7 * factor)
    assert other.gain == pytest.approx(one.gain, rel=1e-4)


def test_minima_of_equal_spheres_and_bragg_peaks_stay():
    """The first minimum stays as deep, and a peak of a lamellar order as high, as the noise there lets tell."""
    rng = np.random.default_rng(23)
    truth = spheres(150.0, 1e-5)
    values, sigma = short(truth, 3e6, rng)
    found = denoise_curve(Q, values, sigma)
    first = int(np.argmin(np.abs(Q - 4.4934 / 150)))
    low = slice(first - 2, first + 3)
    assert np.min(found.intensity[low]) < 0.1 * found.intensity[first - 15]
    assert found.intensity[low] == pytest.approx(truth[low], abs=4 * np.max(sigma[low]))
    peak = 0.02 * (Q / 0.05) ** -2 + np.exp(-0.5 * ((Q - 0.08) / 0.002) ** 2)
    values, sigma = short(peak, 50_000, rng)
    top = int(np.argmax(peak))
    assert denoise_curve(Q, values, sigma).intensity[top] == pytest.approx(peak[top], abs=3 * sigma[top])


def test_stated_uncertainties_that_are_too_small_are_not_believed():
    rng = np.random.default_rng(24)
    values, sigma = short(spheres(60.0), 1e5, rng)
    honest, bold = denoise_curve(Q, values, sigma), denoise_curve(Q, values, sigma / 3)
    assert bold.factor == pytest.approx(3.0, rel=0.25)
    assert np.median(bold.sigma / honest.sigma) == pytest.approx(1.0, abs=0.3)


def test_negative_intensities_are_data():
    rng = np.random.default_rng(25)
    truth = np.exp(-((Q * 60) ** 2) / 3)
    found = denoise_curve(Q, truth + rng.normal(0, 0.02, Q.size), np.full(Q.size, 0.02))
    tail = Q > 0.15
    assert np.mean(found.intensity[tail]) == pytest.approx(0.0, abs=0.006)  # 0.02 / sqrt of 25 points
    assert np.max(np.abs(found.intensity[tail])) < 0.03


def test_a_measurement_is_told_where_smoothing_is_not_supported():
    """Spikes at every fourth point need a parameter each, and the answer says so."""
    q = np.geomspace(0.01, 0.3, 60)
    y = np.where(np.arange(60) % 2 == 0, 1.0, 30.0)
    found = denoise(Measurement("sas", q, y, sigma=np.full(60, 0.01)))
    assert found.figures["effective_parameters"] > 0.7 * 60
    assert any("do not support smoothing" in text for text in found.warnings)


def test_a_measurement_keeps_what_its_file_says():
    values, sigma = short(spheres(50.0), 1e5, np.random.default_rng(26))
    given = Measurement(
        "sas", Q, values, sigma=sigma, resolution=0.02 * Q, settings={"intensity": "absolute", "thickness": 0.1}
    )
    found = denoise(given, range=(0.01, 0.2)).measurement
    assert found.settings["thickness"] == 0.1
    assert found.x[0] >= 0.01
    assert found.x[-1] <= 0.2
    assert found.resolution == pytest.approx(0.02 * found.x)
    assert found.sigma is not None
    assert np.array_equal(given.signal, values)


def test_frames_of_a_series_borrow_from_each_other():
    """Two components in 40 frames: rank 2, a third of the error of each frame by itself, intervals that hold."""
    rng = np.random.default_rng(27)
    share = np.linspace(0, 1, 40)[:, None]
    truth = (1 - share) * spheres(110.0) + share * spheres(45.0)
    noisy = [short(t, 5000, rng) for t in truth]
    values, sigma = (np.array(a) for a in zip(*noisy, strict=True))
    found = denoise_frames(Q, values, sigma)
    assert found.rank == 2
    joint = np.sqrt(np.mean(((found.intensity - truth) / sigma)[20] ** 2))
    alone = denoise_curve(Q, values[20], sigma[20]).intensity
    assert joint < 0.6 * np.sqrt(np.mean(((alone - truth[20]) / sigma[20]) ** 2))
    assert 0.85 < np.mean(np.abs(found.intensity - truth) < 1.96 * found.sigma) < 0.995
    series = denoise(Measurement("sas", Q, values, sigma=sigma))
    assert series.measurement.signal.shape == truth.shape
    assert series.figures["components"] == 2


def test_a_frame_unlike_the_others_is_named():
    rng = np.random.default_rng(28)
    truth = np.tile(spheres(60.0), (12, 1))
    truth[5] = spheres(60.0) * (1 + 0.3 * np.sin(40 * np.log(Q)))
    noisy = [short(t, 20_000, rng) for t in truth]
    values, sigma = (np.array(a) for a in zip(*noisy, strict=True))
    found = denoise(Measurement("sas", Q, values, sigma=sigma))
    told = [text for text in found.warnings if "does not describe" in text]
    assert not told or "5" in told[0]
    assert found.figures["components"] >= 2 or told


def test_noise_alone_has_no_component():
    rng = np.random.default_rng(29)
    sigma = np.outer(rng.uniform(0.5, 2, 30), rng.uniform(0.1, 3, 90))
    assert low_rank(rng.normal(0, sigma), sigma).size.size == 0


def image(rng, level, *, bent=0.0, spot=0.0):
    row, column = np.mgrid[:96, :110]
    dy, dx = row - 47.5, column - 52.0
    radius, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    rate = level * (np.exp(-((radius / 18) ** 2)) + 0.02) * (1 + bent * np.cos(2 * angle))
    rate = rate + spot * level * np.exp(-0.5 * ((row - 20) ** 2 + (column - 90) ** 2) / 6)
    return rng.poisson(rate).astype(float), rate


def test_frames_are_nearer_to_what_is_expected_and_say_how_near():
    """A fifth of the error of the counts where a pixel has one count in the middle; the centre is found to 1.5 pixels."""
    counts, rate = image(np.random.default_rng(30), 1.0)
    found = denoise_frame(counts)
    assert found.centre == pytest.approx((47.5, 52.0), abs=1.5)  # some 1000 counts over 13 pixels
    assert np.sqrt(np.mean((found.intensity - rate) ** 2 / rate)) < 0.2
    assert np.mean(np.abs(found.intensity - rate) < 1.96 * found.sigma) > 0.85
    assert found.gain > 5


def test_frames_keep_what_rings_do_not_hold():
    """An anisotropic pattern shows its harmonic; a spot of some 60 counts stays where it is."""
    rng = np.random.default_rng(31)
    counts, rate = image(rng, 30.0, bent=0.5, spot=0.2)
    found = denoise_frame(counts, centre=(47.5, 52.0))
    assert 2 in found.orders
    assert found.detail > 0
    assert found.intensity[20, 90] == pytest.approx(rate[20, 90], rel=0.4)
    assert np.sqrt(np.mean((found.intensity - rate) ** 2 / rate)) < 0.35


def test_masked_pixels_do_not_count():
    rng = np.random.default_rng(32)
    counts, rate = image(rng, 3.0)
    good = np.ones(counts.shape, dtype=bool)
    good[:, 30:34] = False
    spoiled = np.where(good, counts, 1e6)
    found = denoise_frame(spoiled, good, (47.5, 52.0))
    assert np.sqrt(np.mean((found.intensity - rate)[good] ** 2 / rate[good])) < 0.2


def test_centre_and_wavelets():
    counts, _ = image(np.random.default_rng(33), 20.0)
    assert inversion_centre(counts, np.ones(counts.shape, dtype=bool)) == pytest.approx((47.5, 52.0), abs=0.51)
    noise = np.random.default_rng(34).normal(size=(128, 128))
    spread = [np.std(part) for part in starlet(noise, 3)[:-1]]
    assert spread == pytest.approx(starlet_noise(3), rel=0.15)  # scales of 8 pixels: some 250 independent values


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (np.zeros((20, 20)), "0 counts"),
        (np.full((20, 20), -1.0), "negative"),
        (np.ones(50), "no frame"),
        (np.ones((3, 50)), "no frame"),
    ],
)
def test_what_is_no_frame_is_refused(counts, said):
    with pytest.raises(PatternError, match=said):
        denoise_frame(counts)


def test_curves_that_cannot_be_used_are_refused():
    q = np.geomspace(0.01, 0.3, 40)
    with pytest.raises(PatternError, match="positive"):
        denoise(Measurement("sas", q, np.full(40, -1.0), sigma=np.ones(40)))
    with pytest.raises(PatternError, match="points"):
        denoise(Measurement("sas", q[:5], np.ones(5), sigma=np.ones(5)))
