"""Run the command line: `python -m workshop_utils`."""

from workshop_utils.cli import run

run()
