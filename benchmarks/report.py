"""Turn the measurements into results.json, results.md and results.png. No figure in them is typed in."""

import json
import os
import pathlib
import platform
import statistics
from collections.abc import Iterable
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from workshop_utils.core import files, machine, settings
from workshop_utils.model import architectures
from workshop_utils.training.fast import precision

TARGETS = {
    "ap_gap": 0.02,
    "quick.seconds": 60.0,
    "quick.missed": 0.2,
    "step_vs_torch": 1.0,
    "litert_vs_predict": 1 / 3,
    "megapixel_ratio": 1.3,
    "peak_gb.fine_tune": 1.5,
    "peak_gb.full_fine_tuning": 1.8,
    "peak_gb.random_init": 1.8,
    "waiting_for_input": 0.05,
    "evaluation_seconds": 6.0,
    "web.vs_litert_float32": 3.0,
    "web.vs_litert_int8": 3.0,
    "web.vs_litert_int8_without_vnni": 3.0,
    "web.first_detection_seconds": 3.0,
    "web.megabytes_float32": 30.0,
    "web.megabytes_int8": 16.0,
    "labelling.ordering_seconds": 60.0,
    "labelling.ordering_gb": 1.8,
    "labelling.round_seconds": 90.0,
    "film.milliseconds": 40.0,
    "film.gb": 1.0,
}
"""The maximum of each figure in results.json; a dot separates nested names."""
SEEDS = ("seed_plain_keras", "seed_ours", "quick")
T_OF_TWO = 4.303
"""The 97.5% quantile of Student's t with two degrees of freedom: for a 95% interval of the mean of three values."""
ON_THE_PAGE = ("coco", "float32", "int8")
"""The networks that `web.py` measures: COCO's, and a run's in two formats."""
PARTS_OF_A_FILM = ("decode", "detect", "track", "draw", "encode")
"""What `film.py` times on its own."""
FROZEN = architectures.get().freezing_depths[0]
"""The layer up to which fine-tuning freezes by default."""
PROFILES = ("profile_full", "profile_tail", "profile_tail_bfloat16")
FORMATS = ("keras_predict", "keras_compiled", "saved_model", "onnx", "litert", "litert_int8")


