"""The public JSON of a verdict: valid against the published schema, finite, and readable again."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from whorl.core.hypothesis import Cluster
from whorl.core.provenance import provenance
from whorl.core.schema import schema_text, verdict_schema
from whorl.core.verdict import (
    Candidate,
    Correlations,
    CredibleSet,
    Curve,
    FitQuality,
    Phase,
    Quantity,
    Verdict,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = verdict_schema()


def check(value, schema, where="$"):
    """Check a JSON value against the part of JSON Schema that pydantic writes."""
    if "$ref" in schema:
        return check(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], where)
    if "anyOf" in schema:
        problems = [check(value, option, where) for option in schema["anyOf"]]
        return [] if [] in problems else [text for found in problems for text in found]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{where}: {value!r} not in {schema['enum']}"]
    kinds = {"string": str, "number": (int, float), "integer": int, "boolean": bool, "null": type(None), "array": list}
    kind = schema.get("type")
    if kind in kinds and (not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{where}: {value!r} is no {kind}"]
    found = []
    if kind == "array":
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
            found.append(f"{where}: {len(value)} items")
        for i, item in enumerate(value):
            part = schema["prefixItems"][i] if "prefixItems" in schema else schema.get("items", {})
            found += check(item, part, f"{where}[{i}]")
    if kind == "object":
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no object"]
        known = schema.get("properties", {})
        found += [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            part = known.get(name, schema.get("additionalProperties", True))
            if part is False:
                found.append(f"{where}: {name} is not in the schema")
            elif isinstance(part, dict):
                found += check(item, part, f"{where}.{name}")
    return found


def full(number=0.118, parameters=None):
    return Verdict(
        whorl="0.1.0",
        task="identify",
        file="Pt.gr",
        sha256="00",
        technique="pdf",
        none_probability=0.01,
        candidates=[
            Candidate(
                rank=1,
                group=1,
                name="Pt (fcc)",
                kind="crystal",
                formula="Pt",
                probability=0.93,
                rw=number,
                evidence=number,
                parameters={"a": Quantity(value=number, sigma=number, unit="angstrom")},
                phases=[Phase(name="Pt (fcc)", formula="Pt", weight_fraction=Quantity(value=1.0, sigma=0.0))],
                quality=FitQuality(
                    range=(1.5, 30.0),
                    points=100,
                    independent_points=number,
                    free_parameters=3,
                    reduced_chi_squared=number,
                    residual_autocorrelation=number,
                    largest_residual_at=number,
                ),
                correlations=Correlations(names=["a", "b"], matrix=[[1.0, number], [number, 1.0]]),
                structures=(Cluster("Pt", symbols=("Pt",), positions=np.zeros((1, 3))),),
                curve=Curve(np.arange(2.0), np.ones(2), np.zeros(2), "r", "G"),
            )
        ],
        set=CredibleSet(level=0.9, members=["Pt (fcc)"]),
        assumptions=["radiation: X-ray (header)"],
        provenance=provenance("whorl identify Pt.gr", parameters or {}),
    )


def test_the_published_schema_is_the_current_one():
    assert (DOCS / "verdict.schema.json").read_text() == schema_text(), (
        "after a change of the verdict run: python -m whorl.core.schema > docs/verdict.schema.json"
    )


def test_the_module_prints_the_schema():
    run = subprocess.run([sys.executable, "-m", "whorl.core.schema"], capture_output=True, text=True, check=True)
    assert run.stdout == schema_text()


def test_a_full_verdict_follows_the_schema():
    data = full().to_json_dict()
    assert check(data, SCHEMA) == []
    assert data["candidates"][0]["parameters"]["a"] == {"value": 0.118, "sigma": 0.118, "unit": "angstrom", "at_limit": False}
    assert "error" not in data
    assert not {"structures", "curve"} & set(data["candidates"][0])  # kept beside the JSON, not in it


def test_the_checker_sees_what_is_wrong():
    data = full().to_json_dict()
    for name, value in (("file", 1), ("status", "odd"), ("seconds", "x"), ("candidates", {}), ("unknown", 1)):
        assert check(data | {name: value}, SCHEMA)
    assert check({}, SCHEMA)


@settings(max_examples=50, deadline=None)
@given(st.floats())
def test_json_is_strict_and_reads_back(number):
    verdict = full(number, {"limit": number})
    text = json.dumps(verdict.to_json_dict(), allow_nan=False)  # raises on NaN and infinities
    assert check(json.loads(text), SCHEMA) == []
    again = Verdict.model_validate_json(text)
    value = again.candidates[0].rw
    assert value == number if math.isfinite(number) else math.isnan(value)
    assert json.dumps(again.to_json_dict()) == text


def test_a_failed_verdict():
    verdict = Verdict.failed("identify", "a.gr", {"where": "a.gr", "what": "empty", "remedy": "Export it."}, sha256="ab")
    data = verdict.to_json_dict()
    assert check(data, SCHEMA) == []
    assert (data["status"], data["sha256"], data["error"]["remedy"]) == ("error", "ab", "Export it.")
    assert verdict.best is None
    assert verdict.is_none


def test_none_of_these():
    verdict = full()
    assert not verdict.is_none
    assert verdict.model_copy(update={"none_probability": 0.51}).is_none
    assert verdict.best.name == "Pt (fcc)"


def test_unknown_fields_are_refused():
    with pytest.raises(ValidationError):
        Quantity(value=1.0, error=0.1)


def test_difference_curve():
    assert full().candidates[0].curve.difference.tolist() == [1.0, 1.0]
