"""One module for each family of export formats: it writes the file, and opens and runs it.

These modules import TensorFlow and the runtime of their format. The registry, `export_formats`, therefore imports them
only when a file is written or opened.
"""
