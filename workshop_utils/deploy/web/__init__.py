"""A page that runs a detector in the browser, on photos and the camera: its files, its folder, its server."""
