"""Boxes from a rendered mask: each cup is painted in its own number, so an object that hides a cup also cuts its box.

A cup of which less than LABELLED is visible gets no box. A cup of which less than WHOLE is visible is `truncated`: as
VOC defines it, the box does not contain the whole object. "Visible" is the cup's area in the mask divided by the area
of its whole outline, including parts outside the photo.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import bpy
import numpy as np
from PIL import Image, ImageDraw

LABELLED, WHOLE = 0.25, 0.85
FINER = 2
STEP = 20


@dataclass(frozen=True)
class LabelledBox:
    """Edges in integer pixels of the photo: xmin and ymin of the first pixel, xmax and ymax of the last."""

    flavour: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int
    visible: float

    @property
    def truncated(self) -> bool:
        return self.visible < WHOLE


def find(cups: list[tuple[str, list[bpy.types.Object]]], scratch: Path) -> list[LabelledBox]:
    """Return the boxes of the (flavour, objects) in `cups`. This changes the scene: render the photo first."""
    if not cups:
        return []
    paint_numbers(cups)
    return [box for box in seen(cups, scratch).values() if box.visible >= LABELLED]


def seen(cups: list[tuple[str, list[bpy.types.Object]]], scratch: Path) -> dict[int, LabelledBox]:
    """Return the boxes of all cups of which anything is visible, by index, once `paint_numbers` has prepared them."""
    mask = _mask(len(cups), scratch)
    boxes = {}
    for index, (flavour, objects) in enumerate(cups):
        rows, columns = np.nonzero(mask == (index + 1) * _step(len(cups)))
        if len(rows):
            visible = min(1.0, len(rows) / _outline_area(objects))
            (xmin, xmax), (ymin, ymax) = _whole_pixels(columns), _whole_pixels(rows)
            boxes[index] = LabelledBox(flavour, xmin, ymin, xmax, ymax, visible)
    return boxes


def _whole_pixels(positions: np.ndarray) -> tuple[int, int]:
    return int(positions.min() // FINER), int(-(-(positions.max() + 1) // FINER))


def _step(count: int) -> int:
    return min(STEP, 255 // count)


def paint_numbers(cups: list[tuple[str, list[bpy.types.Object]]]) -> None:
    """Change the scene so that it shows only each cup's number times a step, at FINER times the photo's size."""
    scene = bpy.context.scene
    for index, (_, objects) in enumerate(cups):
        for part in objects:
            part.pass_index = (index + 1) * _step(len(cups))
    scene.view_layers[0].material_override = _number_paint()
    scene.camera.data.dof.use_dof = False
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0
    for thing in scene.objects:
        thing.hide_render |= thing.type == "LIGHT"
    render, cycles, view = scene.render, scene.cycles, scene.view_settings
    render.use_motion_blur = False
    render.resolution_x, render.resolution_y = render.resolution_x * FINER, render.resolution_y * FINER
    cycles.samples, cycles.use_denoising, cycles.max_bounces = 1, False, 0
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 0.01
    view.view_transform, view.look, view.exposure = "Raw", "None", 0


def _mask(count: int, scratch: Path) -> np.ndarray:
    """Render the numbers of `count` cups and return the one at each point."""
    bpy.context.scene.render.filepath = str(scratch)
    bpy.ops.render.render(write_still=True)
    mask = np.asarray(Image.open(scratch).convert("RGB"))[..., 0]
    scratch.unlink()
    unknown = set(np.unique(mask)) - {_step(count) * index for index in range(count + 1)}
    if unknown:
        raise AssertionError(f"the mask has values that belong to no cup: {sorted(unknown)}")
    return mask


def _number_paint() -> bpy.types.Material:
    """Return a material that shines with its object's number."""
    material = bpy.data.materials.new("number")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    number, scaled = tree.nodes.new("ShaderNodeObjectInfo"), tree.nodes.new("ShaderNodeMath")
    shine, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    scaled.operation = "DIVIDE"
    scaled.inputs[1].default_value = 255
    tree.links.new(number.outputs["Object Index"], scaled.inputs[0])
    tree.links.new(scaled.outputs[0], shine.inputs["Color"])
    tree.links.new(shine.outputs[0], output.inputs["Surface"])
    return material


def _outline_area(objects: list[bpy.types.Object]) -> int:
    """Count the points of the mask that the cup would cover if nothing hid it and the photo had no edges."""
    scene = bpy.context.scene
    camera, width, height = scene.camera, scene.render.resolution_x, scene.render.resolution_y
    focal = camera.data.lens / camera.data.sensor_width * width
    to_camera = camera.matrix_world.inverted()
    canvas = Image.new("1", (3 * width, 3 * height))
    pen = ImageDraw.Draw(canvas)
    for part in objects:
        points = [to_camera @ part.matrix_world @ vertex.co for vertex in part.data.vertices]
        pixels = [(1.5 * width - p.x / p.z * focal - 0.5, 1.5 * height + p.y / p.z * focal - 0.5) for p in points]
        for face in part.data.polygons:
            pen.polygon([pixels[index] for index in face.vertices], fill=1)
    return int(np.asarray(canvas).sum())


def as_voc(boxes: list[LabelledBox], photo: str, folder: str, size: tuple[int, int]) -> str:
    """Return the labels as labelImg writes them: Pascal VOC, no edge below 1. `size` is (width, height) in pixels."""
    root = ElementTree.Element("annotation")
    for name, text in (("folder", folder), ("filename", photo)):
        ElementTree.SubElement(root, name).text = text
    source = ElementTree.SubElement(root, "source")
    ElementTree.SubElement(source, "database").text = "rendered with Blender"
    extent = ElementTree.SubElement(root, "size")
    for name, value in (("width", size[0]), ("height", size[1]), ("depth", 3)):
        ElementTree.SubElement(extent, name).text = str(value)
    ElementTree.SubElement(root, "segmented").text = "0"
    for box in boxes:
        item = ElementTree.SubElement(root, "object")
        texts = {"name": box.flavour, "pose": "Unspecified", "truncated": str(int(box.truncated)), "difficult": "0"}
        for name, text in texts.items():
            ElementTree.SubElement(item, name).text = text
        edges = ElementTree.SubElement(item, "bndbox")
        for name in ("xmin", "ymin", "xmax", "ymax"):
            ElementTree.SubElement(edges, name).text = str(max(1, getattr(box, name)))
    ElementTree.indent(root, "\t")
    return ElementTree.tostring(root, encoding="unicode") + "\n"
