"""Open the page with the camera in the browser, with the best detector available: what `make demo` does.

    python tools/demo.py [OPTIONS of web]

The best detector is the newest run that scores at least half of what the best run scores. Without a run it is COCO's.
"""

import json
import pathlib
import sys

from workshop_utils.core import settings


def best_run(runs: pathlib.Path = settings.RUNS) -> pathlib.Path | None:
    """Return the folder of the best run, None if no run has found anything yet."""
    scores = {path.parent: _score(path) for path in runs.rglob("metrics.json")}
    scores = {folder: score for folder, score in scores.items() if any(folder.glob("checkpoints/step-*.weights.h5"))}
    good = [folder for folder, score in scores.items() if score > 0 and score >= max(scores.values()) / 2]
    return max(good, key=lambda folder: (folder / "metrics.json").stat().st_mtime, default=None)


def _score(path: pathlib.Path) -> float:
    """Return a run's AP50, 0 if it was not measured."""
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["AP50"] or 0)
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def main() -> int:
    """Make and open the page; return the exit code."""
    from workshop_utils import cli

    run = best_run()
    print(f"The detector: {run.relative_to(settings.PROJECT) if run else 'COCO'}. Making the page.", flush=True)
    return cli.main(["web", str(run or "coco"), "--serve", "--open", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
