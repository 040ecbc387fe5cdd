"""What every other sub-package needs and what knows nothing of detection: errors, files, settings, command-line
arguments, the machine, untrusted input, TensorFlow without its start-up messages.

May import nothing else of `workshop_utils`.
"""
