"""The network that tells kinds of small-angle curves: convolutions over ln q with short cuts, then two dense layers.

Convolutions see slopes, knees, fringes and peaks wherever they are; the dense layers see how far apart these are. Batch
normalisation speeds the training up and is a part of the convolutions' weights when they are written.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from whorl.core.lazy import need
from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import dense
from whorl.learning.steps import ready
from whorl.physics.small_angle.log_nodes import NODES
from whorl.techniques.sas.features import CHANNELS

#: width and stride of the stages: a convolution that changes the width, then two with a short cut around them
WIDTHS, STRIDES, FIRST, KERNEL = (32, 48, 64, 96), (2, 2, 2, 2), 9, 5
#: numbers before the last layer: what distances are measured in
EMBEDDING = 96
_PLACES = -(-NODES // int(np.prod(STRIDES)))


def build_network(seed: int, classes: int, *, dropout: float = 0.2) -> Any:
    """Make the untrained network: a torch module from features, shape (n, 7, 184), to logits, (n, classes), and (n, 96).

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    torch = ready(seed)
    nn: Any = torch.nn

    class Stage(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self, before: int, width: int, stride: int, kernel: int) -> None:
            super().__init__()
            self.enter = nn.Conv1d(before, width, kernel, stride=stride, padding=kernel // 2, bias=False)
            self.one = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, bias=False)
            self.two = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, bias=False)
            self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(3))

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.norms[0](self.enter(x)))
            inner = torch.relu(self.norms[1](self.one(x)))
            return torch.relu(x + self.norms[2](self.two(inner)))

    class Network(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.classes = classes
            kernels = (FIRST, *(KERNEL for _ in WIDTHS[1:]))
            befores = (len(CHANNELS), *WIDTHS[:-1])
            self.stages = nn.ModuleList(Stage(b, w, s, k) for b, w, s, k in zip(befores, WIDTHS, STRIDES, kernels, strict=True))
            self.drop = nn.Dropout(dropout)
            self.hidden = nn.Linear(WIDTHS[-1] * _PLACES, EMBEDDING)
            self.head = nn.Linear(EMBEDDING, classes)

        def forward(self, x: Any) -> Any:
            for stage in self.stages:
                x = stage(x)
            inner = torch.relu(self.hidden(self.drop(x.flatten(1))))
            return self.head(self.drop(inner)), inner

    return Network()


def to_onnx(network: Any, centres: Any, whiten: Any) -> bytes:
    """Weights of a trained network as ONNX: logits, and the distance from the nearest class's training curves.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    centres : array, shape (classes, k)
        Mean of each class in the whitened embedding.
    whiten : array, shape (96, k)
        Of the embedding.
    """
    graph = Graph("sas-classes")
    x = graph.node("Reshape", "curve", graph.constant(np.array([-1, len(CHANNELS), NODES])))
    x = convolutions(graph, x, network.stages)
    embedded = graph.node("Relu", dense(graph, graph.node("Flatten", x, axis=1), network.hidden))
    dense(graph, embedded, network.head, output="logits")
    place = graph.node("MatMul", embedded, graph.constant(np.asarray(whiten)))
    cross = graph.node("MatMul", place, graph.constant(-2.0 * np.asarray(centres).T))
    norm = graph.constant(np.sum(np.asarray(centres) ** 2, axis=1)[None, :])
    own = graph.node("ReduceSum", graph.node("Mul", place, place), graph.constant(np.array([1])), keepdims=1)
    squares = graph.node("Add", graph.node("Add", cross, norm), own)
    graph.node("ReduceMin", squares, axes=[1], keepdims=1, output="distance")
    return graph.to_bytes(
        inputs={"curve": len(CHANNELS) * NODES}, outputs={"logits": network.classes, "distance": 1}, metadata={}
    )


def convolutions(graph: Graph, x: str, stages: Any) -> str:
    """Stages of convolutions as nodes, each with its normalisation as a part of the weights."""
    for stage in stages:
        x = graph.node("Relu", _convolution(graph, x, stage.enter, stage.norms[0]))
        inner = graph.node("Relu", _convolution(graph, x, stage.one, stage.norms[1]))
        x = graph.node("Relu", graph.node("Add", x, _convolution(graph, inner, stage.two, stage.norms[2])))
    return x


def _convolution(graph: Graph, x: str, layer: Any, norm: Any) -> str:
    """A convolution with the normalisation behind it, as one."""
    torch = need("torch", extra="train")
    with torch.no_grad():
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = (layer.weight * factor[:, None, None]).numpy()
        bias = (norm.bias - norm.running_mean * factor).numpy()
    return graph.node(
        "Conv",
        x,
        graph.constant(weight),
        graph.constant(bias),
        strides=[layer.stride[0]],
        kernel_shape=[layer.kernel_size[0]],
        pads=[layer.padding[0]] * 2,
    )
