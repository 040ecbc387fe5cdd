"""A widget to look through the channels of some layers: a picture at once, and one that is computed while you look."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import numpy as np
from PIL import Image

from workshop_utils.plots import drawing

EVERY = 5
"""Number of steps between two pictures of a climb."""

WIDTH = 280
"""The width at which a computed picture is shown, in pixels."""

SLIDER = "680px"
"""Wide enough to reach each of hundreds of channels with the mouse."""


class ChannelExplorer(ipywidgets.VBox):
    """Shows the chosen channel of a layer.

    While a picture is computed, you can move on: the computation of the channel that you left ends.

    Args:
        channels: The number of channels of each layer.
        look: Takes a layer and a channel, and returns the picture that is shown at once.
        climb: Takes a layer and a channel, and yields pictures (uint8), each exciting the channel more than the last.
        first: The channel to start with, for each layer; by default 0.
    """

    def __init__(
        self,
        channels: dict[str, int],
        look: Callable[[str, int], drawing.Picture],
        climb: Callable[[str, int], Iterator[np.ndarray]],
        first: dict[str, int] | None = None,
    ):
        super().__init__()
        self._channels, self._look, self._climb = channels, look, climb
        self._first = first or dict.fromkeys(channels, 0)
        self._moves, self._running = 0, None
        self.layer: Any = ipywidgets.Dropdown(options=list(channels), description="layer")
        self.channel = ipywidgets.IntSlider(description="channel", continuous_update=False)
        self.channel.layout = ipywidgets.Layout(width=SLIDER, max_width="100%")
        self.said, self.found, self.made = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self._turn()
        self.layer.observe(self._change_layer, "value")
        self.channel.observe(self._move, "value")
        row = ipywidgets.Layout(flex_flow="row wrap")
        self.children = [ipywidgets.HBox([self.layer, self.channel], layout=row), self.found, self.said, self.made]
        for _ in self._shown():
            pass

    def __repr__(self) -> str:
        """Return what a page shows if it cannot show the widget."""
        return f"ChannelExplorer at channel {self.channel.value} of the {self.layer.value} layer. It needs JupyterLab."

    def _turn(self) -> None:
        """Set the slider to the layer's channels."""
        with self.channel.hold_sync():  # so that the browser gets the new maximum and the new value together
            self.channel.max = self._channels[self.layer.value] - 1
            self.channel.value = self._first[self.layer.value]

    def _change_layer(self, _) -> None:
        self.channel.unobserve(self._move, "value")
        self._turn()
        self.channel.observe(self._move, "value")
        self._move()

    def _move(self, _=None) -> None:
        shown = self._shown()
        next(shown)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # outside a notebook no one moves on
            for _ in shown:
                pass
        else:
            self._running = loop.create_task(_in_turns(shown))

    def _shown(self) -> Iterator[None]:
        """Show the channel in small steps; stop if another channel was chosen."""
        self._moves += 1
        move, layer, channel = self._moves, self.layer.value, self.channel.value
        name = f"channel {channel} of the {layer} layer"
        self.found.value = self._look(layer, channel)._repr_html_()
        self.said.value, self.made.value = f"Computing a picture that excites {name} ...", ""
        began = time.monotonic()
        for step, picture in enumerate(self._climb(layer, channel), start=1):
            if step % EVERY == 1:
                yield
                if self._moves != move:
                    return
                seconds = time.monotonic() - began
                self.said.value = f"Computing a picture that excites {name}: step {step}, {seconds:.0f} s ..."
                self.made.value = _enlarged(picture, f"After {step} steps, what excites {name}")
        seconds = time.monotonic() - began
        self.said.value = f"This picture excites {name}. It took {step} steps and {seconds:.1f} seconds."
        self.made.value = _enlarged(picture, f"After {step} steps, what excites {name}")


async def _in_turns(steps: Iterator[None]) -> None:
    """Take one step after the other; between them the notebook handles a slider that was moved."""
    await asyncio.sleep(0.01)
    for _ in steps:
        await asyncio.sleep(0.01)


def _enlarged(picture: np.ndarray, alt: str) -> str:
    image = Image.fromarray(picture).resize((WIDTH, WIDTH), Image.Resampling.BICUBIC)
    return drawing.picture(image, alt=alt)._repr_html_()
