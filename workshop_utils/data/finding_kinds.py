"""The kinds of mess in a data set: the one list that `check`, training and docs/messy_data.md share."""

import enum


class Outcome(enum.Enum):
    """What happens to a file in which something was found."""

    ACCEPTED = "accepted"
    NOTED = "noted"
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


ACCEPTED, NOTED, REPAIRED, SET_ASIDE = Outcome
FILES, PHOTOS, XML, BOXES, CLASSES, SET = Group

NOTHING = "Nothing."
FIX = "Use `--fix`, or leave it."
OWN_NAME = "Photo and XML belong together by stem; the photo's own name is taken."


class Kind(enum.Enum):
    """A kind of mess: its `group` and `outcome`, and in words what is `found`, what the workshop `does`, and what you
    can do (`remedy`)."""

    def __init__(self, group: Group, outcome: Outcome, found: str, does: str, remedy: str):
        self.group, self.outcome, self.found, self.does, self.remedy = group, outcome, found, does, remedy

    # fmt: off
    EXTENSION = (FILES, ACCEPTED,
        "photos ending in .jpg, .jpeg, .jpe, .jfif, .pjpeg, .pjp, .png, .webp or .bmp, in any case",
        "They are read alike.", NOTHING)
    FOLDER_NAMES = (FILES, ACCEPTED,
        "JPEGImages/ and Annotations/, or photos and annotations side by side in one folder",
        "They are read where they are. `--fix` writes images/ and annotations/.", NOTHING)
    HIDDEN = (FILES, ACCEPTED,
        "hidden files and folders: .DS_Store, ._0001.jpg, .ipynb_checkpoints",
        "They are passed over. `--fix` does not copy them.", NOTHING)
    EMPTY_FOLDER = (FILES, NOTED,
        "an empty folder inside images/ or annotations/",
        "It is passed over.", "Look whether photos are missing.")
    OTHER_FILE = (FILES, NOTED,
        "a file in images/ that is no photo, or in annotations/ that is no XML",
        "It is passed over. `--fix` puts it into set_aside/.",
        "Move it elsewhere. Labels in another form, such as YOLO's .txt, export as Pascal VOC.")
    INNER_FOLDER = (FILES, SET_ASIDE,
        "a folder with files in it, inside images/ or annotations/",
        "Its files are not used.",
        "Move photos up into images/ and XML into annotations/; give them stems that differ.")
    SAME_STEM = (FILES, SET_ASIDE,
        "two photos, or two annotations, of one stem: 0001.jpg and 0001.png",
        "The first by name is used, the other is not.", "Rename the other one, and its annotation with it.")
    NEAR_NAME = (FILES, REPAIRED,
        "an annotation named almost like its photo: a1 without .xml, a1.jpg.xml, a1.xml.xml, or A1.xml for a1.jpg",
        "It is used where it fits one photo and no other does. `--fix` gives it the photo's name.",
        "Use `--fix`, or rename it.")
    MISPLACED = (FILES, REPAIRED,
        "an annotation among the photos, or a photo among the annotations",
        "Photo and annotation are used together. `--fix` puts each into its folder.", "Use `--fix`, or move it.")
    NO_ANNOTATION = (FILES, SET_ASIDE,
        "a photo without an annotation",
        "It is not used.", "Label it. If it shows nothing of what you look for, save it without boxes.")
    NO_PHOTO = (FILES, SET_ASIDE,
        "an annotation without a photo",
        "It is not used.", "Bring the photo back under the annotation's stem, or take the annotation out.")
    DENIED = (FILES, SET_ASIDE,
        "a photo, an annotation or a folder that you may not read, or a link that leads out of the data set",
        "It is not used. `--fix` cannot copy it and says so.",
        "Give yourself the right to read it: `chmod -R u+rX FILE`, or in the file manager. "
        "Replace a link by its file.")

    FOREIGN_FORMAT = (PHOTOS, SET_ASIDE,
        "a photo in HEIC, AVIF, GIF, TIFF, JPEG XL, JPEG 2000 or a camera's raw format, whatever its ending; a film",
        "It is not used.",
        "Export it as JPEG, a film frame by frame. On an iPhone: Settings, Camera, Formats, Most Compatible.")
    BROKEN_PHOTO = (PHOTOS, SET_ASIDE,
        "a photo that breaks off, such as a truncated JPEG, or a file that is no photo",
        "It is not used.", "Copy it again from where it came from, or take it out.")
    WRONG_EXTENSION = (PHOTOS, REPAIRED,
        "a photo with another format's ending: a .jpg that is a PNG",
        "It is read as what it is. `--fix` gives it the ending that fits.", FIX)
    COLOURS = (PHOTOS, NOTED,
        "a photo that is grey, has a palette, is transparent, in CMYK or of 16 bits",
        "It is read as RGB of 8 bits: 16 bits are scaled, and what is transparent becomes white. The file stays.",
        "Look whether greys among colours are meant: a detector learns from colour, too.")
    EXIF_ORIENTATION = (PHOTOS, ACCEPTED,
        "a photo with an EXIF orientation: 1 to 8, or one that does not exist, such as 0",
        "It is turned upright when read, as viewers do; an orientation that does not exist turns nothing.", NOTHING)
    BROKEN_METADATA = (PHOTOS, NOTED,
        "a photo with broken metadata: EXIF that breaks off, an orientation that is no number",
        "Of the metadata only EXIF's orientation is read. Where it cannot be, the photo is used as it is stored.",
        "Look at the photo with its boxes drawn. Where it lies on its side, open it, turn it, save it and label it.")
    TINY = (PHOTOS, SET_ASIDE,
        "a photo of one pixel in width or height",
        "It is not used: there is nothing to see.", "Take it out.")
    LARGE = (PHOTOS, NOTED,
        "a photo of more than 10,000 pixels in width or height",
        "It is read whole and kept with 512 pixels on its longer side, so small objects vanish.",
        "Cut it into several photos, and label those.")
    TOO_LARGE = (PHOTOS, SET_ASIDE,
        "a photo of more than 70 million pixels, or in a file of more than 200 MB",
        "It is not used: decoding it might fill the memory.",
        "Save it with fewer pixels, as a JPEG. Set the camera to fewer for those to come.")

    XML_ENCODING = (XML, ACCEPTED,
        "an annotation in an encoding that it declares or marks (UTF-16, GBK, Shift_JIS, windows-1250), "
        "or with blank lines at its beginning",
        "It is read. `--fix` and the labeler write UTF-8.", NOTHING)
    BROKEN_XML = (XML, SET_ASIDE,
        "an annotation that is no Pascal VOC XML, whose encoding cannot be recognised, that has more than 10 MB or "
        "1,917 boxes, or an object without a name or without four numbers",
        "The photo is not used.",
        "Correct what the finding names in a text editor, and save the file as UTF-8. "
        "Where it is cut off, restore it or label the photo again.")
    UNREAD_BOXES = (XML, SET_ASIDE,
        "boxes that are not read: outside of any <object>, a <polygon> without a box, two classes for one box",
        "The photo is not used: what is not read would be learned as background.",
        "Rename the element as the finding says, or export the labels as Pascal VOC with boxes.")
    OTHER_TAGS = (XML, REPAIRED,
        "elements in capitals or in a namespace (<Object>), objects that lie below another element (<objects>)",
        "They are read like labelImg's.", FIX)
    PARTS = (XML, NOTED,
        "boxes of an object's parts: <part>",
        "They are not used; the object's own box is.", NOTHING)
    OTHER_FIELD = (XML, REPAIRED,
        "a <truncated>, <difficult>, <segmented> or <depth> that is no whole number: Unspecified, 0.0597",
        "It touches no box. A share above 0 and the word true count as 1, anything else as 0 (depth: 3).", FIX)
    NO_SIZE = (XML, REPAIRED,
        "a <size> of 0x0, one that is no number, or none",
        "The photo's own size is taken.", FIX)
    SIZE_OFF = (XML, REPAIRED,
        "a <size> that is off by one or two pixels",
        "The photo's own size is taken; the boxes stay.", FIX)
    RESIZED = (XML, REPAIRED,
        "a <size> that is larger or smaller than the photo by one factor, in more than half of the set",
        "The photos were resized after they were labelled: the boxes are scaled with them.",
        "Look at one of the photos with its boxes drawn.")
    UNROTATED_SIZE = (XML, REPAIRED,
        "a <size> with width and height exchanged, of a photo that its EXIF orientation turns by a quarter",
        "The labelling program saw the photo unturned: the boxes are turned with it.",
        "Look at one of the photos with its boxes drawn.")
    UNSURE_ROTATION = (XML, NOTED,
        "a photo that EXIF turns so that <size> cannot show it: upside down, mirrored, square, or without a <size>",
        "The boxes are taken as drawn on the turned photo. Old programs (labelImg before 1.8.4) did not turn it.",
        "Look at one of the photos with its boxes drawn. Where they do not fit, draw them again.")
    OTHER_SIZE = (XML, SET_ASIDE,
        "a <size> of another image",
        "The photo is not used: its boxes may be another photo's.",
        "Bring back the photo that was labelled. Where only <size> is wrong, correct it in a text editor.")
    FILENAME_FORM = (XML, REPAIRED,
        "a <filename> without ending, with another ending, in another case or with a folder before it",
        OWN_NAME, FIX)
    OTHER_FILENAME = (XML, REPAIRED,
        "a <filename> that names another photo",
        OWN_NAME, "Look whether the boxes fit the photo: the XML may have been renamed by mistake.")
    NO_OBJECT = (XML, NOTED,
        "an annotation without an object",
        "The photo is used as one that shows nothing of what you look for.",
        "Look whether its objects were forgotten.")

    SEVERAL_BOXES = (BOXES, REPAIRED,
        "an <object> with several <bndbox>",
        "Each box becomes an object of that class.", FIX)
    ROTATED_BOX = (BOXES, REPAIRED,
        "a rotated box: CVAT's attribute rotation, roLabelImg's <robndbox>",
        "The upright box that encloses it is taken.", "Use `--fix`, or draw upright boxes that fit tighter.")
    NUMBERS = (BOXES, ACCEPTED,
        "edges in fractions of a pixel, a <size> written as 640.0, spaces or a byte order mark around a number",
        "They are taken as they are.", NOTHING)
    FROM_0_OR_1 = (BOXES, ACCEPTED,
        "edges counted from 0, or from 1 as labelImg does",
        "Both are taken as they are: one pixel more or less changes nothing.", NOTHING)
    REVERSED_BOX = (BOXES, REPAIRED,
        "a box with xmin right of xmax, or ymin below ymax",
        "The two edges are exchanged.", FIX)
    BOX_PARTLY_OUTSIDE = (BOXES, REPAIRED,
        "a box that leaves the photo by up to half of its area",
        "It is cut at the photo's edge and marked truncated.", FIX)
    BOX_OUTSIDE = (BOXES, SET_ASIDE,
        "a box that leaves the photo by more than half of its area",
        "The photo is not used: the box was drawn on another one, or mistyped.", "Draw the box again, or take it out.")
    NO_AREA = (BOXES, SET_ASIDE,
        "a box of zero area",
        "The photo is not used: without the box, its object would be learned as background.",
        "Draw the box again; take it out if it was a slip of the mouse.")
    SAME_BOX = (BOXES, REPAIRED,
        "the same box twice: the same class and the same edges",
        "It is taken once.", FIX)

    CLASS_LETTERS = (CLASSES, ACCEPTED,
        "class names with spaces between words, umlauts, other scripts or emoji",
        "They are taken as they are. Pictures are captioned in a font of your system that has the letters; "
        "where there is none, with numbers, and a line says which number stands for what.", NOTHING)
    LISTED_FORM = (CLASSES, ACCEPTED,
        "a label_map.pbtxt as Notepad saves it (byte order mark, UTF-16, Windows line ends), "
        "with spaces around names, or with display_name only",
        "It is read, its names without needless spaces.", NOTHING)
    CLASS_FORM = (CLASSES, REPAIRED,
        "a class name with spaces around it or several in a row, with an invisible mark in it, "
        "or with its accents as letters of their own",
        "One space is kept between words, none around them; an accent becomes one with its letter (Unicode NFC).",
        FIX)
    CLASS_CASE = (CLASSES, REPAIRED,
        "one class in capital and in small letters: Cup, cup",
        "label_map.pbtxt's form is taken, else the one most boxes have.",
        "If two classes are meant, give them names that differ in more.")
    UNKNOWN_CLASS = (CLASSES, SET_ASIDE,
        "a class that the data set's label_map.pbtxt does not list",
        "The photo is not used.",
        "Add the class to label_map.pbtxt, rename it in the XML, or delete label_map.pbtxt: "
        "the classes are numbered again then.")

    SAME_PHOTO = (SET, SET_ASIDE,
        "the same photo under two names, equal in every pixel",
        "The first by name that is whole is used: a photo both trained on and tested on makes the score a lie.",
        "Take the other out. If their boxes differ, keep the better ones.")
