"""Blender materials. Colours are linear RGB from 0 to 1."""

import random
from dataclasses import dataclass
from pathlib import Path

import bpy

Colour = tuple[float, float, float]


class Shader:
    """A material under construction: `node` adds a node, `link` joins two sockets, `surface` is the Principled BSDF."""

    def __init__(self, name: str, **inputs):
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self._tree = self.material.node_tree
        self.surface = self._tree.nodes["Principled BSDF"]
        self.set(self.surface, **inputs)

    def node(self, kind: str, properties: dict | None = None, **inputs):
        """Add a node of `kind` ("TexNoise"); inputs have Blender's names, with _ for spaces."""
        node = self._tree.nodes.new(f"ShaderNode{kind}")
        for name, value in (properties or {}).items():
            setattr(node, name, value)
        self.set(node, **inputs)
        return node

    def set(self, node, **inputs) -> None:
        """Set a node's inputs to values, or link them to an output socket."""
        for name, value in inputs.items():
            socket = node.inputs[name.replace("_", " ")]
            if isinstance(value, bpy.types.NodeSocket):
                self._tree.links.new(value, socket)
            elif isinstance(value, tuple) and socket.type == "RGBA":
                socket.default_value = (*value, 1)
            else:
                socket.default_value = value

    def place(self, scale=(1.0, 1.0, 1.0), shift=(0.0, 0.0, 0.0), turn: float = 0.0):
        """Return the object's own coordinates in metres, scaled, shifted, turned about z (radians)."""
        coordinates = self.node("TexCoord").outputs["Object"]
        mapping = self.node("Mapping", Vector=coordinates, Scale=scale, Location=shift, Rotation=(0, 0, turn))
        return mapping.outputs["Vector"]

    def image(self, path: Path, at=None, colours: bool = False, box: bool = False):
        """Return an image's node, for visible colours or for data. `box` projects it from six sides."""
        node = self.node(
            "TexImage", {"interpolation": "Cubic", "image": bpy.data.images.load(str(path), check_existing=True)}
        )
        if not colours:
            node.image.colorspace_settings.name = "Non-Color"
        if box:
            node.projection, node.projection_blend = "BOX", 0.2
        if at is not None:
            self.set(node, Vector=at)
        return node

    def channels(self, colour_socket):
        """Return an image's red, green and blue as three numbers."""
        outputs = self.node("SeparateColor", Color=colour_socket).outputs
        return outputs["Red"], outputs["Green"], outputs["Blue"]

    def between(self, share, low, high):
        """Mix two colours, or two numbers, by `share` (0 to 1)."""
        if isinstance(low, (int, float)):
            return self.node("MapRange", Value=share, **{"To_Min": low, "To_Max": high}).outputs["Result"]
        mix = self.node("Mix", {"data_type": "RGBA"})
        self.set(mix, Factor=share)
        for socket, value in zip((mix.inputs[6], mix.inputs[7]), (low, high), strict=True):
            if isinstance(value, bpy.types.NodeSocket):
                self._tree.links.new(value, socket)
            else:
                socket.default_value = (*value, 1)
        return mix.outputs[2]

    def bumps(self, height, strength: float, depth: float) -> None:
        """Add a bump map of a height (0 to 1) times `depth` metres."""
        normal = self.node("Bump", Strength=strength, Distance=depth, Height=height).outputs["Normal"]
        self.set(self.surface, Normal=normal)


def paint(name: str, colour: Colour, roughness: float = 0.5, **inputs) -> bpy.types.Material:
    """Return a material of one even colour."""
    return Shader(name, Base_Color=colour, Roughness=roughness, **inputs).material


def glow(name: str, colour: Colour, strength: float) -> bpy.types.Material:
    """Return the material of a lamp or a screen."""
    return paint(name, colour, 0.3, Emission_Color=colour, Emission_Strength=strength)


def metal(name: str, colour: Colour = (0.52, 0.52, 0.53), roughness: float = 0.3) -> bpy.types.Material:
    return paint(name, colour, roughness, Metallic=1.0)


