"""From a plan to a photo: build the scene, meter and render it, and add the effects of a real camera."""

import math
import random
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from PIL import Image, ImageFilter

from . import boxes, cups, hall, new_line, studio, things
from .film_plan import Film
from .materials import Palette
from .plan import SIZE, Plan

SAMPLES = 8
JPEG_QUALITY = 90
LARGEST_FILE = 100_000


@dataclass(frozen=True)
class Photo:
    """A finished photo as JPEG bytes, and the boxes on it."""

    jpeg: bytes
    boxes: list[boxes.LabelledBox]


def take(plan: Plan, textures: Path, scratch: Path) -> Photo:
    """Render the photo of a plan; `scratch` is a folder for temporary files."""
    on_belt = _build(plan, textures)
    settings(plan)
    meter(plan, scratch / "meter.png")
    bpy.context.scene.render.filepath = str(scratch / "photo.png")
    bpy.ops.render.render(write_still=True)
    image = Image.open(scratch / "photo.png").convert("RGB")
    found = boxes.find(on_belt, scratch / "mask.png")
    return Photo(_jpeg(through_a_lens(image, plan.rng("sensor")), scratch / "photo.jpg"), found)


def _build(plan: Plan, textures: Path) -> list[tuple[str, list[bpy.types.Object]]]:
    """Build the scene; return the cups as (flavour, objects)."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rng = plan.rng("scene")
    palette = Palette(textures, plan.rng("materials"))
    (new_line if plan.line == "new_line" else hall).build(palette, rng)
    built = [(cup.flavour, cups.cup(cup.flavour, cup.lying, cup.spot, palette, rng)) for cup in plan.cups]
    other = [part for thing in plan.things for part in things.build(thing, palette, rng)]
    studio.set_up(plan)
    if plan.blur:
        render = bpy.context.scene.render
        render.use_motion_blur, render.motion_blur_shutter, render.motion_blur_position = True, 0.5, "CENTER"
        for body in [part for _, parts in built for part in parts] + other:
            if body.parent is None:
                _move(body, plan.blur)
    return built


def _move(body: bpy.types.Object, distance: float) -> None:
    """Move an object by `distance` metres along x during the exposure, centred on its place."""
    here = body.matrix_world.translation.copy()
    for frame, share in ((0, -1.0), (1, 0.0), (2, 1.0)):
        body.location = (here.x + share * distance * 2, here.y, here.z)
        body.keyframe_insert("location", frame=frame)
    for curve in body.animation_data.action.fcurves:
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"


def settings(plan: Plan | Film) -> None:
    """Set how Cycles renders and develops."""
    scene, rng = bpy.context.scene, plan.rng("develop")
    scene.frame_set(1)
    render, cycles, view = scene.render, scene.cycles, scene.view_settings
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = SIZE
    render.threads_mode, render.threads = "FIXED", 1
    render.dither_intensity = 0
    render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
    cycles.device, cycles.samples, cycles.seed, cycles.use_adaptive_sampling = "CPU", SAMPLES, plan.seed, False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "FAST"
    cycles.use_light_tree, cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = False, 5, 3, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.blur_glossy = 6, 0.5
    view.view_transform = "AgX"
    view.look = rng.choice(("AgX - Base Contrast", "AgX - Medium High Contrast", "AgX - Punchy", "AgX - High Contrast"))
    view.exposure = rng.uniform(0.15, 0.6)
    for material in bpy.data.materials:
        material.cycles.emission_sampling = "NONE"


def meter(plan: Plan | Film, preview: Path) -> None:
    """Set the exposure as a camera does, from the brightest places and the mean of two rough previews."""
    scene, rng = bpy.context.scene, plan.rng("meter")
    render, cycles, view = scene.render, scene.cycles, scene.view_settings
    brightest, mean = rng.uniform(0.78, 0.93), rng.uniform(0.33, 0.45)
    cycles.use_denoising, cycles.samples = False, 4
    render.resolution_x, render.resolution_y = 96, 72
    render.filepath = str(preview)
    for _ in range(2):
        bpy.ops.render.render(write_still=True)
        seen = np.asarray(Image.open(preview).convert("L").filter(ImageFilter.MedianFilter(3))) / 255
        from_brightest = 2.2 * math.log2(brightest / max(np.percentile(seen, 97), 0.02)) * 0.6
        from_mean = 2.2 * math.log2(mean / max(seen.mean(), 0.02)) * 0.8
        view.exposure += float(np.clip(min(from_brightest, from_mean), -1.6, 1.6))
    preview.unlink()
    cycles.use_denoising, cycles.samples = True, SAMPLES
    render.resolution_x, render.resolution_y = SIZE


def through_a_lens(image: Image.Image, rng: random.Random, frame: int = 0) -> Image.Image:
    """Add softness, colour fringes, vignetting, white balance, and noise that grows with light like photon noise.

    The frames of a film get the same lens and different noise.
    """
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.15, 0.5)))
    red, green, blue = image.split()
    fringe = rng.uniform(0.0, 0.0022)
    image = Image.merge("RGB", (_magnified(red, 1 + fringe), green, _magnified(blue, 1 - fringe / 2)))
    pixels = np.asarray(image).astype(np.float32)
    height, width = pixels.shape[:2]
    down, right = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    pixels *= (1 - rng.uniform(0.05, 0.18) * (right**2 + down**2))[..., None]
    pixels *= [1 + rng.gauss(0, 0.025), 1.0, 1 + rng.gauss(0, 0.03)]
    sensor = np.random.default_rng(rng.randrange(2**32) + frame)
    strength = rng.uniform(0.9, 3.0) * np.sqrt(0.35 + pixels.clip(0) / 255)
    grey, coloured = sensor.standard_normal((height, width, 1)), sensor.standard_normal(pixels.shape)
    pixels += 0.7 * strength * grey + 0.5 * strength * coloured
    return Image.fromarray((pixels + 0.5).clip(0, 255).astype(np.uint8))


def _magnified(channel: Image.Image, scale: float) -> Image.Image:
    width, height = channel.size
    shift = ((1 - 1 / scale) * width / 2, (1 - 1 / scale) * height / 2)
    numbers = (1 / scale, 0, shift[0], 0, 1 / scale, shift[1])
    return channel.transform(channel.size, Image.Transform.AFFINE, numbers, Image.Resampling.BICUBIC)


def _jpeg(image: Image.Image, scratch: Path) -> bytes:
    quality = JPEG_QUALITY
    while True:
        image.save(scratch, quality=quality, optimize=True)
        jpeg = scratch.read_bytes()
        scratch.unlink()
        if len(jpeg) <= LARGEST_FILE:
            return jpeg
        quality -= 4
