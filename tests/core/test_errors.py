"""Errors say where, what and what to do, and keep that between processes."""

from __future__ import annotations

import copy
import pickle

import pytest

from whorl.core import errors
from whorl.core.errors import MissingExtraError, PatternError, UsageError, WhorlError
from whorl.core.lazy import need

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, WhorlError)]


@pytest.mark.parametrize("kind", KINDS)
def test_parts_survive_a_trip(kind):
    error = kind("the file is empty.", where="a.gr, line 1", remedy="Export it again.")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is kind
        assert str(twin) == "a.gr, line 1: the file is empty. Export it again."
        assert twin.as_dict() == {"where": "a.gr, line 1", "what": "the file is empty", "remedy": "Export it again."}


def test_exit_codes():
    codes = {kind.__name__: kind.exit_code for kind in KINDS}
    assert codes.pop("UsageError") == UsageError.exit_code == 2
    assert codes.pop("MissingExtraError") == MissingExtraError.exit_code == 4
    assert set(codes.values()) == {3}


def test_text_without_place_or_remedy():
    assert str(WhorlError("no")) == "no."
    assert str(PatternError("no", remedy="Do.")) == "no. Do."


def test_a_missing_package_names_its_extra():
    assert need("math", extra="scale").pi > 3
    with pytest.raises(MissingExtraError, match=r"pip install 'whorl\[scale\]'"):
        need("no_such_package_of_whorl", extra="scale")
