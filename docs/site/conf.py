"""Settings for Sphinx, which builds the site. tools/pages.py collects the pages and runs Sphinx on them."""

from docutils import nodes
from latex2mathml.converter import convert

project = "Transfer learning for object detection"
author = "the workshop's authors"
copyright = "the workshop's authors, Apache License 2.0"

extensions = ["myst_nb"]
exclude_patterns = ["docs/site"]
suppress_warnings = ["myst.header"]

nb_execution_mode = "off"  # `make run` executed them
nb_merge_streams = True
nb_render_markdown_format = "myst"  # supports the tables in our cells
nb_ipywidgets_js = {}  # would load a script from the web; the page shows a widget's text instead
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = True

html_math_renderer = "mathml"  # browsers render it; Sphinx's default loads a script from the web
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["docs/site/static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "navbar_persistent": [],  # the side bar already has the search field
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "home_page_in_toc": True,
}


def setup(app):
    app.add_html_math_renderer("mathml", (as_mathml, None), (as_mathml, None))


def as_mathml(translator, node):
    """Write a formula as MathML, inline or as a block."""
    display = "block" if isinstance(node, nodes.math_block) else "inline"
    translator.body.append(convert(node.astext(), display=display))
    raise nodes.SkipNode
