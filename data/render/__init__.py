"""Render the workshop's photos and films with Blender: plan a scene, build it, render it, compute boxes from a mask.

The modules in the order of their use: `plan` (which objects are where, from one seed); `artwork`, `labels` and
`textures` (prints and wear); `materials` and `shapes` (for Blender); `cups` and `things` (the objects on the belt);
`hall` and `new_line` (the two production lines); `studio` (lights and camera); `boxes` (the mask); `picture`
(rendering, and the effects of a real camera). `__main__` renders whole sets. For films: `film_plan` (what passes, and
when it falls), `film_scene` (the moving scene), `film_truth` (boxes and counts), `film_file` (H.264, posters), `film`
(renders all that is missing).
"""
