"""One module for each family of export formats: what writes the file, and what opens and runs it.

Modules here may import TensorFlow and the format's own runtime when they are imported. The registry, `export_formats`,
therefore imports them only when a file is written or opened.
"""
