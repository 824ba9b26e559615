"""How a peer script talks to the benchmark that started it: one JSON file in, one JSON file out."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Payload = dict[str, Any]


def main(run: Callable[[Payload], Payload]) -> None:
    """Answer the question file named first on the command line in the file named second (``-`` or nothing: standard output)."""
    answer = run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    text = json.dumps(answer, default=_plain)
    if len(sys.argv) > 2 and sys.argv[2] != "-":
        Path(sys.argv[2]).write_text(text, encoding="utf-8")
    else:
        print(text)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"cannot send {type(value).__name__}")


def timed(function: Callable[[], Any], repeats: int, warmup: int = 1) -> tuple[Any, Payload]:
    """Call a function `warmup` + `repeats` times; give its last result and the CPU seconds per call."""
    seconds = []
    for index in range(warmup + max(1, repeats)):
        start = time.process_time()
        result = function()
        if index >= warmup:
            seconds.append(time.process_time() - start)
    return result, {"cpu_seconds": min(seconds), "cpu_seconds_median": statistics.median(seconds), "repeats": len(seconds)}
