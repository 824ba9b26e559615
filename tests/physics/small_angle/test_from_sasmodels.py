"""Models of sasmodels as ours, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import MissingExtraError, UsageError
from whorl.physics.small_angle.composite import compose

Q = np.geomspace(0.003, 0.3, 40)


@pytest.fixture(autouse=True)
def _there():
    pytest.importorskip("sasmodels", reason="the extra 'sas' is not installed")
    try:
        compose("sasmodels:sphere")
    except MissingExtraError:
        pytest.skip("sasmodels has no C compiler here")


def test_a_sphere_is_a_sphere():
    for values in ({"radius": 60.0}, {"radius": 60.0, "radius_pd": 0.15}):
        assert compose("sasmodels:sphere").basis(Q, values) == pytest.approx(compose("sphere").basis(Q, values), rel=1e-4)


def test_a_model_that_only_sasmodels_has():
    model = compose("sasmodels:raspberry")
    assert {"radius_lg", "radius_sm"} <= {p.name for p in model.parameters if p.free}
    assert not any(p.free for p in model.parameters if p.role == "contrast")
    direct = pytest.importorskip("sasmodels.direct_model")
    kernel = pytest.importorskip("sasmodels.core").load_model("raspberry", platform="dll").make_kernel([Q])
    expected = direct.call_kernel(kernel, {"radius_lg": 900.0, "scale": 1.0, "background": 0.0})
    assert model.basis(Q, {"radius_lg": 900.0})[:, 0] == pytest.approx(expected)


def test_shells_that_are_not_there_are_held():
    free = {p.name for p in compose("sasmodels:core_multi_shell").parameters if p.free}
    assert "thickness1" in free
    assert "thickness2" not in free


def test_an_unknown_model():
    with pytest.raises(UsageError, match="Did you mean sasmodels:raspberry"):
        compose("sasmodels:rasberry")
