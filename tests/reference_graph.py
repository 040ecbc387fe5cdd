"""Run the COCO detector's original graph in TensorFlow, to compare our detector with it."""

import base64

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

from workshop_utils.model import coco_download


def run(tarball, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return box encodings (N, 1917, 4) and class logits (N, 1917, 91) for uint8 images (N, height, width, 3)."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(_graph_def(*coco_download.read_tarball(tarball)), name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(["Squeeze:0", "concat_1:0"], {"image_tensor:0": images})


def _graph_def(weights: dict[str, np.ndarray], nodes: list[dict]) -> tf.compat.v1.GraphDef:
    """Convert TensorFlow.js's nodes back to TensorFlow's and insert the weights as constants."""
    graph = tf.compat.v1.GraphDef()
    graph.versions.producer = 24  # the file is from 2018 and does not follow newer rules for graphs
    for each in nodes:
        node = graph.node.add(name=each["name"], op=each["op"], input=each.get("input", []))
        for key, value in each.get("attr", {}).items():
            if key != "value":
                json_format.ParseDict(_plain(value), node.attr[key])
        if each["op"] == "Const":
            array = weights[each["name"]]
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
            node.attr["dtype"].type = tf.as_dtype(array.dtype).as_datatype_enum
    return graph


def _plain(value: dict) -> dict:
    """Return an attribute in protobuf's JSON form: strings in base64 instead of lists of bytes, no empty lists."""
    if isinstance(value.get("s"), list):
        return {"s": base64.b64encode(bytes(value["s"])).decode()}
    if "list" in value:
        return {"list": {kind: members for kind, members in value["list"].items() if members}}
    return value
