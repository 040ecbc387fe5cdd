"""A widget that goes through the channels of some layers: what is there at once, and what takes a while to make."""

import asyncio
import time
from collections.abc import Callable, Iterator

import ipywidgets
import numpy as np
from PIL import Image

from workshop_utils.plots import drawing

EVERY = 5
"""So many steps of a climb pass between two pictures."""

WIDTH = 280
"""How large a picture that is made is shown, in pixels."""


class ChannelExplorer(ipywidgets.VBox):
    """Shows what there is to see of the chosen layer's channel.

    `channels` says how many channels each layer has. `look(layer, channel)` gives a `drawing.Picture`, which is shown
    at once; `climb(layer, channel)` gives one picture (uint8) after the other, each nearer to what excites the channel.
    These are shown as they come, and whoever moves on does not wait for the rest. It begins at the first layer, or,
    where `first` names one for each layer, with that channel.
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
        self.layer = ipywidgets.Dropdown(options=list(channels), description="layer")
        self.channel = ipywidgets.IntSlider(description="channel", continuous_update=False)
        self.said, self.found, self.made = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self._turn()
        self.layer.observe(self._change_layer, "value")
        self.channel.observe(self._move, "value")
        self.children = [ipywidgets.HBox([self.layer, self.channel]), self.found, self.said, self.made]
        for _ in self._shown():
            pass

    def _turn(self) -> None:
        """Turn the slider to what the layer has."""
        with self.channel.hold_sync():  # else a browser sees the new end before the new value
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
        except RuntimeError:  # a plain program, in which nobody moves on meanwhile
            for _ in shown:
                pass
        else:
            self._running = loop.create_task(_in_turns(shown))

    def _shown(self) -> Iterator[None]:
        """Show all there is of the channel, in small steps; end early where somebody has moved on."""
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
                self.said.value = f"Computing a picture that excites {name}: step {step} ..."
                self.made.value = _enlarged(picture, f"After {step} steps, what excites {name}")
        seconds = time.monotonic() - began
        self.said.value = f"This picture excites {name}. It took {step} steps and {seconds:.1f} seconds."
        self.made.value = _enlarged(picture, f"After {step} steps, what excites {name}")


async def _in_turns(steps: Iterator[None]) -> None:
    """Go on step by step, and let the notebook hear of a slider that has moved between any two."""
    await asyncio.sleep(0.01)
    for _ in steps:
        await asyncio.sleep(0.01)


def _enlarged(picture: np.ndarray, alt: str) -> str:
    image = Image.fromarray(picture).resize((WIDTH, WIDTH), Image.Resampling.BICUBIC)
    return drawing.picture(image, alt=alt)._repr_html_()