def read(path: pathlib.Path) -> list[dict]:
    """Return the complete lines of a file of measurements."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


class Results:
    """The measurements by name, and the figures computed from them."""

    def __init__(self, rows: list[dict]):
        self.rows = {(row["name"], row["round"]): row["result"] for row in rows}
        self.dates = sorted({row["date"] for row in rows})
        self.dated = {(row["name"], row["date"]) for row in rows}
        self.machines = {
            machine: sorted({row["name"] for row in rows if row["machine"] == machine})
            for machine in dict.fromkeys(row["machine"] for row in rows)
        }

    def values(self, name: str, key: str) -> list[float]:
        """Return one value per round, in the order of the rounds."""
        return [result[key] for (each, _), result in sorted(self.rows.items()) if each == name and key in result]

    def median(self, name: str, key: str) -> float | None:
        values = self.values(name, key)
        return statistics.median(values) if values else None

    def mean(self, name: str, key: str) -> float | None:
        values = self.values(name, key)
        return statistics.mean(values) if values else None

    def ratio(self, name: str, other: str, key: str = "seconds", other_key: str | None = None) -> float | None:
        """Return the median over the rounds of the ratio within each round."""
        pairs = list(zip(self.values(name, key), self.values(other, other_key or key)))
        return statistics.median(mine / theirs for mine, theirs in pairs) if pairs else None

    def differences(self, key: str) -> list[float]:
        """Return by how much plain Keras is ahead of ours in each round."""
        pairs = zip(self.values("seed_plain_keras", key), self.values("seed_ours", key))
        return [plain - ours for plain, ours in pairs]

    def dates_of(self, prefix: str) -> list[str]:
        """Return the days of the measurements whose names begin so."""
        return sorted({date for name, date in self.dated if name.startswith(prefix)})

    def peak(self, *names: str) -> float | None:
        return max((value for name in names for value in self.values(name, "peak_gb")), default=None)

    def summary(self) -> dict:
        """Return the content of results.json. None means not measured."""
        plain, ours, quick = (self.mean(name, "AP50") for name in SEEDS)
        return {
            "seed_ratio": self.ratio("seed_ours", "seed_plain_keras"),
            "seed_ratio_float32": self.ratio("seed_ours_float32", "seed_plain_keras"),
            "seed_ratio_bfloat16": self.ratio("seed_ours", "seed_plain_bfloat16"),
            "quick": {
                "seconds": self.median("quick", "training_seconds"),
                "missed": None if quick is None else 1 - quick,
            },
            "ap_gap": None if plain is None or ours is None else plain - ours,
            "peak_gb": {
                "fine_tune": self.peak("seed_ours"),
                "fine_tune_float32": self.peak("seed_ours_float32"),
                "full_fine_tuning": self.peak("memory_full"),
                "random_init": self.peak("memory_random_init"),
                "plain_keras": self.peak("seed_plain_keras"),
            },
            "step_vs_torch": self.ratio("step_ours", "step_torch", "step"),
            "litert_vs_predict": self.ratio("latency", "latency", "litert", "keras_predict"),
            "megapixel_ratio": self.ratio("photos_large", "photos_small"),
            "waiting_for_input": self.ratio("seed_ours", "seed_ours", "waited_seconds", "training_seconds"),
            "evaluation_seconds": self.median("evaluation", "first"),
            "web": {
                "vs_litert_float32": highest(
                    self.ratio("web", "web", f"{each}_page", f"{each}_native") for each in ("coco", "float32")
                ),
                "vs_litert_int8": self.ratio("web", "web", "int8_page", "int8_native"),
                "vs_litert_int8_without_vnni": self.ratio(
                    "web_without_vnni", "web_without_vnni", "int8_page", "int8_native"
                ),
                "first_detection_seconds": highest(self.median("web", f"{each}_first") for each in ON_THE_PAGE),
                "megabytes_float32": highest(self.median("web", f"{each}_megabytes") for each in ("coco", "float32")),
                "megabytes_int8": self.median("web", "int8_megabytes"),
            },
            "labelling": {
                "ordering_seconds": self.median("ordering", "ordering_seconds"),
                "ordering_gb": self.median("ordering", "peak_gb"),
                "round_seconds": self.median("label_round", "round_seconds"),
            },
            "film": {"milliseconds": self.median("film", "per_frame"), "gb": self.median("film", "gb")},
            "machines": self.machines,
            "dates": self.dates,
        }


def highest(values: Iterable[float | None]) -> float | None:
    """Return the highest of the values that were measured."""
    return max((value for value in values if value is not None), default=None)


def interval(values: list[float]) -> str:
    """Return the mean of the values, and of three values Student's 95% interval of the mean, as text."""
    if not values:
        return "–"
    mean = statistics.mean(values)
    if len(values) != 3:
        return f"{mean:+.3f}"
    half = T_OF_TWO * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:+.3f} (95% interval {mean - half:+.3f} to {mean + half:+.3f})"


def describe_machine() -> str:
    """Return the processor's name, its cores, and the versions that matter."""
    import keras
    import tensorflow as tf

    cpuinfo = pathlib.Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{name}, {machine.cores()} cores, {memory:.0f} GB, {platform.system()}; Python {platform.python_version()}, "
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}; fine-tuning in {precision.policy()}"
    )


def measured_on(rows: list[dict]) -> str:
    """Return the dates and the machines of rows that store both."""
    dates, machines = sorted({row["date"] for row in rows}), dict.fromkeys(row["machine"] for row in rows)
    return f"Measured on {' and '.join(dates)}: {'; or '.join(machines)}."


def write(rows: list[dict], folder: pathlib.Path) -> None:
    """Write the three files into `folder`."""
    results = Results(rows)
    summary = results.summary()
    files.write_text(json.dumps(summary, indent=2) + "\n", folder / "results.json")
    files.write_text(markdown(results, summary), folder / "results.md")
    picture(results).savefig(folder / "results.png", dpi=110)
    plt.close("all")


