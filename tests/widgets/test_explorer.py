"""The explorer of notebook 01 shows the channel at the slider, and does not compute channels that were skipped."""

import asyncio
import html
import re

import numpy as np
import pytest

from workshop_utils.plots import drawing
from workshop_utils.widgets import explorer

CHANNELS = {"early": 10, "late": 500}
STEPS = 12


@pytest.fixture
def climbed() -> list:
    """The steps of gradient ascent: (layer, channel, step)."""
    return []


@pytest.fixture
def shown(climbed) -> explorer.ChannelExplorer:
    def look(layer, channel):
        return drawing.picture(np.full((4, 4, 3), channel % 256, np.uint8), alt=f"{layer} {channel}")

    def climb(layer, channel):
        for step in range(STEPS):
            climbed.append((layer, channel, step))
            yield np.full((8, 8, 3), 10 * step, np.uint8)

    return explorer.ChannelExplorer(CHANNELS, look, climb, first={"early": 3, "late": 400})


def test_it_starts_with_the_first_layers_channel_and_its_pictures(shown, climbed):
    assert (shown.layer.value, shown.channel.value, shown.channel.max) == ("early", 3, 9)
    assert 'alt="early 3"' in shown.found.value and f"{STEPS} steps" in shown.made.value
    assert [step for _, _, step in climbed] == list(range(STEPS))


def test_a_page_without_widgets_shows_which_channel_it_is_at(shown):
    assert "3" in repr(shown) and "early" in repr(shown) and "children" not in repr(shown)


def test_a_moved_slider_changes_both_pictures(shown):
    before = shown.found.value, shown.made.value
    shown.channel.value = 7
    assert 'alt="early 7"' in shown.found.value and re.search(r"\b7\b.*\bearly\b", shown.made.value)
    assert shown.found.value != before[0] and shown.made.value != before[1]


def test_another_layer_offers_its_channels_and_computes_once(shown, climbed):
    climbed.clear()
    shown.layer.value = "late"
    assert (shown.channel.value, shown.channel.max) == (400, 499) and 'alt="late 400"' in shown.found.value
    shown.layer.value = "early"
    assert (shown.channel.value, shown.channel.max) == (3, 9) and 'alt="early 3"' in shown.found.value
    assert len(climbed) == 2 * STEPS


def test_it_shows_that_it_computes_and_then_that_it_is_done(shown):
    said = []
    shown.said.observe(lambda change: said.append(change["new"]), "value")
    shown.channel.value = 5
    assert f"{STEPS} steps" not in said[0] and f"{STEPS} steps" in said[-1]


def test_in_a_notebook_only_the_last_of_several_quick_moves_is_computed(shown, climbed):
    async def moved():
        climbed.clear()
        for channel in (4, 5, 6):
            shown.channel.value = channel
            assert html.escape(f"early {channel}") in shown.found.value
        while f"{STEPS} steps" not in shown.said.value:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(moved(), timeout=10))
    assert [step for _, channel, step in climbed if channel == 6] == list(range(STEPS))
    assert all(step == 0 for _, channel, step in climbed if channel != 6)
    assert re.search(r"\b6\b.*\bearly\b", shown.made.value)
