"""The network of a surrogate: a few dense layers from dimensionless features to components of ln G, then the curve itself.

The last layer is fixed: principal components of the training curves. Activations are x times its logistic function (Elfwing,
Uchibe & Doya, Neural Networks 107, 3 (2018), doi:10.1016/j.neunet.2017.12.012): smooth, as curves are in their features.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import dense
from whorl.learning.steps import learning_rate, ready

Array = NDArray[np.float64]

_RATE, _BATCH = 3e-3, 256


def components(curves: Array, most: int) -> tuple[Array, Array]:
    """Mean, shape (count,), and principal components, shape (k, count), orthonormal, of curves, shape (m, count)."""
    mean = curves.mean(axis=0)
    _, _, found = np.linalg.svd(curves - mean, full_matrices=False)
    return mean, found[:most]


def fit_network(
    features: Array, target: Array, *, seed: int, width: int, epochs: int, progress: Callable[[str, int, int], None]
) -> tuple[Any, Array]:
    """Train by Adam on one thread, the learning rate rising, then falling as a cosine.

    Parameters
    ----------
    features : array, shape (m, f)
        In -1...1.
    target : array, shape (m, k)
        Components of ln G: errors count alike in all, as they do in the curve.

    Returns
    -------
    network : torch module
    scale : array, shape (k,)
        By which its output is multiplied.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    torch = ready(seed)
    nn = torch.nn
    layers: list[Any] = []
    inside = features.shape[1]
    for _ in range(3):
        layers += [nn.Linear(inside, width), nn.SiLU()]
        inside = width
    network = nn.Sequential(*layers, nn.Linear(inside, target.shape[1]))
    scale = target.std(axis=0) + 1e-12
    x = torch.from_numpy(features.astype(np.float32))
    y = torch.from_numpy((target / scale).astype(np.float32))
    heed = torch.from_numpy((scale / scale.max()).astype(np.float32))  # between alike in the curve and alike in each component
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    rng = np.random.default_rng([seed, 7])
    steps, step = epochs * -(-len(x) // _BATCH), 0
    for epoch in range(epochs):
        for place in torch.from_numpy(rng.permutation(len(x))).split(_BATCH):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * max(learning_rate(step / steps), 1e-4)
            loss = (((network(x[place]) - y[place]) * heed) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
        if epoch % 20 == 19:
            progress("training", epoch + 1, epochs)
    network.eval()
    return network, scale


def to_onnx(network: Any, scale: Array, mean: Array, parts: Array) -> bytes:
    """Weights as ONNX: features, shape (m, f), to ln G, shape (m, count)."""
    graph = Graph("sas-surrogate")
    layers = [layer for layer in network if hasattr(layer, "in_features")]
    x = "features"
    for layer in layers[:-1]:
        found = dense(graph, x, layer)
        x = graph.node("Mul", found, graph.node("Sigmoid", found))
    # the last layer and the components are one matrix
    weight = layers[-1].weight.detach().numpy().astype(np.float64) * scale[:, None]
    bias = layers[-1].bias.detach().numpy().astype(np.float64) * scale
    if parts.shape[1] * layers[-1].in_features < parts.shape[0] * (parts.shape[1] + layers[-1].in_features):
        graph.node("Gemm", x, graph.constant(parts.T @ weight), graph.constant(mean + bias @ parts), output="curve", transB=1)
    else:
        low = graph.node("Gemm", x, graph.constant(weight), graph.constant(bias), transB=1)
        graph.node("Gemm", low, graph.constant(parts.T), graph.constant(mean), output="curve", transB=1)
    return graph.to_bytes(inputs={"features": layers[0].in_features}, outputs={"curve": parts.shape[1]})
