"""What all other sub-packages share, independent of detection: errors, files, settings, command-line
arguments, the machine, untrusted input, TensorFlow without its start-up messages.

May import nothing else of `workshop_utils`.
"""
