"""What a participant's answer to an exercise must satisfy. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which shows itself below the
cell. Whatever the answer is, and whatever a participant's function does, a check does not raise: Run All goes on. Only
where WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.

Each notebook has a module of its name, and calls its checks from here: `checks.NAME(answer)`.
"""

# ruff: noqa: F401 (what is imported here is called by the notebooks)

from workshop_utils.teaching.checks.answer import STRICT, NotRight, Verdict, check
from workshop_utils.teaching.checks.build_the_pipeline import anchors_in_all, easy_ones, encoding, responsible
from workshop_utils.teaching.checks.compare_the_strategies import apart, interval, minutes_until, photos_needed
from workshop_utils.teaching.checks.detect_and_classify import cheapest, once, pair_to_label, precision_and_recall_of
from workshop_utils.teaching.checks.export_the_checkpoint import file_sizes, lowest_iou, there_and_back
from workshop_utils.teaching.checks.fine_tune import how_far_to_freeze, recall_at, starts_anew, steps_to_pay
from workshop_utils.teaching.checks.label_images import bad_labels, farthest_slip, iou_by_hand, labelled_photo
from workshop_utils.teaching.checks.random_init import hours_for_coco, running_average, steps_until
from workshop_utils.teaching.checks.scale_out import loss_of_the_whole, photos_each
from workshop_utils.teaching.checks.start_here import pixels, remaining
from workshop_utils.teaching.checks.use_as_is import all_alike, cup_like, precision_and_recall
from workshop_utils.teaching.checks.why_transfer_learning import ascent_step, receptive_field, ways, worst_layer
from workshop_utils.teaching.checks.your_own_data import cheapest_threshold, photos_to_mend, times_seen
