"""Make untrusted input safe: no code in models, formulas in spreadsheets, HTML in text, or links out of a folder."""

import html
import os
import pathlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow.core.framework.function_pb2 import FunctionDef
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

ARITHMETIC = """
    Add AddV2 ArgMax AvgPool BiasAdd Cast CombinedNonMaxSuppression ConcatV2 Const Conv2D DepthwiseConv2dNative Exp
    ExpandDims Fill Floor FusedBatchNormV3 GatherV2 Greater GreaterEqual Identity IdentityN Less MatMul Max MaxPool
    Maximum Mean Min Minimum Mul Neg NoOp Pack Pad PadV2 PartitionedCall Placeholder Range ReadVariableOp RealDiv Relu
    Relu6 Reshape ResizeBilinear Rsqrt ScaleAndTranslate SelectV2 Shape Sigmoid Slice Softmax Split Sqrt Squeeze
    StatefulPartitionedCall StridedSlice Sub Sum Tile Transpose Unpack
"""
"""TensorFlow operations that only compute: no files, network, Python or printing."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a formula begins in spreadsheets."""

LINK_OUTSIDE = "is a link that leads out of the data set, and is not followed. Replace it with the file it points to."

MARKS = str.maketrans(
    {mark: f"&#{ord(mark)};" for mark in "!#()*:[]_`|~"}
    | {mark: f"<span></span>&#{ord(mark)};<span></span>" for mark in "$\\"}
)
"""{character with a meaning in Markdown: its HTML entity}. MathJax looks for formulas in the resulting page, but not
across elements, so its two characters are enclosed in empty ones."""


def csv_cell(text: str) -> str:
    """Return text for a CSV cell that spreadsheets show without computing: a formula is prefixed with an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


def markdown(text: str) -> str:
    """Escape text so that Markdown, also in tables, shows it literally on one line: no HTML, image, link or formula."""
    return " ".join(html.escape(text, quote=False).translate(MARKS).split())


def plain(text: str) -> str:
    """Undo `markdown`, for terminals."""
    return html.unescape(re.sub("</?span>", "", text))


def is_outside(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Return whether a path leads out of a folder, directly or through links.

    A link to itself does not count as outside.
    """
    return not pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def unsafe_operations(saved_model: pathlib.Path) -> list[str]:
    """Return the names of operations in a SavedModel that do more than compute. The workshop's exports have none.

    A SavedModel is a program: it can write and read files when it is loaded or run. TensorFlow runs the functions that
    its objects refer to, the functions that these call, and alternative implementations of them (`api_implements`).
    Other functions, such as those that save variables, are not run here. A SavedModel of TensorFlow 1 has no objects
    and runs its graph while loading, so all of it counts as unsafe.

    Args:
        saved_model: The SavedModel's folder.

    Raises:
        google.protobuf.message.DecodeError: If the folder's `saved_model.pb` is not a SavedModel.
        OSError: If it cannot be read.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    graphs = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes()).meta_graphs
    if len(graphs) > 1 or not all(graph.HasField("object_graph_def") for graph in graphs):
        return ["a TensorFlow 1 graph, which runs while it is loaded"]
    functions, objects = {}, []
    for graph in graphs:  # at most one
        functions |= library_functions(graph)
        objects += graph.object_graph_def.nodes
    called = {name for node in objects for name in node.function.concrete_functions}
    called |= {node.bare_concrete_function.concrete_function_name for node in objects} - {""}
    called |= {name for name, function in functions.items() if "api_implements" in function.attr}
    reached = set()
    while called:
        reached.add(name := called.pop())
        if name in functions:
            called |= _calls(functions[name]) - reached
    return sorted(reached - functions.keys() - set(ARITHMETIC.split()))


def library_functions(graph: "MetaGraphDef") -> dict[str, "FunctionDef"]:
    """Return {name: function} for the function library of a SavedModel's graph."""
    library = graph.graph_def.library
    return {each.signature.name: each for each in library.function}


def _calls(function) -> set[str]:
    """Return the names of operations and functions that a function calls, as operations or through attributes."""
    names = {node.op for node in function.node_def}
    values = [value for node in function.node_def for value in node.attr.values()]
    values += [attribute.default_value for attribute in function.signature.attr]
    while values:
        value = values.pop()
        for each in [value.func, *value.list.func]:
            names.add(each.name)
            values += each.attr.values()
    return names - {""}
