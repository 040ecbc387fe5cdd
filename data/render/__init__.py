"""Render the workshop's photos with Blender: plan a scene, build it, take the picture, draw the boxes from a mask.

The modules in the order they are needed: `plan` (what stands where, from one seed); `artwork`, `labels` and `textures`
(what is printed and what is worn); `materials` and `shapes` (Blender's); `cups` and `things` (what lies on the belt);
`hall` and `new_line` (the two production lines); `studio` (lights and camera); `boxes` (the mask); `picture`
(rendering, and what a real camera adds). `__main__` renders whole sets.
"""