def markdown(results: Results, summary: dict) -> str:
    """Return results.md."""
    parts = [
        "# How fast, how good, how large",
        f"Measured by `make bench` on {' and '.join(results.dates)}. {machines(results)} Every figure comes from "
        "`measurements.jsonl`; ratios are medians of the ratios within a round. A dash means not measured.",
        "![Charts of the tables below](results.png)",
        "## Targets",
        table(
            ("what", "at most", "measured", "met"),
            [(name, number(most), number(figure(summary, name)), met(summary, name)) for name, most in TARGETS.items()],
        ),
        "## The seed's recipe: 1,000 steps of 8 photos",
        "From the start of the process to AP, everything included. `seed_plain_keras` and `seed_ours_float32` compute "
        "in float32, `seed_plain_bfloat16` in bfloat16, and `seed_ours` in bfloat16 if this machine has instructions "
        "for it.",
        table(
            ("round", "what", "minutes", "AP50", "AP", "peak GB"),
            [
                (index + 1, name, *scores(result), number(result["peak_gb"]))
                for (name, index), result in sorted(results.rows.items(), key=lambda item: (item[0][1], item[0][0]))
                if name.startswith("seed_")
            ],
        ),
        f"The time of ours / plain Keras is {number(summary['seed_ratio'])}; with both in float32 it is "
        f"{number(summary['seed_ratio_float32'])}, with both in bfloat16 {number(summary['seed_ratio_bfloat16'])}. "
        "The profile below shows where the time goes: more layers than in version 1 learn, because freezing them "
        "lowered the scores on real photos (docs/decisions/0007).",
        f"Over the three seeds. `quick` is the recipe of `make run`, with {settings.recipe('quick').steps} steps.",
        table(
            ("what", "mean AP50", "lowest", "highest", "mean AP", "lowest", "highest"),
            [(name, *spread(results, name, "AP50"), *spread(results, name, "AP")) for name in SEEDS],
        ),
        f"AP50 of plain Keras minus ours, with the same seed: {interval(results.differences('AP50'))}. Training with "
        f"`quick` takes a median of {number(summary['quick']['seconds'], 0)} seconds. With the recipe `seed`, "
        f"{percent(summary['waiting_for_input'])} of the time was spent waiting for batches.",
        "## Where to freeze",
        f"One run each, seed 42. `cut_X` freezes everything up to X, and `seed_ours` up to {FROZEN}.",
        table(("what", "minutes", "AP50", "AP"), [(name, *scores(result)) for name, result in freezing(results)]),
        "## One training step",
        "Full fine-tuning of 8 photos in float32, on a batch that is already computed. `step_tail` trains only the "
        "layers after the frozen ones.",
        table(
            ("what", "seconds"),
            [(name, number(results.median(name, "step"), 3)) for name in ("step_ours", "step_torch", "step_tail")],
        ),
        "## What arithmetic alone would take",
        "The limit is the arithmetic of a step's convolutions, forward and backward, at the rate of a 2048 by 2048 "
        "matrix product in the same precision.",
        table(
            ("what", "GFLOP", "GFLOP/s of the product", "limit, seconds", "measured, seconds", "times the limit"),
            [(name, *limit(result)) for (name, _), result in results.rows.items() if name in PROFILES],
        ),
        "In bfloat16 training, `folded_layers` computes one gradient in float32: that of the input of a depthwise "
        "convolution with strides. The table shows why: the milliseconds of the convolution and of that gradient.",
        table(
            ("layer", "float32", "its gradient", "bfloat16", "its gradient"),
            [
                (layer, *(number(each[of], 1) for each in times.values() for of in ("convolution", "gradient")))
                for layer, times in results.rows.get(("strided_gradient", 0), {}).items()
                if layer != "seconds"
            ],
        ),
        f"Our optimizer updates the weights of the tail in {number(results.median('momentum', 'ours'), 1)} ms, "
        f"Keras's in {number(results.median('momentum', 'keras'), 1)} ms.",
        "The share of each kind of operation, from TensorFlow's profiler:",
        table(
            ("operation", *PROFILES),
            [(kind, *(percent(share) for share in shares)) for kind, shares in operations(results).items()],
        ),
        "## One photo",
        table(("format", "milliseconds"), [(name, number(results.median("latency", name), 1)) for name in FORMATS]),
        f"Measuring AP on 72 photos takes {number(summary['evaluation_seconds'], 1)} s the first time and "
        f"{number(results.median('evaluation', 'later'), 1)} s later.",
        "## On the page",
        "The page of `web` in headless Chromium, WebAssembly with one thread, for camera frames of 640 x 480 pixels, "
        "next to LiteRT in Python with one thread. Both include resizing and non-maximum suppression; the column after "
        "each is the network alone. Chromium runs the int8 network faster on a processor with AVX-VNNI (`avx_vnni` in "
        "/proc/cpuinfo). `web_without_vnni` is measured with these instructions switched off in Chromium.",
        table(
            (
                *("network", "page, ms", "its network, ms", "LiteRT, ms", "its network, ms", "ratio"),
                *("first detection, s", "loaded until then, MB"),
            ),
            [*(on_the_page(results, name) for name in ON_THE_PAGE), on_the_page(results, "int8", "web_without_vnni")],
        ),
        "## Films",
        "`detect --count-line` on a film of 512 x 384 pixels, with LiteRT: the milliseconds per frame of each part on "
        "its own, and of all together, from file to file.",
        table((*PARTS_OF_A_FILM, "together", "frames per second", "together / detect"), [film(results)]),
        f"The process takes {number(results.median('film', 'gb_first_third'))} GB of memory in the first minute of a "
        f"film and {number(results.median('film', 'gb'))} GB in the third.",
        "## Labelling",
        f"`next` orders 1,000 photos of 0.2 megapixels. A round: `next` on 288 photos, ten of which have labels, and "
        f"{number(results.median('label_round', 'steps'), 0)} steps of `train --start-from` on ten more.",
        table(("what", "seconds"), labelling(results)),
        "## Memory",
        table(("training", "peak GB"), [(name, number(peak)) for name, peak in summary["peak_gb"].items()]),
        "## Both networks",
        "From random weights, with batch norm that learns: the seconds of a step of 8 photos, the milliseconds of one "
        "photo in a LiteRT file, and the peak memory of both. The networks take turns "
        "within a few minutes, so compare them with each other and not with the figures above.",
        table(
            ("network", "seconds per step", "milliseconds per photo", "peak GB"),
            [(name, *network(results, name)) for name in architectures.ARCHITECTURES],
        ),
        "## More and larger photos",
        "All are copies of 36 photos. `photos_small` and `photos_large` are 360 photos of 0.2 and of 12 megapixels. "
        f"Measured on {' and '.join(results.dates_of('photos_'))} with the recipe `seed`. Since 2026-11-28 this recipe "
        "freezes fewer layers (docs/decisions/0007) and takes longer; reading the photos takes the same time.",
        table(
            ("what", "minutes"),
            [
                (name, number((results.median(name, "seconds") or 0) / 60 or None, 1))
                for name in ("photos_36", "photos_small", "photos_3600", "photos_large")
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def figure(summary: Any, name: str) -> float | None:
    """Return a figure of results.json by its name in TARGETS."""
    for part in name.split("."):
        summary = summary[part]
    return summary


def met(summary: dict, name: str) -> str:
    """Return whether a target is met, as text."""
    measured = figure(summary, name)
    return "–" if measured is None else "yes" if measured <= TARGETS[name] else "**no**"


def machines(results: Results) -> str:
    """Say on which machine most was measured, and what was measured on others: compare no times between them."""
    first, *others = sorted(results.machines, key=lambda machine: -len(results.machines[machine]))
    exceptions = [f"`{'`, `'.join(results.machines[machine])}` on another: {machine}." for machine in others]
    return " ".join((f"Machine: {first}.", *exceptions))


def freezing(results: Results) -> list[tuple[str, dict]]:
    """Return the runs that freeze up to some layer, and their results."""
    found = [("seed_ours", results.rows.get(("seed_ours", 0)))]
    found += [(name, result) for (name, _), result in results.rows.items() if name.startswith("cut_")]
    return [(name, result) for name, result in found if result]


def on_the_page(results: Results, name: str, measured: str = "web") -> tuple[str, ...]:
    """Return a network's row in the table of the page."""
    times = ("page", "page_network", "native", "native_network")
    *milliseconds, first, loaded = (
        number(results.median(measured, f"{name}_{what}"), 1) for what in (*times, "first", "megabytes")
    )
    ratio = number(results.ratio(measured, measured, f"{name}_page", f"{name}_native"))
    return name if measured == "web" else f"{name}, `{measured}`", *milliseconds, ratio, first, loaded


def labelling(results: Results) -> list[tuple[str, str]]:
    """Return the rows of the table of labelling."""
    rows = [("order 1,000 photos", results.median("ordering", "ordering_seconds"))]
    names = {"next": "next_seconds", "train": "train_seconds", "a round": "round_seconds"}
    rows += [(name, results.median("label_round", key)) for name, key in names.items()]
    return [(name, number(seconds, 0)) for name, seconds in rows]


def spread(results: Results, name: str, key: str) -> tuple[str, str, str]:
    """Return the mean, lowest and highest value over the seeds."""
    values = results.values(name, key)
    return (
        number(results.mean(name, key), 3),
        number(min(values, default=None), 3),
        number(max(values, default=None), 3),
    )


def limit(result: dict) -> tuple[str, ...]:
    """Return a step's arithmetic, the rate, the resulting seconds, the measured seconds, and their ratio."""
    least = result["gflop"] / result["gflop_per_second"]
    rates = number(result["gflop"], 1), number(result["gflop_per_second"], 0)
    return *rates, number(least, 3), number(result["step"], 3), number(result["step"] / least, 1)


def network(results: Results, name: str) -> tuple[str, str, str]:
    """Return the median seconds of a step, the median milliseconds of a photo, and the peak memory of a network."""
    of = f"network_{name}"
    return number(results.median(of, "step")), number(results.median(of, "photo"), 1), number(results.peak(of))


def film(results: Results) -> tuple[str, ...]:
    """Return the row of the table of films."""
    ratio = results.ratio("film", "film", "per_frame", "detect")
    parts = (number(results.median("film", name), 1) for name in (*PARTS_OF_A_FILM, "per_frame", "fps"))
    return *parts, number(ratio)


def operations(results: Results) -> dict[str, list[float | None]]:
    """Return the kinds of operation that take 2% or more of any profile, the longest of the first profile first.

    Each has its share in every profile, or None if it does not occur.
    """
    shares = []
    for name in PROFILES:
        seconds = results.rows.get((name, 0), {}).get("operations", {})
        shares.append({kind: value / sum(seconds.values()) for kind, value in seconds.items()})
    kinds = {kind: None for share in shares for kind, value in share.items() if value >= 0.02}
    return {kind: [share.get(kind) for share in shares] for kind in kinds}


def scores(result: dict) -> tuple[str, str, str]:
    """Return minutes, AP50 and AP."""
    return number(result["seconds"] / 60, 1), number(result["AP50"], 3), number(result["AP"], 3)


def number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def table(head: tuple, rows: list[tuple]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def picture(results: Results):
    """Return four charts: minutes, milliseconds, minutes over photos, AP50 over minutes."""
    figure, ((seed, latency), (growth, cuts)) = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    names = ("seed_plain_keras", "seed_plain_bfloat16", "seed_ours_float32", "seed_ours")
    bars(seed, names, [results.median(name, "seconds") for name in names], "seed recipe, minutes", 60)
    bars(latency, FORMATS, [results.median("latency", name) for name in FORMATS], "one photo, milliseconds", 1)
    names = {36: "photos_36", 360: "photos_small", 3600: "photos_3600"}
    known = {
        count: results.median(name, "seconds") or 0 for count, name in names.items() if results.values(name, "seconds")
    }
    growth.plot(list(known), [seconds / 60 for seconds in known.values()], "o-")
    growth.set(xscale="log", ylim=(0, None), xlabel="photos", title="copies of 36 photos, minutes")
    for name, result in freezing(results):
        cuts.plot(result["seconds"] / 60, result["AP50"], "o")
        cuts.annotate(name, (result["seconds"] / 60, result["AP50"]), fontsize=8)
    cuts.margins(x=0.2)
    cuts.set(ylim=(0, 1), xlabel="minutes", ylabel="AP50", title="where to freeze")
    return figure


def bars(axes, names, values, title: str, unit: float) -> None:
    known = [(name, value / unit) for name, value in zip(names, values, strict=True) if value is not None]
    axes.barh([name for name, _ in known], [value for _, value in known])
    axes.set_title(title)
