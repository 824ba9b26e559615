r"""The network that sees phases in powder patterns: convolutions over ln Q, and a linear head that knows the place.

Convolutions make maps of what is near each place: a line, its width and height, a shoulder, nothing. The head weighs every map
at every place for every phase,

.. math::
    \ell_c = b_c + \sum_{k} \sum_m w_{cmk} \, h_{mk},

so that what it says is a sum over places, and class activation is exact. A mean over all places before the head, as
class-activation maps were introduced with, would forget where the lines are, which is all that tells phases apart. A second
head of the same kind gives amplitudes. Weights of the heads are written as 8-bit integers with a unit for each phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from whorl.core.lazy import need
from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import convolution, small_dense
from whorl.learning.steps import levels, ready

KERNELS, STRIDES, CHANNELS = (15, 15, 9), (2, 2, 1), (16, 32, 32)
#: bins of a place of the head
PLACE = prod(STRIDES)
#: start of the amplitudes: most phases are not there
_ABSENT = -1.0


@dataclass(frozen=True)
class Shape:
    """Points of the grid, and number of phases."""

    points: int
    phases: int

    @property
    def places(self) -> int:
        """Places of the head."""
        return self.points // PLACE


def build_network(seed: int, shape: Shape) -> Any:
    """Make the untrained network: a torch module from features, shape (n, 2, points), to logits and amplitudes, (n, phases).

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    torch = ready(seed)
    nn: Any = torch.nn

    class Network(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.shape = shape
            layers = zip((2, *CHANNELS[:-1]), CHANNELS, KERNELS, STRIDES, strict=True)
            self.convolutions = nn.ModuleList(nn.Conv1d(a, b, k, stride=s, padding=k // 2) for a, b, k, s in layers)
            self.head = nn.Linear(CHANNELS[-1] * shape.places, shape.phases)
            self.amount = nn.Linear(CHANNELS[-1] * shape.places, shape.phases)
            nn.init.constant_(self.amount.bias, _ABSENT)

        def forward(self, x: Any) -> Any:
            for layer in self.convolutions:
                x = torch.relu(layer(x))
            maps = x.flatten(1)
            return self.head(maps), self.amount(maps)

    return Network()


def rounded(network: Any) -> None:
    """Round the weights of the heads to the 8-bit integers they are written as, in place."""
    torch = need("torch", extra="train")
    with torch.no_grad():
        for layer in (network.head, network.amount):
            whole, unit = levels(layer.weight.numpy().astype(np.float64))
            layer.weight.copy_(torch.from_numpy((whole * unit[:, None]).astype(np.float32)))


def to_onnx(network: Any, *, metadata: dict[str, str]) -> bytes:
    """Weights of a rounded network as ONNX, with the texts that belong to them: logits, amplitudes, terms of the activation."""
    graph, shape = Graph("pd-phases"), network.shape
    x = graph.node("Reshape", "pattern", graph.constant(np.array([-1, 2, shape.points])))
    for layer in network.convolutions:
        x = convolution(graph, x, layer)
    small_dense(graph, graph.node("Flatten", x, axis=1), network.amount, output="amplitudes")
    whole, unit = levels(network.head.weight.detach().numpy().astype(np.float64))
    by_place = whole.reshape(shape.phases, CHANNELS[-1], shape.places).transpose(2, 1, 0)
    restored = graph.node("DequantizeLinear", graph.constant(by_place), graph.constant(unit), axis=2)
    terms = graph.node("MatMul", graph.node("Transpose", x, perm=[2, 0, 1]), restored)  # places, patterns, phases
    total = graph.node("ReduceSum", terms, graph.constant(np.array([0])), keepdims=0)
    graph.node("Add", total, graph.constant(network.head.bias.detach().numpy()), output="logits")
    flat = graph.constant(np.array([-1, shape.phases * shape.places]))
    graph.node("Reshape", graph.node("Transpose", terms, perm=[1, 2, 0]), flat, output="terms")
    widths = {"logits": shape.phases, "amplitudes": shape.phases, "terms": shape.phases * shape.places}
    return graph.to_bytes(inputs={"pattern": 2 * shape.points}, outputs=widths, metadata=metadata)
