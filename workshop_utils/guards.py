"""What a stranger's file may not do here: run code, compute in a spreadsheet, speak HTML, point out of its folder."""

import html
import pathlib

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


def cell(text: str) -> str:
    """Return a CSV cell that a spreadsheet shows and does not compute: a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def markdown(text: str) -> str:
    """Return text as a Markdown table can hold it: its HTML is shown and not followed, it is one cell on one line."""
    return " ".join(html.escape(text, quote=False).replace("|", "&#124;").split())


def leaves(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Return whether a path in a folder is a link, or lies behind one, that leads out of the folder."""
    return not path.resolve().is_relative_to(folder.resolve())


def operations_that_act(saved_model: pathlib.Path) -> list[str]:
    """Return the names of operations in a SavedModel that would do more than compute; none in one of ours.

    A SavedModel is a program: it can write and read files when it is loaded or run. Saving and restoring variables is
    in every one of them; it is allowed in functions that nothing else calls, which are not run here. Raises
    `google.protobuf.message.DecodeError` and OSError for a file that is none.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes())
    functions = [each for graph in message.meta_graphs for each in graph.graph_def.library.function]
    names = {each.signature.name for each in functions}
    saving = {name for name in names if name.startswith(("__inference__traced_save_", "__inference__traced_restore_"))}
    harmless, found = set(ARITHMETIC.split()), set()
    for node in (node for each in functions if each.signature.name not in saving for node in each.node_def):
        called = {value.func.name for value in node.attr.values()}
        found |= {node.op} - harmless | called & saving
    return sorted(found)
