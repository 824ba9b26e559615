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
#: stages whose means and maxima over the curve are the texture that distances are measured in, and their number
TEXTURED = 3
TEXTURE = 2 * sum(WIDTHS[:TEXTURED])
_HIDDEN = 96
_PLACES = -(-NODES // int(np.prod(STRIDES)))


def build_network(seed: int, classes: int, *, dropout: float = 0.2) -> Any:
    """Make the untrained network: features, shape (n, 7, 184), to logits, shape (n, classes), and texture, shape (n, 288).

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
            self.hidden = nn.Linear(WIDTHS[-1] * _PLACES, _HIDDEN)
            self.head = nn.Linear(_HIDDEN, classes)

        def forward(self, x: Any) -> Any:
            texture = []
            for number, stage in enumerate(self.stages):
                x = stage(x)
                if number < TEXTURED:
                    texture += [x.mean(dim=2), x.amax(dim=2)]
            inner = torch.relu(self.hidden(self.drop(x.flatten(1))))
            return self.head(self.drop(inner)), torch.cat(texture, dim=1)

    return Network()


def to_onnx(network: Any, centre: Any, whiten: Any) -> bytes:
    """Weights of a trained network as ONNX: logits, and the distance from simulated curves.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    centre : array, shape (288,)
        Mean texture.
    whiten : array, shape (288, k)
        Makes the covariance of the texture unity.
    """
    graph = Graph("sas-classes")
    x = graph.node("Reshape", "curve", graph.constant(np.array([-1, len(CHANNELS), NODES])))
    texture: list[str] = []
    x = convolutions(graph, x, network.stages, texture)
    embedded = graph.node("Relu", dense(graph, graph.node("Flatten", x, axis=1), network.hidden))
    dense(graph, embedded, network.head, output="logits")
    left = graph.node("Sub", graph.node("Concat", *texture, axis=1), graph.constant(np.asarray(centre)[None, :]))
    place = graph.node("MatMul", left, graph.constant(np.asarray(whiten)))
    graph.node("ReduceSum", graph.node("Mul", place, place), graph.constant(np.array([1])), keepdims=1, output="distance")
    return graph.to_bytes(
        inputs={"curve": len(CHANNELS) * NODES}, outputs={"logits": network.classes, "distance": 1}, metadata={}
    )


def convolutions(graph: Graph, x: str, stages: Any, texture: list[str] | None = None) -> str:
    """Stages of convolutions as nodes, each with its normalisation as a part of the weights.

    ``texture``, if it is given, gets the names of the means and maxima of the first stages.
    """
    for number, stage in enumerate(stages):
        x = graph.node("Relu", _convolution(graph, x, stage.enter, stage.norms[0]))
        inner = graph.node("Relu", _convolution(graph, x, stage.one, stage.norms[1]))
        x = graph.node("Relu", graph.node("Add", x, _convolution(graph, inner, stage.two, stage.norms[2])))
        if texture is not None and number < TEXTURED:
            texture += [graph.node(kind, x, axes=[2], keepdims=0) for kind in ("ReduceMean", "ReduceMax")]
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
