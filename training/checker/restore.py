"""The weights of an exported checker as the network that is trained: a start for going on where its own lie no more.

Eight bits become floats again, so what quantisation rounded away stays lost: it cost .001 AUC (``models/checker.md``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch


def restored(path: Path) -> dict[str, torch.Tensor]:
    """The state of :class:`training.checker.network.Network` in the int8 file that ``export`` wrote.

    Raises :class:`KeyError` for a file of another shape.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    state = {name: value for name, value in values.items() if name.endswith((".weight", ".bias"))}
    state["words.weight"] = values["words.table"].astype(np.float32) * values["words.scale"]
    for node in graph.node:
        module = node.name.removeprefix("/").rpartition("/")[0].replace("/", ".").replace("head.head.", "head.")
        if node.op_type == "LayerNormalization":  # equal ones stand in the file once
            state |= {f"{module}.weight": values[node.input[1]], f"{module}.bias": values[node.input[2]]}
        elif node.op_type == "MatMulInteger":
            matrix = _matrix(node, values)
            if f"{module}.at" in values:
                matrix[values[f"{module}.at"]] += values[f"{module}.apart"]
            state[f"{module}.weight"] = matrix.T
    return {name: torch.tensor(np.ascontiguousarray(value)) for name, value in state.items()}


def _matrix(node: Any, values: dict[str, Any]) -> Any:
    """A quantised product's matrix (in, out) as floats."""
    name = node.input[1].removesuffix("_quantized")
    shift = values[node.input[3]].astype(np.float32)
    scale = values[f"{name}_scale"]
    return (values[node.input[1]].astype(np.float32) - shift) * scale
