"""Meshes: skins over rings of points, blocks and rods. Lengths are metres; profiles (radius, height), millimetres."""

import math
from collections.abc import Callable, Sequence

import bmesh
import bpy
import numpy as np

MILLIMETRE = 0.001


def skin(
    name: str,
    rings: Sequence[np.ndarray],
    materials: Sequence[bpy.types.Material],
    material_of: Callable[[int], int] = lambda band: 0,
    uv: Callable[[int, float, np.ndarray], tuple[float, float]] | None = None,
    crease: float = 35.0,
) -> bpy.types.Object:
    """Stretch a skin over rings of points, each (n, 3) in metres with the same n, or (1, 3) for a tip.

    `material_of` numbers the material of the band between ring i and i + 1; `uv` gives a corner's place on the image
    from its ring, its share of the way around, and its point. Edges sharper than `crease` degrees stay sharp.
    """
    mesh = bmesh.new()
    layer = mesh.loops.layers.uv.new("UV")
    vertices = [[mesh.verts.new(point) for point in ring] for ring in rings]
    segments = max(len(ring) for ring in rings)
    for band in range(len(rings) - 1):
        for k in range(segments):
            corners = [(band, k), (band, k + 1), (band + 1, k + 1), (band + 1, k)]
            face_corners = []
            for ring, position in corners:
                vertex = vertices[ring][position % len(vertices[ring])]
                if vertex not in [known for known, _, _ in face_corners]:
                    face_corners.append((vertex, ring, position))
            if len(face_corners) < 3:
                continue
            face = mesh.faces.new([vertex for vertex, _, _ in face_corners])
            face.material_index = material_of(band)
            if uv:
                for loop, (vertex, ring, position) in zip(face.loops, face_corners, strict=True):
                    loop[layer].uv = uv(ring, position / segments, np.array(vertex.co))
    bmesh.ops.recalc_face_normals(mesh, faces=mesh.faces)
    return _object(name, mesh, materials, crease)


def lathe(
    name: str,
    profile: Sequence[tuple[float, float]],
    materials: Sequence[bpy.types.Material],
    printed: tuple[int, int] | None = None,
    segments: int = 96,
    dent: Callable[[np.ndarray], np.ndarray] = np.ones_like,
) -> bpy.types.Object:
    """Turn a profile about z. Between the points `printed` is the second material, with its image once around.

    `dent` scales the radius by angle (radians), for a slightly deformed shape.
    """
    angles = np.arange(segments) / segments * 2 * np.pi
    wobble = dent(angles)
    rings = []
    for radius, height in profile:
        if radius == 0:
            rings.append(np.array([[0, 0, height]]) * MILLIMETRE)
        else:
            circle = [radius * wobble * np.cos(angles), radius * wobble * np.sin(angles), np.full(segments, height)]
            rings.append(np.stack(circle, axis=1) * MILLIMETRE)
    first, last = printed or (0, 0)
    bottom, top = profile[first][1], profile[last][1]
    return skin(
        name,
        rings,
        materials,
        lambda band: int(first <= band < last),
        (lambda ring, around, point: (around, (profile[ring][1] - bottom) / (top - bottom))) if printed else None,
    )


def block(name: str, size, centre, material, bevel: float = 0.002, turn: float = 0.0) -> bpy.types.Object:
    """Build a box of `size` (x, y, z) metres with rounded edges."""
    mesh = bmesh.new()
    bmesh.ops.create_cube(mesh, size=1)
    bmesh.ops.scale(mesh, vec=size, verts=mesh.verts)
    if bevel:
        bmesh.ops.bevel(mesh, geom=mesh.edges[:], offset=bevel, segments=3, profile=0.5, affect="EDGES")
    made = _object(name, mesh, [material], 35)
    made.location, made.rotation_euler = centre, (0, 0, turn)
    return made


def rod(
    name: str, radius: float, length: float, centre, material, axis: str = "z", segments: int = 48
) -> bpy.types.Object:
    """Build a cylinder along x, y or z with slightly rounded rims."""
    mesh = bmesh.new()
    bmesh.ops.create_cone(mesh, cap_ends=True, segments=segments, radius1=radius, radius2=radius, depth=length)
    rims = [edge for edge in mesh.edges if edge.calc_face_angle(0) > 0.8 and segments > 8]
    if rims:
        offset = min(radius, length) * 0.12
        bmesh.ops.bevel(mesh, geom=rims, offset=offset, segments=2, profile=0.5, affect="EDGES")
    made = _object(name, mesh, [material], 35)
    made.location = centre
    made.rotation_euler = {"x": (0, math.pi / 2, 0), "y": (math.pi / 2, 0, 0), "z": (0, 0, 0)}[axis]
    return made


def _object(name: str, mesh, materials, crease: float) -> bpy.types.Object:
    data = bpy.data.meshes.new(name)
    mesh.to_mesh(data)
    mesh.free()
    for material in materials:
        data.materials.append(material)
    data.shade_smooth()
    data.set_sharp_from_angle(angle=math.radians(crease))
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made
