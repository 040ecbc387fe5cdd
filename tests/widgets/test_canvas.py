"""The canvas in the browser."""

from workshop_utils.widgets import canvas


def test_tab_passes_the_canvas_by_and_a_screen_reader_has_a_name_for_it():
    script = canvas.Canvas()._esm
    assert '"tabindex", "-1"' in script and '"tabindex", "0"' not in script and f'"{canvas.ALT}"' in script


def test_keys_typed_within_the_editor_are_kept_from_jupyterlab():
    script = canvas.Canvas()._esm
    assert "data-lm-suppress-shortcuts" in script and f'".{canvas.KEYS}"' in script
