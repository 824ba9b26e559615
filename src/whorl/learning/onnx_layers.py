"""Layers of a torch network written as nodes of an ONNX graph (`whorl.learning.onnx_file`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from whorl.learning.onnx_file import Graph
from whorl.learning.steps import levels


def convolution(graph: Graph, x: str, layer: Any) -> str:
    """A convolution over one axis and what of it is positive."""
    weight, bias = (graph.constant(p.detach().numpy()) for p in (layer.weight, layer.bias))
    around: dict[str, Any] = {"pads": [layer.padding[0]] * 2} if layer.padding[0] else {}
    found = graph.node("Conv", x, weight, bias, strides=[layer.stride[0]], kernel_shape=[layer.kernel_size[0]], **around)
    return graph.node("Relu", found)


def dense(graph: Graph, x: str, layer: Any, output: str = "") -> str:
    """A dense layer with weights of 32 bits."""
    weight, bias = (graph.constant(p.detach().numpy()) for p in (layer.weight, layer.bias))
    return graph.node("Gemm", x, weight, bias, output=output, transB=1)


def small_dense(graph: Graph, x: str, layer: Any, output: str = "") -> str:
    """A dense layer with weights of 8 bits, restored with a unit for each row."""
    whole, unit = levels(layer.weight.detach().numpy().astype(np.float64))
    restored = graph.node("DequantizeLinear", graph.constant(whole), graph.constant(unit), axis=0)
    return graph.node("Gemm", x, restored, graph.constant(layer.bias.detach().numpy()), output=output, transB=1)
