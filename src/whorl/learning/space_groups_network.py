"""The network that tells space groups from G(r): dense layers with shortcuts over G(r) and its sine transform.

The sine transform of G(r) shows the lattice (where there are Bragg peaks and where there are none), G(r) itself the neighbours.
Both are read at once, at unit root mean square, by a few residual blocks (He et al., CVPR (2016), doi:10.1109/CVPR.2016.90) of
dense layers with layer normalisation (Ba, Kiros, Hinton, arXiv:1607.06450). On one core a dense network learns more in an hour
than one of convolutions, which costs ten times as much for each curve. Weights are written as 8-bit integers with a scale for
each row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import small_dense
from whorl.learning.space_groups_corpus import GROUPS
from whorl.learning.steps import ready
from whorl.techniques.pdf.space_groups import GRID, MODEL

Array = NDArray[np.float64]

Q: Array = np.arange(5, 231, dtype=np.float64) * 0.1
_TINY = 1e-12


def sine_transform() -> Array:
    """Matrix from G on `GRID` to F on `Q`, tapered at the far end, shape (286, 226)."""
    taper = np.cos(0.5 * np.pi * (GRID - GRID[0]) / (GRID[-1] + 0.5 - GRID[0]))
    return np.asarray(np.sin(np.outer(GRID, Q)) * taper[:, None] * 0.1)


def build_network(seed: int, *, width: int = 752, blocks: int = 2, dropout: float = 0.1) -> Any:
    """Make the untrained network: a torch module from G, shape (n, 286), to logits, shape (n, 45).

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
            self.register_buffer("transform", torch.from_numpy(sine_transform().astype(np.float32)), persistent=False)
            self.first = nn.Linear(GRID.size + Q.size, width)
            self.blocks = nn.ModuleList(
                nn.Sequential(
                    nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, width)
                )
                for _ in range(blocks)
            )
            self.norm = nn.LayerNorm(width)
            self.last = nn.Linear(width, len(GROUPS))

        def forward(self, g: Any) -> Any:
            f = g.float() @ self.transform
            f = f / torch.sqrt((f.float() ** 2).mean(dim=1, keepdim=True) + _TINY)
            x = torch.relu(self.first(torch.cat([g.float(), f.float()], dim=1)))
            for block in self.blocks:
                x = x + block(x)
            return self.last(self.norm(x))

    return Network()


def to_onnx(network: Any) -> bytes:
    """Weights of a trained network as ONNX, those of dense layers as 8-bit integers."""
    graph = Graph(MODEL)

    def normalise(x: str, layer: Any) -> str:
        gain, shift = (graph.constant(p.detach().numpy()) for p in (layer.weight, layer.bias))
        return graph.node("LayerNormalization", x, gain, shift, axis=-1, epsilon=float(layer.eps))

    f = graph.node("MatMul", "g", graph.constant(network.transform.numpy()))
    power = graph.node("ReduceMean", graph.node("Mul", f, f), axes=[1], keepdims=1)
    f = graph.node("Div", f, graph.node("Sqrt", graph.node("Add", power, graph.constant(_TINY))))
    x = graph.node("Relu", small_dense(graph, graph.node("Concat", "g", f, axis=1), network.first))
    for block in network.blocks:
        inner = graph.node("Relu", small_dense(graph, normalise(x, block[0]), block[1]))
        x = graph.node("Add", x, small_dense(graph, inner, block[4]))
    small_dense(graph, normalise(x, network.norm), network.last, output="logits")
    return graph.to_bytes(inputs={"g": GRID.size}, outputs={"logits": len(GROUPS)})
