"""The network that tells parameters of small-angle curves: the convolutions that tell kinds, then layers that know the kind.

The convolutions are those of `whorl.learning.sas_network`; dense layers behind them are told the kind and the first q, and
give numbers for every parameter of every kind, of which those of the kind that was asked for count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import dense
from whorl.learning.sas_network import STRIDES, WIDTHS, build_network, convolutions
from whorl.learning.steps import ready
from whorl.physics.small_angle.log_nodes import NODES
from whorl.techniques.sas.features import CHANNELS

#: numbers that are left of a curve, and of a curve and a kind
HIDDEN, JOINT = 192, 256
_PLACES = -(-NODES // int(np.prod(STRIDES)))
_NARROW = -2.0  # where the steps of the intervals start, before softplus


def build(seed: int, kinds: int, numbers: int, *, dropout: float = 0.05) -> Any:
    """Make the untrained network: a torch module from features, shape (n, 7, 184), and (n, kinds + 1), to (n, numbers).

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
            self.kinds, self.numbers = kinds, numbers
            self.stages = build_network(seed, 1).stages
            self.drop = nn.Dropout(dropout)
            self.hidden = nn.Linear(WIDTHS[-1] * _PLACES, HIDDEN)
            self.joint = nn.Linear(HIDDEN + kinds + 1, JOINT)
            self.last = nn.Linear(JOINT, numbers)

        def forward(self, x: Any, asked: Any) -> Any:
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
                for stage in self.stages:
                    x = stage(x)
            inner = torch.relu(self.hidden(self.drop(x.float().flatten(1))))
            joint = torch.relu(self.joint(torch.cat([inner, asked], dim=1)))
            return self.last(joint)

    network = Network()
    with torch.no_grad():
        network.last.bias.fill_(_NARROW)
    return network


def to_onnx(network: Any, metadata: dict[str, str]) -> bytes:
    """Weights of a trained network as ONNX, with texts that belong to them."""
    graph = Graph("sas-parameters")
    x = graph.node("Reshape", "curve", graph.constant(np.array([-1, len(CHANNELS), NODES])))
    x = convolutions(graph, x, network.stages)
    inner = graph.node("Relu", dense(graph, graph.node("Flatten", x, axis=1), network.hidden))
    joint = graph.node("Relu", dense(graph, graph.node("Concat", inner, "asked", axis=1), network.joint))
    dense(graph, joint, network.last, output="numbers")
    return graph.to_bytes(
        inputs={"curve": len(CHANNELS) * NODES, "asked": network.kinds + 1},
        outputs={"numbers": network.numbers},
        metadata=metadata,
    )
