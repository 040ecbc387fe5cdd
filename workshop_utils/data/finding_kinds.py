"""The kinds of problems in a data set: the one list that `check`, training and docs/messy_data.md share."""

import enum


class Outcome(enum.Enum):
    """What the workshop does with a file that has a finding."""

    ACCEPTED = "accepted"
    NOTED = "noted"
    REPAIRED = "repaired"
    SET_ASIDE = "set aside"


class Group(enum.Enum):
    """The part of a data set that a kind of finding concerns, in the order of the documentation."""

    FILES = "Files and folders"
    PHOTOS = "Photos"
    XML = "Annotations"
    BOXES = "Boxes"
    CLASSES = "Classes"
    LABELS = "COCO, YOLO and zip files"
    SET = "The set as a whole"


ACCEPTED, NOTED, REPAIRED, SET_ASIDE = Outcome
FILES, PHOTOS, XML, BOXES, CLASSES, LABELS, SET = Group

NOTHING = "Nothing."
FIX = "Use `--fix`, or leave it."
OWN_NAME = "Photo and XML belong together by stem; the photo's own name is used."
CHECK_BOXES = "Check one of the photos with its boxes drawn."


class Kind(enum.Enum):
    """A kind of finding.

    Attributes:
        group: The part of the data set that it concerns.
        outcome: How the workshop handles it.
        found: What was found.
        does: What the workshop does about it.
        remedy: What you can do about it.
    """

    def __init__(self, group: Group, outcome: Outcome, found: str, does: str, remedy: str):
        self.group, self.outcome, self.found, self.does, self.remedy = group, outcome, found, does, remedy

    # fmt: off
    EXTENSION = (FILES, ACCEPTED,
        "photos with the extension .jpg, .jpeg, .jpe, .jfif, .pjpeg, .pjp, .png, .webp, .bmp, .heic, .heif, .hif or "
        ".avif, in upper or lower case",
        "They are all read in the same way.", NOTHING)
    FOLDER_NAMES = (FILES, ACCEPTED,
        "JPEGImages/ and Annotations/, photos/ and labels/ as in take_home.zip, or all files together in one folder",
        "They are read where they are. `--fix` writes images/ and annotations/.", NOTHING)
    HIDDEN = (FILES, ACCEPTED,
        "hidden files and folders: .DS_Store, ._0001.jpg, .ipynb_checkpoints",
        "They are skipped. `--fix` does not copy them.", NOTHING)
    EMPTY_FOLDER = (FILES, NOTED,
        "an empty folder inside images/ or annotations/",
        "It is skipped.", "Check whether photos are missing.")
    OTHER_FILE = (FILES, NOTED,
        "a file in images/ that is not a photo, or in annotations/ that is not XML",
        "It is skipped. `--fix` copies it to set_aside/.",
        "Move it elsewhere. If it has labels in another format, keep only one format in a folder.")
    INNER_FOLDER = (FILES, SET_ASIDE,
        "a folder with files in it, inside images/ or annotations/",
        "Its files are not used.",
        "Move the photos up into images/ and the XML files into annotations/. Give each photo its own stem.")
    SAME_STEM = (FILES, SET_ASIDE,
        "two photos, or two annotations, with the same stem: 0001.jpg and 0001.png",
        "The first by name is used, the other is not.", "Rename the other one, and its annotation with it.")
    NEAR_NAME = (FILES, REPAIRED,
        "an annotation named almost like its photo: a1 without .xml, a1.jpg.xml, a1.xml.xml, or A1.xml for a1.jpg",
        "It is used if it matches exactly one photo and no other file does. `--fix` gives it the photo's name.",
        "Use `--fix`, or rename it.")
    MISPLACED = (FILES, REPAIRED,
        "an annotation among the photos, or a photo among the annotations",
        "Photo and annotation are used together. `--fix` puts each into its folder.", "Use `--fix`, or move it.")
    NO_ANNOTATION = (FILES, SET_ASIDE,
        "a photo without an annotation",
        "It is not used.", "Label it. If it shows none of your objects, save it without boxes.")
    NO_PHOTO = (FILES, SET_ASIDE,
        "an annotation without a photo",
        "It is not used.", "Restore the photo under the annotation's stem, or remove the annotation.")
    DENIED = (FILES, SET_ASIDE,
        "a photo, an annotation or a folder that you have no permission to read, or a link out of the data set",
        "It is not used. `--fix` cannot copy it and says so.",
        "Give yourself read permission: `chmod -R u+rX FILE`, or in the file manager. "
        "Replace a link with the file that it points to.")

    FOREIGN_FORMAT = (PHOTOS, SET_ASIDE,
        "a photo in GIF, TIFF, JPEG XL, JPEG 2000 or a raw format, whatever its extension; a video; "
        "HEIC if pi-heif is not installed",
        "It is not used.",
        "Export it as JPEG, a video frame by frame. For HEIC: `pip install pi-heif`.")
    SEVERAL_PICTURES = (PHOTOS, ACCEPTED,
        "a file with several pictures: a phone's MPO or HEIC with a depth map or a burst",
        "The main picture is read.", NOTHING)
    BROKEN_PHOTO = (PHOTOS, SET_ASIDE,
        "a damaged photo, such as a truncated JPEG, or a file that is not a photo",
        "It is not used.", "Copy it again from its source, or remove it.")
    WRONG_EXTENSION = (PHOTOS, REPAIRED,
        "a photo with the extension of another format: a .jpg that is a PNG",
        "It is read by its content. `--fix` gives it the right extension.", FIX)
    COLOURS = (PHOTOS, NOTED,
        "a photo that is greyscale, has a palette or transparency, is CMYK, or has 16 bits per channel",
        "It is read as 8-bit RGB: 16 bits are scaled down, and transparency becomes white. The file is not changed.",
        "Check that a grey photo among colour photos is intended: a detector learns from colour, too.")
    EXIF_ORIENTATION = (PHOTOS, ACCEPTED,
        "a photo with an EXIF orientation: 1 to 8, or an invalid one such as 0",
        "It is rotated upright when it is read, as in image viewers. An invalid orientation is ignored.", NOTHING)
    BROKEN_METADATA = (PHOTOS, NOTED,
        "a photo with broken metadata: truncated EXIF, or an orientation that is not a number",
        "Only EXIF's orientation is read. If it cannot be read, the photo is used as stored.",
        "Check the photo with its boxes drawn. If it is sideways, open it, rotate it, save it and label it.")
    TINY = (PHOTOS, SET_ASIDE,
        "a photo of one pixel in width or height",
        "It is not used: there is nothing to see.", "Remove it.")
    LARGE = (PHOTOS, NOTED,
        "a photo of more than 10,000 pixels in width or height",
        "It is shrunk to 512 pixels on its longer side, so small objects vanish.",
        "Cut it into several photos, and label those.")
    TOO_LARGE = (PHOTOS, SET_ASIDE,
        "a photo of more than 70 million pixels, or in a file of more than 200 MB",
        "It is not used: decoding it might fill the memory.",
        "Save it with fewer pixels, as JPEG. Set the camera to a lower resolution for new photos.")

    XML_ENCODING = (XML, ACCEPTED,
        "an annotation in an encoding that it declares or marks (UTF-16, GBK, Shift_JIS, windows-1250), "
        "or that begins with blank lines",
        "It is read. `--fix` and the labeler write UTF-8.", NOTHING)
    BROKEN_XML = (XML, SET_ASIDE,
        "an annotation that is not Pascal VOC XML, whose encoding is unknown, that has more than 10 MB or "
        "1,917 boxes, or an object without a name or without four numbers",
        "The photo is not used.",
        "Correct what the finding names in a text editor, and save the file as UTF-8. "
        "If the file is cut off, restore it or label the photo again.")
    UNREAD_BOXES = (XML, SET_ASIDE,
        "boxes that cannot be read: outside every <object>, a <polygon> without a box, two classes for one box",
        "The photo is not used: the network would learn these objects as background.",
        "Rename the element as the finding says, or export the labels as Pascal VOC with boxes.")
    OTHER_TAGS = (XML, REPAIRED,
        "elements in capitals or in a namespace (<Object>), or objects inside another element (<objects>)",
        "They are read like labelImg's.", FIX)
    PARTS = (XML, NOTED,
        "boxes of an object's parts: <part>",
        "They are not used; the object's own box is.", NOTHING)
    OTHER_FIELD = (XML, REPAIRED,
        "a <truncated>, <difficult>, <segmented> or <depth> that is not a whole number: Unspecified, 0.0597",
        "The boxes do not change. A fraction above 0 and the word true count as 1, anything else as 0 (depth: 3).", FIX)
    NO_SIZE = (XML, REPAIRED,
        "a <size> that is 0x0, not a number or missing",
        "The photo's own size is used.", FIX)
    SIZE_OFF = (XML, REPAIRED,
        "a <size> that is off by one or two pixels",
        "The photo's own size is used; the boxes stay.", FIX)
    RESIZED = (XML, REPAIRED,
        "a <size> that is the photo's times one factor, in more than half of the set",
        "The photos were resized after they were labelled, so the boxes are scaled with them.",
        CHECK_BOXES)
    UNROTATED_SIZE = (XML, REPAIRED,
        "a <size> with width and height swapped, for a photo with an EXIF orientation of a quarter turn",
        "The labelling program showed the photo without its rotation, so the boxes are rotated with it.",
        CHECK_BOXES)
    UNSURE_ROTATION = (XML, NOTED,
        "an EXIF orientation that <size> cannot confirm: a photo upside down, mirrored, square, or without a <size>",
        "The boxes are assumed to fit the rotated photo. Old programs (labelImg before 1.8.4) did not rotate it.",
        f"{CHECK_BOXES} If they do not fit, draw them again.")
    OTHER_SIZE = (XML, SET_ASIDE,
        "a <size> of another image",
        "The photo is not used: its boxes may belong to another photo.",
        "Restore the photo that was labelled. If only <size> is wrong, correct it in a text editor.")
    FILENAME_FORM = (XML, REPAIRED,
        "a <filename> without an extension, with another extension, in another case or with a folder in front of it",
        OWN_NAME, FIX)
    OTHER_FILENAME = (XML, REPAIRED,
        "a <filename> that names another photo",
        OWN_NAME, "Check that the boxes fit the photo: the XML file may have been renamed by mistake.")
    NO_OBJECT = (XML, NOTED,
        "an annotation without an object",
        "The photo is used as one that shows none of your objects.",
        "Check whether its objects were forgotten.")

    SEVERAL_BOXES = (BOXES, REPAIRED,
        "an <object> with several <bndbox>",
        "Each box becomes an object of that class.", FIX)
    ROTATED_BOX = (BOXES, REPAIRED,
        "a rotated box: CVAT's attribute rotation, roLabelImg's <robndbox>",
        "The upright box that encloses it is used.", "Use `--fix`, or draw upright boxes that fit tighter.")
    NUMBERS = (BOXES, ACCEPTED,
        "edges in fractions of a pixel, a <size> written as 640.0, spaces or a byte order mark around a number",
        "They are read as they are.", NOTHING)
    FROM_0_OR_1 = (BOXES, ACCEPTED,
        "edges counted from 0, or from 1 as in labelImg",
        "Both are read as they are: one pixel makes no difference.", NOTHING)
    REVERSED_BOX = (BOXES, REPAIRED,
        "a box with xmin greater than xmax, or ymin greater than ymax",
        "The two edges are swapped.", FIX)
    BOX_PARTLY_OUTSIDE = (BOXES, REPAIRED,
        "a box with up to half of its area outside the photo",
        "It is cut at the photo's edge and marked truncated.", FIX)
    BOX_OUTSIDE = (BOXES, SET_ASIDE,
        "a box with more than half of its area outside the photo",
        "The photo is not used: the box was drawn on another photo, or mistyped.", "Draw the box again, or remove it.")
    NO_AREA = (BOXES, SET_ASIDE,
        "a box with no area",
        "The photo is not used: without the box, the network would learn its object as background.",
        "Draw the box again, or remove it if it was a slip of the mouse.")
    SAME_BOX = (BOXES, REPAIRED,
        "the same box twice: the same class and the same edges",
        "It is used once.", FIX)

    CLASS_LETTERS = (CLASSES, ACCEPTED,
        "class names with spaces between words, umlauts, other scripts or emoji",
        "They are used as they are. Captions in pictures use a font of your system that has the letters. "
        "If there is none, they show numbers, and a printed line explains each number.", NOTHING)
    LISTED_FORM = (CLASSES, ACCEPTED,
        "a label_map.pbtxt as Notepad saves it (byte order mark, UTF-16, Windows line ends), "
        "with spaces around names, or with display_name only",
        "It is read, its names without extra spaces.", NOTHING)
    CLASS_FORM = (CLASSES, REPAIRED,
        "a class name with spaces around it, several spaces in a row, an invisible character, "
        "or accents stored as separate characters",
        "Extra spaces and invisible characters are removed; each accent is combined with its letter (Unicode NFC).",
        FIX)
    CLASS_CASE = (CLASSES, REPAIRED,
        "one class in upper and in lower case: Cup, cup",
        "The spelling in label_map.pbtxt is used, or else the one that most boxes have.",
        "If you mean two classes, give them names that differ in more than case.")
    UNKNOWN_CLASS = (CLASSES, SET_ASIDE,
        "a class that is not in the data set's label_map.pbtxt",
        "The photo is not used.",
        "Add the class to label_map.pbtxt, rename it in the XML, or delete label_map.pbtxt: "
        "then the classes are numbered again.")

    UNREAD_LABEL = (LABELS, SET_ASIDE,
        "a COCO annotation or a YOLO line that cannot be read: another number of values, a value that is not a number, "
        "a mask without a box, more than 1,917 boxes, an annotation of no listed image",
        "The photo is not used: the network would learn the object as background.",
        "Correct what the finding names, or export the labels again as boxes.")
    UNLISTED_CLASS = (LABELS, SET_ASIDE,
        "a COCO category or a YOLO class number that the data set does not name",
        "The photo is not used.", "Add the class to the categories, data.yaml or classes.txt.")
    REPEATED_ID = (LABELS, SET_ASIDE,
        "one id for two COCO images, or for two COCO categories with different names",
        "The photos of that id are not used: it is unknown which boxes or names belong to them.",
        "Give each its own id, or export the labels again.")
    BOX_ORDER = (LABELS, SET_ASIDE,
        "COCO boxes written as two corners instead of x, y, width, height",
        "No photo of that file is used: smaller boxes would be wrong without looking wrong.",
        "Write each box as x, y, width, height.")
    CROWD = (LABELS, NOTED,
        "a COCO annotation of a crowd (iscrowd 1)",
        "Its box is used and marked as difficult, so that scores do not count it.",
        "Draw a box around each object if you can.")
    POLYGON = (LABELS, NOTED,
        "a polygon, an oriented box (OBB) or a pose instead of a box",
        "The upright box that encloses it is used, or the pose's own box.", NOTHING)
    CONFIDENCE = (LABELS, REPAIRED,
        "YOLO lines with a sixth number, a confidence: the output of a detector, not labels made by hand",
        "The boxes are used, the confidence is not.",
        "Check the boxes: the network learns the other detector's mistakes.")
    OTHER_PLACE = (LABELS, NOTED,
        "a label file that gives a photo an absolute path, a URL or another folder",
        "The photo in the data set whose path ends in the same way is used, if there is only one.", NOTHING)
    OUTSIDE_PATH = (LABELS, SET_ASIDE,
        "a data.yaml or a list that names a folder or photo outside the data set, or one that does not exist",
        "It is not followed: only files of the data set are used.",
        "Copy the photos into the data set, or remove the line.")
    TWO_PARTS = (LABELS, REPAIRED,
        "a photo in both the training and the validation part of a given split",
        "It is used for training only.", "Remove it from one of the lists.")
    ZIP_ENTRY = (LABELS, SET_ASIDE,
        "a zip file's entry that leads out of the folder, is a link, or has the name of another entry",
        "It is not unpacked.", "Make the zip file again from a folder without links.")

    SAME_PHOTO = (SET, SET_ASIDE,
        "the same photo under two names, equal in every pixel",
        "The first usable one by name is used: a photo in both the training and the validation set inflates the score.",
        "Remove the other one. If their boxes differ, keep the better ones.")
