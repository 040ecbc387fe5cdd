"""Draw the picture of the README: the same photo, labelled by the COCO detector and by the fine-tuned one.

    python tools/picture.py

The photo is a validation photo. The fine-tuned detector is the run of the recipe `seed` that the notebooks share;
if it does not exist, it is trained first. Writes docs/pictures/before_and_after.jpg.
"""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.model import detection
from workshop_utils.plots import drawing
from workshop_utils.training import trainer

PICTURE = settings.PROJECT / "docs" / "pictures" / "before_and_after.jpg"
PHOTO = "0120.jpg"
TITLES = {
    "as_is": "as_is: COCO's weights, no training",
    "fine_tune": "fine_tune: COCO's weights, {steps:,} steps on our photos",
}


def main() -> None:
    data, recipe = dataset.load(settings.YOGHURT), settings.recipe("seed")
    (sample,) = [each for each in data.split(recipe.photos)[1] if each.name == PHOTO]
    figure, axes = plt.subplots(1, len(TITLES), figsize=(13, 5.3), layout="constrained")
    for axis, (strategy, title) in zip(axes, TITLES.items(), strict=True):
        model, names = trainer.load_model(trainer.shared_run(strategy, data, recipe))
        boxes, classes, scores = (part[0] for part in detection.detect(model, sample.image[None]))
        axis.imshow(drawing.photo_with_detections(sample.image, boxes, classes, scores, names))
        axis.set_title(title.format(steps=recipe.steps))
        axis.axis("off")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=100, pil_kwargs={"quality": 85})
    print(f"Drew {PICTURE.relative_to(settings.PROJECT)}.")


if __name__ == "__main__":
    main()