@dataclass(frozen=True)
class Palette:
    """Makes the materials of one photo; `images` is the folder that `textures.make_all` filled."""

    images: Path
    rng: random.Random

    def stained(
        self, name: str, colour: Colour, roughness: float, stains: float, cells_per_metre: float
    ) -> bpy.types.Material:
        """Return old paint: colour and roughness vary by the share `stains`."""
        shader = Shader(name)
        scale = (cells_per_metre / 4,) * 3
        shift = tuple(self.rng.random() for _ in range(3))
        image = shader.image(self.images / f"grunge{self.rng.randrange(2)}.png", shader.place(scale, shift), box=True)
        large, fine, _ = shader.channels(image.outputs["Color"])
        darker = tuple(value * (1 - stains) for value in colour)
        lighter = tuple(min(1.0, value * (1 + stains)) for value in colour)
        shader.set(
            shader.surface,
            Base_Color=shader.between(large, darker, lighter),
            Roughness=shader.between(fine, max(0.0, roughness - stains), min(1.0, roughness + stains)),
        )
        return shader.material

    def brushed_steel(self, name: str, along: tuple[float, float, float], roughness: float = 0.3) -> bpy.types.Material:
        """Return stainless steel, brushed along the axis whose scale in `along` is smallest."""
        shader = Shader(name, Metallic=1.0)
        noise = shader.node("TexNoise", Scale=30.0, Detail=2.0, Vector=shader.place(along)).outputs["Fac"]
        smudges = shader.image(self.images / "grunge1.png", shader.place((3, 3, 3)), box=True)
        red, _, _ = shader.channels(smudges.outputs["Color"])
        shader.set(
            shader.surface,
            Base_Color=shader.between(red, (0.36, 0.36, 0.37), (0.52, 0.52, 0.53)),
            Roughness=shader.between(noise, roughness - 0.05, roughness + 0.1),
        )
        shader.bumps(noise, 0.06, 0.0003)
        return shader.material

    def belt(self) -> bpy.types.Material:
        """Return worn rubber or PVC with a woven surface, dust and dried drips."""
        rng = self.rng
        colour = rng.choice(
            ((0.016, 0.016, 0.017),) * 3 + ((0.010, 0.050, 0.034), (0.012, 0.040, 0.120), (0.045, 0.043, 0.040))
        )
        shader = Shader("belt", Specular_IOR_Level=0.45)
        weave = shader.place(turn=rng.choice((0.0, 0.7854)))
        pitch = rng.choice((60.0, 80.0, 110.0))
        warp, weft = (
            shader.node("TexWave", {"bands_direction": axis}, Scale=pitch, Vector=weave).outputs["Fac"] for axis in "XY"
        )
        crossing = shader.node("Math", {"operation": "MULTIPLY"})
        shader.set(crossing, Value=warp)
        shader.material.node_tree.links.new(weft, crossing.inputs[1])
        shader.bumps(crossing.outputs[0], rng.uniform(0.25, 0.6), 0.0007)
        at = shader.place((1 / 0.68, 1 / 0.34, 1), (rng.random(), 0.5, 0))
        wear, rough, dirt = shader.channels(
            shader.image(self.images / f"belt{rng.randrange(4)}.png", at).outputs["Color"]
        )
        worn = tuple(value * rng.uniform(1.2, 1.6) + 0.02 for value in colour)
        dusty = shader.node("Math", {"operation": "MULTIPLY"}, Value=dirt)
        dusty.inputs[1].default_value = rng.uniform(0.2, 0.7)
        shader.set(
            shader.surface,
            Base_Color=shader.between(dusty.outputs[0], shader.between(wear, colour, worn), (0.34, 0.33, 0.31)),
            Roughness=shader.between(rough, rng.uniform(0.3, 0.42), 0.8),
        )
        return shader.material

    def tiles(
        self, name: str, colour: Colour, gap: Colour, width: float, height: float, joint: float
    ) -> bpy.types.Material:
        """Return tiles or belt modules of width x height metres with gaps of `joint` metres, each in its own shade."""
        shader = Shader(name)
        at = shader.place(shift=(self.rng.random(), self.rng.random(), 0))
        shades = tuple(tuple(value * shade for value in colour) for shade in (0.93, 1.0))
        bricks = shader.node(
            "TexBrick",
            Vector=at,
            Scale=1.0,
            Mortar=gap,
            Color1=shades[0],
            Color2=shades[1],
            Brick_Width=width,
            Row_Height=height,
            Mortar_Size=joint,
            Mortar_Smooth=0.3,
        )
        stains = shader.image(self.images / "grunge0.png", shader.place((4, 4, 4)), box=True)
        large, fine, _ = shader.channels(stains.outputs["Color"])
        soiled = shader.node("Mix", {"data_type": "RGBA", "blend_type": "MULTIPLY"})
        shader.set(soiled, Factor=0.35)
        shader.material.node_tree.links.new(bricks.outputs["Color"], soiled.inputs[6])
        shader.material.node_tree.links.new(shader.between(large, (0.55, 0.52, 0.47), (1, 1, 1)), soiled.inputs[7])
        shader.set(shader.surface, Base_Color=soiled.outputs[2], Roughness=shader.between(fine, 0.25, 0.55))
        inverted = shader.node("Math", {"operation": "SUBTRACT"})
        inverted.inputs[0].default_value = 1.0
        shader.material.node_tree.links.new(bricks.outputs["Fac"], inverted.inputs[1])
        shader.bumps(inverted.outputs[0], 0.6, 0.0015)
        return shader.material

    def print_on_paper(self, image_name: str) -> bpy.types.Material:
        """Return a sleeve: the print, slightly off register, with varnish, small dents and rubbed spots."""
        rng = self.rng
        shader = Shader(image_name, Coat_Weight=0.25, Coat_Roughness=rng.uniform(0.1, 0.3))
        picture = shader.image(self.images / f"{image_name}.png", colours=True)
        grade = shader.node(
            "HueSaturation",
            Color=picture.outputs["Color"],
            Hue=0.5 + rng.gauss(0, 0.004),
            Saturation=rng.uniform(0.86, 1.02),
            Value=rng.uniform(0.88, 1.0),
        )
        rubbed = shader.image(
            self.images / "grunge1.png", shader.place((8, 8, 8), (rng.random(), rng.random(), 0)), box=True
        )
        _, fine, _ = shader.channels(rubbed.outputs["Color"])
        shader.set(
            shader.surface,
            Base_Color=grade.outputs["Color"],
            Roughness=shader.between(fine, 0.28, rng.uniform(0.42, 0.6)),
        )
        noise = shader.node(
            "TexNoise", Scale=60.0, Detail=2.0, Vector=shader.place(shift=(rng.random(), 0, 0))
        ).outputs["Fac"]
        shader.bumps(noise, 0.12, 0.002)
        return shader.material

    def printed_foil(self, image_name: str) -> bpy.types.Material:
        """Return a lid: the print on slightly uneven aluminium."""
        rng = self.rng
        shader = Shader(image_name, Metallic=0.6, Roughness=rng.uniform(0.26, 0.36))
        picture = shader.image(self.images / f"{image_name}.png", colours=True)
        shader.set(shader.surface, Base_Color=picture.outputs["Color"])
        at = shader.place(shift=(rng.random() * 5, rng.random() * 5, 0))
        creases = shader.node("TexNoise", Scale=55.0, Detail=3.0, Distortion=0.8, Vector=at).outputs["Fac"]
        shader.bumps(creases, rng.uniform(0.25, 0.5), 0.003)
        return shader.material

    def bare_foil(self) -> bpy.types.Material:
        shader = Shader("foil", Base_Color=(0.8, 0.8, 0.81), Metallic=1.0, Roughness=0.26)
        crinkles = shader.node("TexNoise", Scale=420.0, Detail=3.0, Vector=shader.place()).outputs["Fac"]
        shader.bumps(crinkles, 0.5, 0.0012)
        return shader.material
