"""The network that reads the parameters of a fixed set of phases off a powder pattern: two convolutions, two dense layers.

It is the regression of Dong et al. (npj Comput. Mater. 7, 74 (2021), doi:10.1038/s41524-021-00542-4) made small, since it need
not be exact: a refinement starts from what it says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import convolution, dense
from whorl.learning.steps import ready

_KERNELS, _STRIDES, _CHANNELS = (9, 9), (4, 2), (16, 32)


def build_network(seed: int, *, points: int, outputs: int, width: int = 256) -> Any:
    """Make the untrained network: a torch module from `features`, shape (n, points), to (n, outputs).

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    nn: Any = ready(seed).nn
    length = points
    for kernel, stride in zip(_KERNELS, _STRIDES, strict=True):
        length = (length - kernel) // stride + 1
    return nn.Sequential(
        nn.Unflatten(1, (1, points)),
        nn.Conv1d(1, _CHANNELS[0], _KERNELS[0], stride=_STRIDES[0]),
        nn.ReLU(),
        nn.Conv1d(_CHANNELS[0], _CHANNELS[1], _KERNELS[1], stride=_STRIDES[1]),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(_CHANNELS[1] * length, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, outputs),
    )


def to_onnx(network: Any, *, points: int, outputs: int, metadata: dict[str, str]) -> bytes:
    """Weights of a trained network as ONNX, with the texts that belong to them."""
    graph = Graph("pd-quantify")
    x = graph.node("Reshape", "pattern", graph.constant(np.array([-1, 1, points])))
    layers = list(network)
    for layer in [c for c in layers if hasattr(c, "kernel_size")]:
        x = convolution(graph, x, layer)
    x = graph.node("Flatten", x, axis=1)
    *inner, last = [layer for layer in layers if hasattr(layer, "in_features")]
    for layer in inner:
        x = graph.node("Relu", dense(graph, x, layer))
    dense(graph, x, last, output="parameters")
    return graph.to_bytes(inputs={"pattern": points}, outputs={"parameters": outputs}, metadata=metadata)
