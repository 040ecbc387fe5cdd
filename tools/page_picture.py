"""Take the picture of the page that notebooks show where they cannot show the page: docs/pictures/page.jpg.

    python tools/page_picture.py RUN

RUN is a run trained on the yoghurt photos. It needs Chromium; on Debian: apt-get install chromium.
"""

import pathlib
import shutil
import sys
import tempfile
import threading

from playwright.sync_api import ViewportSize, sync_playwright

from workshop_utils.core import settings
from workshop_utils.deploy.web import networks, notebook, page_folder, server

PHOTO = settings.YOGHURT / "images" / "0120.jpg"
SIZE: ViewportSize = {"width": 1200, "height": 780}


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, "page")
        page_folder.write(networks.open_network(sys.argv[1]), folder)
        with server.serving(folder, port=0) as served, sync_playwright() as playwright:
            threading.Thread(target=served.serve_forever, daemon=True).start()
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.goto(served.address)
            page.get_by_text("LiteRT.js").wait_for()
            page.set_input_files("#files", PHOTO)
            page.locator("#counts li").first.wait_for()
            page.get_by_role("button", name="Keep this frame").click()
            page.get_by_role("heading", name="Kept frames (1)").wait_for()
            notebook.PICTURE.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=notebook.PICTURE, type="jpeg", quality=80)
            browser.close()
            served.shutdown()
    print(f"Took {notebook.PICTURE.relative_to(settings.PROJECT)}.")


if __name__ == "__main__":
    main()
