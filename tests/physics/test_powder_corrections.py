"""Corrections of intensities and positions against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.microabsorption import brindley, linear_attenuation, volume_factors
from whorl.physics.powder_corrections import (
    cos2_to_axis,
    cylinder_absorption,
    displacement_shift,
    lorentz_polarisation,
    march_dollase,
    texture_harmonics,
    transparency_shift,
)
from whorl.physics.symmetry import metric_tensor

CUBIC = np.array(np.meshgrid(*[[-1, 1]] * 3)).T.reshape(-1, 3)


def cubic_group():
    """The 48 rotations of m-3m as signed permutations."""
    permutations = [np.eye(3)[list(p)] for p in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))]
    return np.array([np.diag(s) @ p for s in CUBIC for p in permutations])


def test_lorentz_polarisation_limits():
    t = np.array([30.0, 90.0, 150.0])
    theta = np.radians(t) / 2
    lorentz = 1 / (np.sin(theta) ** 2 * np.cos(theta))
    assert lorentz_polarisation(t, neutron=True) == pytest.approx(lorentz)
    assert lorentz_polarisation(t) == pytest.approx(lorentz * (1 + np.cos(2 * theta) ** 2) / 2)
    assert lorentz_polarisation(t, polarised=1.0) == pytest.approx(lorentz)
    assert lorentz_polarisation(t, polarised=0.5) == pytest.approx(lorentz_polarisation(t))
    assert lorentz_polarisation(t, monochromator=0.0) == pytest.approx(lorentz_polarisation(t))
    # a monochromator at 90 degrees leaves one plane of polarisation only
    assert lorentz_polarisation(t, monochromator=90.0) == pytest.approx(lorentz)


@pytest.mark.parametrize("mu_r", [0.1, 0.5, 1.0])
def test_transmission_of_a_capillary(mu_r):
    """Against the mean of exp(-mu l) over the section of a cylinder, l the path of the beam in it, to a few per cent."""
    step = np.linspace(-1, 1, 401)
    x, y = np.meshgrid(step, step)
    inside = x * x + y * y < 1
    x, y = x[inside], y[inside]
    for two_theta in (0.0, 60.0, 120.0, 180.0):
        out = np.radians(two_theta)
        path = 0.0
        for along in (x, -(x * np.cos(out) + y * np.sin(out))):
            path = path + along + np.sqrt(along**2 + 1 - x * x - y * y)
        exact = float(np.mean(np.exp(-mu_r * path)))
        assert cylinder_absorption(np.array([two_theta]), mu_r)[0] == pytest.approx(exact, rel=0.05)


def test_shifts():
    assert displacement_shift(np.array([0.0]), 0.1, 200.0)[0] == pytest.approx(-np.degrees(0.001))
    assert displacement_shift(np.array([180.0]), 0.1, 200.0)[0] == pytest.approx(0.0, abs=1e-12)
    assert transparency_shift(np.array([90.0]), 1000.0)[0] == pytest.approx(-np.degrees(0.0005))


def test_march_dollase_keeps_the_whole():
    """The mean of the density over the sphere is 1 (Dollase 1986)."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    for r in (0.5, 1.0, 1.8):
        density = march_dollase((nodes**2)[:, None], r)[0]
        assert 0.5 * float(weights @ density) == pytest.approx(1.0, rel=1e-6)


def test_march_dollase_derivative():
    cos2 = cos2_to_axis(np.array([[1, 0, 0], [2, 1, 3]]), np.array([0, 0, 1]), cubic_group(), np.eye(3) * 16.0)
    up, down = march_dollase(cos2, 0.7 + 1e-6)[0], march_dollase(cos2, 0.7 - 1e-6)[0]
    assert march_dollase(cos2, 0.7)[1] == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_angles_to_an_axis():
    """Cubic: (111) makes 54.74 degrees with every face normal."""
    cos2 = cos2_to_axis(np.array([[1, 1, 1]]), np.array([0, 0, 1]), cubic_group(), np.eye(3) * 9.0)
    assert cos2 == pytest.approx(np.full(cos2.shape, 1 / 3))


def test_harmonics_of_cubic_symmetry():
    """Cubic crystals have no harmonic of order 2 and one of order 4 (Bunge, Texture Analysis (1982), table 4.1)."""
    hkl = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 0], [3, 1, 1], [3, 2, 1]])
    assert len(texture_harmonics(hkl, cubic_group(), np.eye(3) * 16.0, 2)) == 0
    found = texture_harmonics(hkl, cubic_group(), np.eye(3) * 16.0, 4)
    assert len(found) == 1
    h = hkl / np.linalg.norm(hkl, axis=1, keepdims=True)
    cubic = (h**4).sum(axis=1) - 0.6  # the cubic harmonic of order 4
    assert abs(np.corrcoef(found[0], cubic)[0, 1]) == pytest.approx(1.0, abs=1e-9)


def test_harmonics_do_not_depend_on_the_setting():
    """A hexagonal crystal has one harmonic of order 2: cos^2 of the angle to c."""
    metric = metric_tensor(np.array([3.2, 3.2, 5.2, 90, 90, 120.0]))
    six = np.array([[1, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    group = [np.eye(3)]
    for _ in range(5):
        group.append(six @ group[-1])
    hkl = np.array([[1, 0, 0], [0, 0, 2], [1, 0, 1], [1, 0, 2], [1, 1, 0]])
    found = texture_harmonics(hkl, np.array(group), metric, 2)
    assert len(found) == 1
    cos2 = cos2_to_axis(hkl, np.array([0, 0, 1]), np.array(group), metric)[:, 0]
    assert abs(np.corrcoef(found[0], cos2)[0, 1]) == pytest.approx(1.0, abs=1e-9)


def test_brindley_table():
    """Brindley (1945), table 2, sphere: tau of (mu - mu') R = -0.1, 0.05, 0.1, 0.3: 1.142, 0.931, 0.862, 0.652 or nearly."""
    found = [brindley(v) for v in (-0.1, 0.05, 0.1, 0.3)]
    assert found == pytest.approx([1.142, 0.931, 0.862, 0.652], rel=0.02)


def test_attenuation_of_nickel_and_a_mixture():
    """Int. Tables C, 4.2.4.3: mu/rho of Ni at Cu K-alpha 48.8 cm^2/g, scattering included; the heavy phase loses."""
    assert linear_attenuation({"Ni": 1}, 8.9, 1.5418) == pytest.approx(8.9 * 48.8, rel=0.1)
    tau = volume_factors(np.array([0.5, 0.5]), np.array([280.0, 1980.0]), 2.0)
    assert tau[0] > 1 > tau[1]
