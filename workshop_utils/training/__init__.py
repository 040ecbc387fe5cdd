"""From a plan to a trained run: strategies, batches, the schedule, the training loop, the run's folder, several
machines.

May import `core`, `data`, `model`, `evaluation` and `plots`.
"""
