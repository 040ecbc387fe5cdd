"""Compute the README's figures from the recorded runs and benchmarks: `make figures`, and at the end of `make record`.

Replaces the text between each pair of markers `<!-- computed: NAME -->` in README.md.
"""

import json
import re
import statistics
import textwrap

import record

from workshop_utils.core import files, settings
from workshop_utils.teaching.recorded import Recorded

README = settings.PROJECT / "README.md"
BENCHMARKS = settings.PROJECT / "benchmarks"


def with_computed(text: str, parts: dict[str, str]) -> str:
    """Return the text with the content between each pair of markers replaced. Raises ValueError."""
    for name, content in parts.items():
        marker = f"<!-- computed: {name} -->"
        pattern = re.compile(rf"({re.escape(marker)}\n).*?({re.escape(marker)})", re.DOTALL)
        text, found = pattern.subn(lambda match, content=content: match[1] + content + "\n" + match[2], text)
        if found != 1:
            raise ValueError(f"The pair of markers '{marker}' should occur once, and occurs {found} times.")
    return text


def results_table() -> str:
    """Return the long runs, and random weights at their own learning rate: scores and minutes."""
    own_rate, best = record.by_name(settings.RESULTS / "own_rate"), f"random_init-{record.RANDOM_RATE}"
    runs = record.by_name(settings.RESULTS)
    runs |= {f"own_rate/{name}": own_rate[name] for name in (best, f"{best}-{record.MORE_STEPS}")}
    lines = ["| recorded run | AP50 | AP | AP75 | minutes |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *(_row(f"`{name}`", run) for name, run in runs.items())])


def _row(name: str, run: Recorded) -> str:
    scores = (f"{run.metrics[key]:.2f}" for key in ("AP50", "AP", "AP75"))
    return "| " + " | ".join((name, *scores, f"{run.minutes:.0f}")) + " |"


def agnostic_sentence() -> str:
    """Return the score of COCO's detector if the class does not count."""
    found = record.by_name(settings.RESULTS)["as_is-seed"].metrics["class_agnostic"]["AP50"]
    return f"If you ignore the class, `as_is` finds the cups with an AP50 of {found:.2f}."


def ladder_table() -> str:
    """Return AP50 over the number of training photos."""
    runs = record.by_name(settings.RESULTS / "ladder")
    lines = [_cells("training photos", settings.LADDER), "|---" * (1 + len(settings.LADDER)) + "|"]
    for strategy in ("fine_tune", "random_init"):
        scores = (f"{runs[f'{strategy}-{size:03}'].metrics['AP50']:.2f}" for size in settings.LADDER)
        lines.append(_cells(f"AP50 of {strategy}", scores))
    return "\n".join(lines)


def _cells(name: str, values) -> str:
    return "| " + " | ".join((name, *map(str, values))) + " |"


def speed_sentences() -> str:
    """Return the median time of 1,000 steps and the mean AP50, ours and plain Keras's."""
    rows = map(json.loads, (BENCHMARKS / "measurements.jsonl").read_text(encoding="utf-8").splitlines())
    results = {"seed_ours": [], "seed_plain_keras": []}
    for row in rows:
        if row["name"] in results:
            results[row["name"]].append(row["result"])
    ours, plain = (statistics.median(each["seconds"] for each in rounds) / 60 for rounds in results.values())
    our_score, plain_score = (statistics.mean(each["AP50"] for each in rounds) for rounds in results.values())
    return textwrap.fill(
        f"Fine-tuning for 1,000 steps takes a median of {ours:.1f} minutes, from reading the photos to the scores. "
        f"The same recipe in plain Keras, which freezes only batch norm, takes {plain:.1f} minutes. Over three seeds, "
        f"the mean AP50 is {our_score:.3f} with ours and {plain_score:.3f} in plain Keras.",
        120,
    )


def computed() -> dict[str, str]:
    """Return the computed parts of the README, by the name of their marker."""
    return {
        "results": results_table(),
        "as_is": agnostic_sentence(),
        "ladder": ladder_table(),
        "speed": speed_sentences(),
    }


def main() -> None:
    files.write_text(with_computed(README.read_text(encoding="utf-8"), computed()), README)
    print(f"Computed the figures of {README.name}.")


if __name__ == "__main__":
    main()
