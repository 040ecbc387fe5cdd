"""Sphinx's settings for the site. tools/pages.py gathers the pages and then runs Sphinx on them."""

from docutils import nodes
from latex2mathml.converter import convert

project = "Transfer learning for object detection"
author = "the workshop's authors"
copyright = "the workshop's authors, Apache License 2.0"

extensions = ["myst_nb"]
exclude_patterns = ["docs/site"]
suppress_warnings = ["myst.header"]

nb_execution_mode = "off"  # they were executed by `make run`
nb_merge_streams = True
nb_render_markdown_format = "myst"  # has tables, and our cells show them
nb_ipywidgets_js = {}  # it would be loaded from elsewhere; a widget is shown as the text it also has
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = True

html_math_renderer = "mathml"  # browsers set it by themselves; Sphinx's own way loads a program from elsewhere
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


def setup(app):
    app.add_html_math_renderer("mathml", (as_mathml, None), (as_mathml, None))


def as_mathml(translator, node):
    """Write a formula as MathML: in its line, or as a block of its own."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode
