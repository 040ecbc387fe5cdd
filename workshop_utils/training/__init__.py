"""Training: strategies, batches, the schedule, the training loop, the run folder, and training on several machines.

May import `core`, `data`, `model`, `evaluation` and `plots`.
"""
