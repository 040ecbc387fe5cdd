"""What a stranger's file may not do here: run code, compute in a spreadsheet, speak HTML, point out of its folder."""

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
"""TensorFlow's operations that compute and do nothing else: no file, no network, no Python, no printing."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""

LINK_OUTSIDE = "is a link that leads out of the data set, and is not followed. Replace it by what it leads to."

MARKS = str.maketrans(
    {mark: f"&#{ord(mark)};" for mark in "!#()*:[]_`|~"}
    | {mark: f"<span></span>&#{ord(mark)};<span></span>" for mark in "$\\"}
)
"""Markdown's marks, as HTML spells them. MathJax looks for formulas in the page that is made, but not across elements,
so the two that begin one stand between empty ones."""


def csv_cell(text: str) -> str:
    """Return a CSV cell that a spreadsheet shows and does not compute: a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def markdown(text: str) -> str:
    """Return text as Markdown, a table's too, shows it as it is: on one line, no HTML, picture, link or formula."""
    return " ".join(html.escape(text, quote=False).translate(MARKS).split())


def plain(text: str) -> str:
    """Return what `markdown` returned as a terminal shows it."""
    return html.unescape(re.sub("</?span>", "", text))


def is_outside(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Return whether a path in a folder is a link, or lies behind one, that leads out of the folder.

    A link that leads to itself leads nowhere else.
    """
    return not pathlib.Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def unsafe_operations(saved_model: pathlib.Path) -> list[str]:
    """Return the names of operations in a SavedModel that would do more than compute; none in one of ours.

    A SavedModel is a program: it can write and read files when it is loaded or run. TensorFlow runs the functions that
    its objects name, whatever they are called, those that these call, and any that claims to be another form of one
    (`api_implements`). Others, such as those by which variables are saved, are not run here. A SavedModel of
    TensorFlow 1 has no objects: its graph is run while it is loaded, so it is refused whole. Raises
    `google.protobuf.message.DecodeError` and OSError for a file that is none.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    graphs = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes()).meta_graphs
    if len(graphs) > 1 or not all(graph.HasField("object_graph_def") for graph in graphs):
        return ["a graph of TensorFlow 1, run while it is loaded"]
    functions, objects = {}, []
    for graph in graphs:  # one, or none in an empty file
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
    """Return by name the functions in the library of a SavedModel's graph."""
    library = graph.graph_def.library
    return {each.signature.name: each for each in library.function}


def _calls(function) -> set[str]:
    """Return what a SavedModel's function calls: operations, and functions, named as operations or by attributes."""
    names = {node.op for node in function.node_def}
    values = [value for node in function.node_def for value in node.attr.values()]
    values += [attribute.default_value for attribute in function.signature.attr]
    while values:
        value = values.pop()
        for each in [value.func, *value.list.func]:
            names.add(each.name)
            values += each.attr.values()
    return names - {""}
