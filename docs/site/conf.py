"""Sphinx's settings for the site. tools/pages.py gathers the pages and then runs Sphinx on them."""

project = "Transfer learning for object detection"
author = "the workshop's authors"
copyright = "the workshop's authors, Apache License 2.0"

extensions = ["myst_nb"]
exclude_patterns = ["docs/site"]
suppress_warnings = ["myst.xref_missing", "myst.header"]  # README names folders, which are no pages

nb_execution_mode = "off"  # they were executed by `make run`
nb_merge_streams = True
nb_render_markdown_format = "myst"  # has tables, and our cells show them
nb_ipywidgets_js = {}  # it would be loaded from elsewhere; a widget is shown as the text it also has
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_heading_anchors = 3
myst_links_external_new_tab = True

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["docs/site/static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "navbar_persistent": [],  # the search field stands in the side bar already
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "home_page_in_toc": True,
}
