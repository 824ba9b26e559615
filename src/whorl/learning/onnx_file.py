"""Write a small network as an ONNX file: the few messages of the format that it takes, in protobuf's wire encoding.

torch's own exporter needs packages that nothing else here does, and its graphs change with its version. A network of a dozen
kinds of layers is as quickly written node by node (ONNX IR version 8, operator set 17, https://onnx.ai/onnx/intro/concepts.html;
wire encoding: https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_IR_VERSION = 8
_OPSET = 17
_TYPES: dict[type, int] = {np.float32: 1, np.int8: 3, np.int64: 7}
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7


@dataclass
class Graph:
    """A network under construction: nodes in the order in which they run, and constants.

    Examples
    --------
    >>> graph = Graph("double")
    >>> y = graph.node("Add", "x", "x")
    >>> data = graph.to_bytes(inputs={"x": 3}, outputs={y: 3})
    >>> import onnxruntime
    >>> session = onnxruntime.InferenceSession(data)
    >>> session.run(None, {"x": np.ones((1, 3), dtype=np.float32)})[0].tolist()
    [[2.0, 2.0, 2.0]]
    """

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)
    _count: int = 0

    def constant(self, value: NDArray[np.generic] | float) -> str:
        """Add a constant, and give its name: int8 as it is, other integers as int64, the rest as float32."""
        array = np.asarray(value)
        whole = array.dtype.kind in "iu"
        kind = np.int8 if array.dtype == np.int8 else np.int64 if whole else np.float32
        array = np.ascontiguousarray(array, dtype=kind)
        name = self._name("c")
        dims = b"".join(_varint_field(1, n) for n in array.shape)
        self._constants.append(dims + _varint_field(2, _TYPES[kind]) + _text(8, name) + _bytes(9, array.tobytes()))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: float | list[int]) -> str:
        """Add a node and give the name of its output."""
        out = output or self._name("v")
        body = b"".join(_text(1, i) for i in inputs) + _text(2, out) + _text(3, out) + _text(4, operator)
        body += b"".join(_bytes(5, _attribute(k, v)) for k, v in attributes.items())
        self._nodes.append(body)
        return out

    def to_bytes(self, *, inputs: dict[str, int], outputs: dict[str, int], metadata: dict[str, str] | None = None) -> bytes:
        """Give the file.

        Parameters
        ----------
        inputs, outputs : dict of str to int
            Name and width of each; their shape is (n, width), float32.
        metadata : dict of str to str, optional
            Texts that belong to the weights; a model that is opened has them.
        """
        graph = b"".join(_bytes(1, n) for n in self._nodes) + _text(2, self.name)
        graph += b"".join(_bytes(5, c) for c in self._constants)
        graph += b"".join(_bytes(11, _value_info(k, w)) for k, w in inputs.items())
        graph += b"".join(_bytes(12, _value_info(k, w)) for k, w in outputs.items())
        opset = _varint_field(2, _OPSET)
        notes = b"".join(_bytes(14, _text(1, key) + _text(2, text)) for key, text in (metadata or {}).items())
        return _varint_field(1, _IR_VERSION) + _text(2, "whorl") + _bytes(7, graph) + _bytes(8, opset) + notes

    def _name(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"


def _attribute(name: str, value: float | list[int]) -> bytes:
    if isinstance(value, list):
        return _text(1, name) + b"".join(_varint_field(8, v) for v in value) + _varint_field(20, _ATTRIBUTE_INTS)
    if isinstance(value, float):
        return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _varint_field(20, _ATTRIBUTE_FLOAT)
    return _text(1, name) + _varint_field(3, value) + _varint_field(20, _ATTRIBUTE_INT)


def _value_info(name: str, width: int) -> bytes:
    shape = _bytes(1, _text(2, "n")) + _bytes(1, _varint_field(1, width))
    return _text(1, name) + _bytes(2, _bytes(1, _varint_field(1, _TYPES[np.float32]) + _bytes(2, shape)))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(number: int, wire: int) -> bytes:
    return _varint((number << 3) | wire)


def _varint_field(number: int, value: int) -> bytes:
    return _key(number, 0) + _varint(value)


def _bytes(number: int, data: bytes) -> bytes:
    return _key(number, 2) + _varint(len(data)) + data


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())
