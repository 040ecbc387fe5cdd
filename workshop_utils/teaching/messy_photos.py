"""A small data set with the errors that are common in real ones."""

import pathlib
import re
import shutil

from workshop_utils.core import settings


def write(folder: pathlib.Path) -> None:
    """Write five of our photos with a different error in each.

    0001 has a truncated photo, 0002 no annotation, 0003 a box with its left and right edges exchanged, 0004 a class
    name with a space in front, 0005 a box of no height.

    Args:
        folder: Gets `images` and `annotations`. Files of the same names are replaced.
    """
    for part, extension in (("images", "jpg"), ("annotations", "xml")):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for number in range(1, 6):
            shutil.copy(settings.YOGHURT / part / f"000{number}.{extension}", folder / part)
    photo, xml = folder / "images" / "0001.jpg", folder / "annotations"
    photo.write_bytes(photo.read_bytes()[:2000])
    (xml / "0002.xml").unlink()
    _replace(xml / "0003.xml", r"<xmin>(\d+)</xmin>(.*?)<xmax>(\d+)<", r"<xmin>\3</xmin>\2<xmax>\1<")
    _replace(xml / "0004.xml", "<name>", "<name> ")
    _replace(xml / "0005.xml", r"<ymin>(\d+)</ymin>(.*?)<ymax>\d+<", r"<ymin>\1</ymin>\2<ymax>\1<")


def _replace(path: pathlib.Path, pattern: str, new: str) -> None:
    """Replace the first match of a regular expression in a file."""
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(pattern, new, text, count=1, flags=re.DOTALL), encoding="utf-8")
