"""The JSON schema of a verdict, published as ``docs/verdict.schema.json``.

Run ``python -m whorl.core.schema > docs/verdict.schema.json`` after a change of `whorl.core.verdict`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from whorl.core.verdict import SCHEMA_VERSION, Verdict


def verdict_schema() -> dict[str, Any]:
    """Give the schema (JSON Schema 2020-12) of one object of ``--json``.

    Examples
    --------
    >>> verdict_schema()["title"]
    'whorl verdict, version 1'
    """
    schema = Verdict.model_json_schema(mode="serialization")
    return (
        {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        | schema
        | {"title": f"whorl verdict, version {SCHEMA_VERSION}"}
    )


def schema_text() -> str:
    """Text of the published file."""
    return json.dumps(verdict_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
