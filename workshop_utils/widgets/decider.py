"""Decide where people disagree, in the folder that `merge` wrote: choose a version, or draw the boxes yourself.

For each button of the `Decider` there is a method, so a notebook that cannot show widgets can decide, too.
"""

import pathlib
from collections.abc import Iterable

import ipywidgets

from workshop_utils.core import phrases
from workshop_utils.curation import merged_folder
from workshop_utils.data import label_map, voc
from workshop_utils.data.annotation import Box
from workshop_utils.widgets import label_files
from workshop_utils.widgets.box_editor import grid
from workshop_utils.widgets.labeler import Labeler
from workshop_utils.widgets.view import LabelingError

BUTTONS = 5
"""The largest number of versions with a button. More than that need as many people who all drew something else."""

HIDDEN_KEYS = ("b", "c")
"""The keys of the Labeler's buttons that are not shown here."""


class Decider(Labeler):
    """Goes through the photos that wait for a decision, one place at a time.

    The boxes that people agree on are drawn already, and at each other place the version of most people. What you
    choose or draw is kept as a draft, as in the Labeler. Submit writes the annotation; then the photo is in the set.

    Args:
        folder: The folder that `merge` wrote.

    Raises:
        MergedFolderError: If it has no table of decisions, or one that cannot be read.
        LabelingError: If there is nothing to decide.
    """

    def __init__(self, folder: pathlib.Path):
        folder = pathlib.Path(folder)
        self._places = merged_folder.read_undecided(folder)
        self._agreed, self.number = folder / merged_folder.DRAWN, 0
        if not self._places:
            raise LabelingError(f"There is nothing to decide in {folder}: people agree everywhere.")
        self._versions: list[ipywidgets.Button] = []
        super().__init__(
            folder / "images", folder / "annotations", label_map.read(folder / label_map.FILENAME).values()
        )
        shown = self.path
        self.paths = [path for path in self.paths if path.name in self._places]
        if not self.paths:
            raise LabelingError(
                f"{folder / 'images'}: has none of the photos in {merged_folder.UNDECIDED}. Merge again."
            )
        self.place = self.paths.index(shown) if shown in self.paths else None
        self._canvas.alt = "the photo with the places to decide"
        button = self._actions.button
        most = min(BUTTONS, max(len(versions) for places in self._places.values() for versions in places))
        self._versions = [button("", lambda number=number: self.choose(number)) for number in range(1, most + 1)]
        _, submit, photo_buttons, *rest = self._panel.children
        moves = grid(
            button("Previous place", self.previous_place),
            button("Next place", self.next_place, "j"),
            button("Try another version", self.try_another, "v"),
            *(each for each in photo_buttons.children if each.description == "Skip"),
        )
        self._box_buttons.children = [each for each in self._box_buttons.children if each.description != "Copy boxes"]
        self._panel.children = [self._header, *self._versions, moves, submit, *rest]
        for key in HIDDEN_KEYS:
            del self._actions.keys[key]
        self._canvas.shortcuts = list(self._actions.keys)
        self.go(self.place or 0)

    def __repr__(self) -> str:
        """Return what is shown in place of the widget if none can be shown."""
        return f"Decider at {self.path.name}: {self._question()} No widget to see? decider.choose(1), decider.submit()"

    @property
    def versions(self) -> list[tuple[str, list[Box]]]:
        """The versions of the place that is shown: who drew it, and the boxes."""
        return self._places[self.path.name][self.number]

    def choose(self, version: int) -> None:
        """Draw a version, counted from 1, in place of the others. Raises LabelingError if there is none."""
        self._settled()
        if version not in range(1, len(self.versions) + 1):
            raise LabelingError(f"There is no version {version}; this place has {len(self.versions)}.")
        chosen = self._as_shown(self.versions[version - 1][1])
        others = [box for _, boxes in self.versions for box in self._as_shown(boxes)]
        self._draw([*(box for box in self.boxes if box not in others), *chosen])
        self.select(len(self.boxes) if chosen else None)
        last = self.number + 1 == len(self._places[self.path.name])
        self.say(f"Version {version} is drawn.", "Submit saves this photo." if last else "Go to the next place.")

    def try_another(self) -> None:
        """Draw the version after the one that is drawn; after the last comes the first."""
        drawn = [place for place, (_, boxes) in enumerate(self.versions) if self._is_drawn(boxes)]
        self.choose((drawn[0] + 1 if drawn else 0) % len(self.versions) + 1)

    def next_place(self) -> None:
        """Show the next place of this photo, or the next photo after the last one."""
        if self.number + 1 < len(self._places[self.path.name]):
            self._show_place(self.number + 1)
        else:
            self.next()

    def previous_place(self) -> None:
        """Show the place before this one, or the photo before."""
        if self.number:
            self._show_place(self.number - 1)
        else:
            self.previous()

    def go(self, place: int) -> None:
        """Show photo number `place`, counted from 0, at its first place. Raises as the Labeler does."""
        super().go(place)
        if self.path.name not in self._places:  # before the photos without a decision are left out
            return
        message = self.message
        agreed = label_files.inside(self._agreed / f"{self.path.stem}.xml", self._agreed)
        if not self.boxes and not self.xml(self.path).exists() and agreed.exists():
            leading = [box for versions in self._places[self.path.name] for box in versions[0][1]]
            self._know(box.name for box in leading)
            self._draw(self._as_shown([*voc.read(agreed).boxes, *leading]))
        self._show_place(0)
        self.say(message, self.message)

    def _show_place(self, number: int) -> None:
        """Show one place of this photo: what each version is, and select a box of it."""
        self.number = number
        for place, button in enumerate(self._versions):
            is_there = place < len(self.versions)
            button.layout.display = "" if is_there else "none"
            button.description = f"{place + 1}: {_described(*self.versions[place])}" if is_there else ""
        drawn = [box for _, boxes in self.versions for box in self._as_shown(boxes)]
        here = [place for place, box in enumerate(self.boxes, start=1) if box in drawn]
        self.select(here[0] if here else None)
        self.say(self._question())

    def _is_drawn(self, version: list[Box]) -> bool:
        """Return whether the photo has the boxes of this version, and none of the others'."""
        here = [box for _, boxes in self.versions for box in self._as_shown(boxes)]
        return sorted(map(repr, self._as_shown(version))) == sorted(repr(box) for box in self.boxes if box in here)

    def _question(self) -> str:
        places = len(self._places[self.path.name])
        versions = "; ".join(f"{number}: {_described(*each)}" for number, each in enumerate(self.versions, start=1))
        return f"Place {self.number + 1} of {places}: {versions}. Choose a version, or draw the boxes yourself."

    def _as_shown(self, boxes: Iterable[Box]) -> list[Box]:
        """Return boxes as the canvas returns them: rounded to whole pixels."""
        return [shown for box in boxes if (shown := self._view.box(self._view.drawn(box)))]


def _described(people: str, boxes: list[Box]) -> str:
    """Return a version in words."""
    return f"{people}: {phrases.listed(box.name for box in boxes) or 'no box'}"
