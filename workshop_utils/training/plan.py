"""A plan: everything that decides what a run learns. It is written to the run's `recipe.json`."""

import dataclasses
from typing import Any

from workshop_utils.core import settings
from workshop_utils.data import dataset, given_split, grouped_split, label_map
from workshop_utils.data.dataset import Dataset, Sample
from workshop_utils.data.groups import Grouping
from workshop_utils.model import architectures
from workshop_utils.training import early_stopping, strategies
from workshop_utils.training.strategies import Strategy, StrategyError


@dataclasses.dataclass(frozen=True)
class Freezing:
    """Which layers stop learning, and when.

    Attributes:
        train_from: The last layer that is frozen; everything after it learns to the end. "" freezes nothing.
        thaw: Share of the steps, 0 to 1, before it is frozen.
        views: Number of augmented views of each photo whose frozen features are cached; 0 caches nothing and shows a
            new view at each step. None, in runs of version 1, chooses a number.
    """

    train_from: str
    thaw: float = 0.0
    views: int | None = 0


@dataclasses.dataclass(frozen=True)
class StartFrom:
    """The checkpoint of another run, whose weights are the first of a run; see `starting_weights.choose`.

    Attributes:
        run: The folder of the other run.
        step: The step of its checkpoint.
        checksum: Twelve hex digits that change with the checkpoint.
    """

    run: str
    step: int
    checksum: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """Enough to repeat a run, and to refuse mixing two runs in one folder.

    Attributes:
        strategy: A name in `strategies.STRATEGIES`.
        recipe: Steps, learning rate and so on.
        classes: {id: name} of the photos' classes. The detector's own differ where the strategy keeps COCO's.
        data: Where the data set was; to evaluate the run later.
        fingerprint: Twelve hex digits that change with any photo, box or class.
        train_on: The names of the training photos to use; None uses all.
        freezing: None where the strategy freezes nothing.
        architecture: A name in `architectures.ARCHITECTURES`.
        keep_split: Whether the photos are divided as the data set's author did, not at random.
        start_from: The checkpoint of another run to start from; None starts from the strategy's weights.
        patience: The number of evaluations in a row without a higher AP after which training stops; None never stops.
        groups: The groups of photos that are not divided between training and validation set. None divides photo by
            photo and does not see to the classes, as version 1 does.
    """

    strategy: str
    recipe: settings.Recipe
    classes: dict[int, str]
    data: str
    fingerprint: str
    train_on: list[str] | None = None
    freezing: Freezing | None = None
    architecture: str = architectures.DEFAULT
    keep_split: bool = False
    start_from: StartFrom | None = None
    patience: int | None = None
    groups: Grouping | None = None

    def __post_init__(self):
        """Raise StrategyError or SettingsError for an option that this strategy or recipe cannot have."""
        if self.start_from and not self.chosen.tunes:
            what = f"The strategy {self.strategy} does not start from a run's weights."
            raise StrategyError(f"{what} Leave out --start-from, or choose fine_tune.")
        if self.patience is not None:
            if not self.chosen.trains:
                raise StrategyError(f"The strategy {self.strategy} trains nothing. Leave out --patience.")
            early_stopping.check(self.patience, self.recipe)

    @classmethod
    def of(
        cls,
        data: Dataset,
        strategy: str = "fine_tune",
        recipe: settings.Recipe | None = None,
        *,
        source: object = "",
        train_on: list[str] | None = None,
        architecture: str | None = None,
        keep_split: bool = False,
        start_from: StartFrom | None = None,
        patience: int | None = None,
        groups: Grouping | None = None,
        **freezing: Any,
    ) -> "Plan":
        """Return a plan for a data set; the strategy and the architecture decide what is not given.

        Fine-tuning freezes as many layers as the recipe says, and sees a new view of each photo in every epoch. Where
        it caches features, or begins to freeze late, it freezes as many as the architecture allows: that saves most.

        Args:
            data: The data set.
            strategy: A name in `strategies.STRATEGIES`.
            recipe: The recipe, for any strategy; by default the one that WORKSHOP_RECIPE names.
            source: Where the data set is.
            train_on: The names of the training photos to use; all by default.
            architecture: A name in `architectures.ARCHITECTURES`.
            keep_split, start_from, patience, groups: As for the class.
            **freezing: Fields of Freezing that differ from the default.

        Raises:
            StrategyError: If the strategy does not exist, does not freeze, or does not start from learned weights.
            SettingsError: If the architecture does not exist, or the patience can never stop this recipe.
        """
        chosen, recipe = strategies.get(strategy), (recipe or settings.recipe()).of(strategy)
        network = architectures.get(architecture or architectures.DEFAULT)
        given = {key: value for key, value in freezing.items() if value is not None}
        if given and not chosen.freezes:
            raise StrategyError(f"The strategy {strategy} freezes no layers, so leave out {', '.join(given)}.")
        depth = -1 if given.get("views") or given.get("thaw") else recipe.freezing_depth
        fields: dict[str, Any] = {"train_from": network.freezing_depths[depth]} | given
        frozen = Freezing(**fields) if chosen.freezes else None
        return cls(
            *(strategy, recipe, data.label_map, str(source), data.fingerprint(), train_on, frozen, network.name),
            keep_split=keep_split,
            start_from=start_from,
            patience=patience,
            groups=groups,
        )

    @property
    def chosen(self) -> Strategy:
        """The strategy itself. Raises StrategyError if it does not exist."""
        return strategies.get(self.strategy)

    @property
    def frozen_from(self) -> int | None:
        """The step from which layers are frozen; None if none ever are."""
        if self.freezing is None or not self.freezing.train_from:
            return None
        return round(self.recipe.steps * self.freezing.thaw)

    def split(self, data: Dataset) -> tuple[list[Sample], list[Sample]]:
        """Return the training and the validation photos.

        Raises:
            DatasetError: If no photo has a name in `train_on`, or the data set does not come with a split to keep.
        """
        photos = self.recipe.photos
        if self.keep_split:
            training, validation = given_split.split(data.samples, photos)
        elif self.groups:
            training, validation = grouped_split.split(data.samples, self.groups.photos, photos)
        else:
            training, validation = data.split(photos)
        return (training if self.train_on is None else dataset.select(training, self.train_on)), validation

    def as_json(self) -> dict[str, Any]:
        """Return the fields as `recipe.json` holds them: those of version 1, and those added since."""
        freezing: dict[str, Any] = (
            dataclasses.asdict(self.freezing) if self.freezing else dict.fromkeys(("train_from", "thaw", "views"))
        )
        return {
            "strategy": self.strategy,
            "architecture": self.architecture,
            "start_from": self.start_from and dataclasses.asdict(self.start_from),
            "recipe": {key: value for key, value in dataclasses.asdict(self.recipe).items() if key != "by_strategy"},
            "label_map": self.classes,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "train_on": self.train_on,
            "keep_split": self.keep_split,
            "patience": self.patience,
            "groups": self.groups and dataclasses.asdict(self.groups),
            **freezing,
        }

    def identity(self) -> dict[str, Any]:
        """Return the fields in which two plans of the same run agree: data and other runs may have moved."""
        start = self.start_from and dataclasses.replace(self.start_from, run="")
        return dataclasses.replace(self, data="", start_from=start).as_json()

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Plan":
        """Return the plan that `as_json` described. Fields that version 1 did not write have their defaults.

        Raises ValueError, TypeError, KeyError or AttributeError where the fields are not a plan's.
        """
        fields = dict(fields)
        recipe = settings.Recipe(**fields.pop("recipe"))
        classes = label_map.checked((int(number), name) for number, name in fields.pop("label_map").items())
        freezing: dict[str, Any] = {key: fields.pop(key, None) for key in ("train_from", "thaw", "views")}
        freezing["thaw"] = freezing["thaw"] or 0.0
        frozen = None if freezing["train_from"] is None else Freezing(**freezing)
        start, groups = fields.pop("start_from", None), fields.pop("groups", None)
        more = {"start_from": start and StartFrom(**start), "groups": groups and Grouping(**groups)}
        return cls(recipe=recipe, classes=classes, freezing=frozen, **more, **fields)
