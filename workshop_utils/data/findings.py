"""What can be wrong with a data set, and what becomes of it: the one list that `check`, training and docs share."""

import dataclasses
import enum
import pathlib


class Outcome(enum.Enum):
    """What becomes of a file in which something was found."""

    TAKEN = "taken"
    TOLD = "told"
    REPAIRED = "repaired"
    SET_ASIDE = "set aside"


class Group(enum.Enum):
    """Where in a data set something is found, in the order in which a person meets it."""

    FILES = "Files and folders"
    PHOTOS = "Photos"
    XML = "Annotations"
    BOXES = "Boxes"
    CLASSES = "Classes"
    SET = "The set as a whole"


class Kind(enum.Enum):
    """A kind of mess: where it is met, what becomes of it, and in words: what is `found`, what the workshop `does`,
    what you can do (`remedy`)."""

    def __init__(self, group: Group, outcome: Outcome, found: str, does: str, remedy: str):
        self.group, self.outcome, self.found, self.does, self.remedy = group, outcome, found, does, remedy

    ENDING = (
        Group.FILES,
        Outcome.TAKEN,
        "photos ending in .jpg, .jpeg, .png, .webp or .bmp, in any case",
        "They are read alike.",
        "Nothing.",
    )
    HIDDEN = (
        Group.FILES,
        Outcome.TAKEN,
        "hidden files and folders: .DS_Store, ._0001.jpg, .ipynb_checkpoints",
        "They are passed over. `--fix` does not copy them.",
        "Nothing.",
    )
    EMPTY_FOLDER = (
        Group.FILES,
        Outcome.TOLD,
        "an empty folder inside images/ or annotations/",
        "It is passed over.",
        "Look whether photos are missing.",
    )
    OTHER_FILE = (
        Group.FILES,
        Outcome.TOLD,
        "a file in images/ that is no photo, or in annotations/ that is no XML",
        "It is passed over. `--fix` puts it into set_aside/.",
        "Move it elsewhere. Labels in another form, such as YOLO's .txt, export as Pascal VOC.",
    )
    INNER_FOLDER = (
        Group.FILES,
        Outcome.SET_ASIDE,
        "a folder with files in it, inside images/ or annotations/",
        "Its files are not used.",
        "Move photos up into images/ and XML into annotations/; give them stems that differ.",
    )
    SAME_STEM = (
        Group.FILES,
        Outcome.SET_ASIDE,
        "two photos, or two annotations, of one stem: 0001.jpg and 0001.png",
        "The first by name is used, the other is not.",
        "Rename the other one, and its annotation with it.",
    )
    NO_ANNOTATION = (
        Group.FILES,
        Outcome.SET_ASIDE,
        "a photo without an annotation",
        "It is not used.",
        "Label it. If it shows nothing of what you look for, save it without boxes.",
    )
    NO_PHOTO = (
        Group.FILES,
        Outcome.SET_ASIDE,
        "an annotation without a photo",
        "It is not used.",
        "Bring the photo back under the annotation's stem, or take the annotation out.",
    )
    DENIED = (
        Group.FILES,
        Outcome.SET_ASIDE,
        "a photo, an annotation or a folder that you may not read, or a link that leads out of the data set",
        "It is not used. `--fix` cannot copy it and says so.",
        "Give yourself the right to read it: `chmod -R u+rX FILE`, or in the file manager. Replace a link by its file.",
    )
    FOREIGN_FORMAT = (
        Group.PHOTOS,
        Outcome.SET_ASIDE,
        "a photo in HEIC, AVIF, GIF, TIFF or a camera's raw format, whatever its ending",
        "It is not used.",
        "Export it as JPEG. On an iPhone: Settings, Camera, Formats, Most Compatible.",
    )
    BROKEN_PHOTO = (
        Group.PHOTOS,
        Outcome.SET_ASIDE,
        "a photo that breaks off, such as a truncated JPEG, or that is none",
        "It is not used.",
        "Copy it anew from the camera, or take it out.",
    )
    WRONG_ENDING = (
        Group.PHOTOS,
        Outcome.REPAIRED,
        "a photo with another format's ending: a .jpg that is a PNG",
        "It is read as what it is. `--fix` gives it the ending that fits.",
        "Use `--fix`, or leave it.",
    )
    COLOURS = (
        Group.PHOTOS,
        Outcome.TOLD,
        "a photo that is grey, has a palette, is transparent, in CMYK or of 16 bits",
        "It is read as RGB of 8 bits: 16 bits are scaled, and what is transparent becomes white. The file stays.",
        "Look whether greys among colours are meant: a detector learns from colour, too.",
    )
    TURNED = (
        Group.PHOTOS,
        Outcome.TAKEN,
        "a photo with an EXIF orientation: 1 to 8, or one that does not exist, such as 0",
        "It is turned upright when read, as viewers do; an orientation that does not exist turns nothing.",
        "Nothing.",
    )
    TINY = (
        Group.PHOTOS,
        Outcome.SET_ASIDE,
        "a photo of one pixel in width or height",
        "It is not used: there is nothing to see.",
        "Take it out.",
    )
    LONG = (
        Group.PHOTOS,
        Outcome.TOLD,
        "a photo of more than 10,000 pixels in width or height",
        "It is read whole and kept with 512 pixels on its longer side, so small objects vanish.",
        "Cut it into several photos, and label those.",
    )
    TOO_LARGE = (
        Group.PHOTOS,
        Outcome.SET_ASIDE,
        "a photo of more than 70 million pixels, or in a file of more than 200 MB",
        "It is not used: decoding it might fill the memory.",
        "Save it with fewer pixels, as a JPEG. Set the camera to fewer for those to come.",
    )
    BROKEN_XML = (
        Group.XML,
        Outcome.SET_ASIDE,
        "an annotation that is no Pascal VOC XML, has more than 10 MB or 1,917 boxes, a <size> that is no whole "
        "number, or an object without a name or without four numbers",
        "The photo is not used.",
        "Mend what the finding names in a text editor, or label the photo anew.",
    )
    NO_SIZE = (
        Group.XML,
        Outcome.REPAIRED,
        "a <size> of 0x0, or none",
        "The photo's own size is taken.",
        "Use `--fix`, or leave it.",
    )
    UNTURNED_SIZE = (
        Group.XML,
        Outcome.REPAIRED,
        "a <size> with width and height exchanged, of a photo that its EXIF orientation turns by a quarter",
        "The labelling program saw the photo unturned: the boxes are turned with it.",
        "Look at one of the photos with its boxes drawn.",
    )
    OTHER_SIZE = (
        Group.XML,
        Outcome.SET_ASIDE,
        "a <size> of another image",
        "The photo is not used: its boxes may be another photo's.",
        "Bring back the photo that was labelled, or label this one anew.",
    )
    FILENAME_FORM = (
        Group.XML,
        Outcome.REPAIRED,
        "a <filename> without ending, with another ending, in another case or with a folder before it",
        "Photo and XML belong together by stem; the photo's own name is taken.",
        "Use `--fix`, or leave it.",
    )
    OTHER_FILENAME = (
        Group.XML,
        Outcome.REPAIRED,
        "a <filename> that names another photo",
        "Photo and XML belong together by stem; the photo's own name is taken.",
        "Look whether the boxes fit the photo: the XML may have been renamed by mistake.",
    )
    NO_OBJECT = (
        Group.XML,
        Outcome.TOLD,
        "an annotation without an object",
        "The photo is used as one that shows nothing of what you look for.",
        "Look whether its objects were forgotten.",
    )
    FRACTIONS = (
        Group.BOXES,
        Outcome.TAKEN,
        "edges in fractions of a pixel, or a <size> written as 640.0",
        "They are taken as they are.",
        "Nothing.",
    )
    FROM_0_OR_1 = (
        Group.BOXES,
        Outcome.TAKEN,
        "edges counted from 0, or from 1 as labelImg does",
        "Both are taken as they are: one pixel more or less changes nothing.",
        "Nothing.",
    )
    REVERSED_BOX = (
        Group.BOXES,
        Outcome.REPAIRED,
        "a box with xmin right of xmax, or ymin below ymax",
        "The two edges are exchanged.",
        "Use `--fix`, or leave it.",
    )
    BOX_PARTLY_OUTSIDE = (
        Group.BOXES,
        Outcome.REPAIRED,
        "a box that leaves the photo by up to half of its area",
        "It is cut at the photo's edge and marked truncated.",
        "Use `--fix`, or leave it.",
    )
    BOX_OUTSIDE = (
        Group.BOXES,
        Outcome.SET_ASIDE,
        "a box that leaves the photo by more than half of its area",
        "The photo is not used: the box was drawn on another one, or mistyped.",
        "Draw the box anew, or take it out.",
    )
    NO_AREA = (
        Group.BOXES,
        Outcome.SET_ASIDE,
        "a box of zero area",
        "The photo is not used: without the box, its object would be learned as background.",
        "Draw the box anew; take it out if it was a slip of the mouse.",
    )
    SAME_BOX = (
        Group.BOXES,
        Outcome.REPAIRED,
        "the same box twice: the same class and the same edges",
        "It is taken once.",
        "Use `--fix`, or leave it.",
    )
    CLASS_LETTERS = (
        Group.CLASSES,
        Outcome.TAKEN,
        "class names with spaces between words, umlauts, other scripts or emoji",
        "They are taken as they are.",
        "Nothing.",
    )
    CLASS_FORM = (
        Group.CLASSES,
        Outcome.REPAIRED,
        "a class name with spaces around it or several in a row, or with its accents as letters of their own",
        "One space is kept between words, none around them; an accent becomes one with its letter (Unicode NFC).",
        "Use `--fix`, or leave it.",
    )
    CLASS_CASE = (
        Group.CLASSES,
        Outcome.REPAIRED,
        "one class in capital and in small letters: Cup, cup",
        "label_map.pbtxt's form is taken, else the one most boxes have.",
        "If two classes are meant, give them names that differ in more.",
    )
    UNKNOWN_CLASS = (
        Group.CLASSES,
        Outcome.SET_ASIDE,
        "a class that the data set's label_map.pbtxt does not list",
        "The photo is not used.",
        "Add the class to label_map.pbtxt, rename it in the XML, or delete label_map.pbtxt: it is made anew.",
    )
    SAME_PHOTO = (
        Group.SET,
        Outcome.SET_ASIDE,
        "the same photo under two names, equal in every pixel",
        "The first by name that is whole is used: a photo both trained on and tested on makes the score a lie.",
        "Take the other out. If their boxes differ, keep the better ones.",
    )


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing found in one file of a data set; `str()` begins with the file."""

    file: pathlib.Path
    what: str
    kind: Kind = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"

    @property
    def is_fault(self) -> bool:
        """Whether the data set is not as it should be; what is only told is no fault."""
        return self.kind.outcome in (Outcome.REPAIRED, Outcome.SET_ASIDE)


def summary(findings: list[Finding]) -> str:
    """Return a table in plain text: of each kind that was found how often, an example, what is done, what to do."""
    rows = []
    for kind in Kind:
        files = [finding.file for finding in findings if finding.kind is kind]
        if files:
            rows.append(f"{len(files):>5}  {kind.found}\n       for example: {files[0]}")
            rows.append(f"       {kind.outcome.value}: {kind.does}\n       what to do: {kind.remedy}")
    return "\n".join(["count  what was found", *rows]) if rows else ""
