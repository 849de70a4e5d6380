"""Sphinx: `make docs` builds docs/_build/html and takes every warning for an error."""

import re

from sphinx.application import Sphinx

import unpaired

project = "unpaired"
author = "The unpaired maintainers"
copyright = "The unpaired maintainers, Apache-2.0"
release = version = unpaired.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "examples"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "unpaired"


def plain_to_rst(app: object, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings are written for people who read code: `x` is code there, and * and | mean themselves."""
    for number, line in enumerate(lines):
        parts = line.split("`")
        if len(parts) % 2:
            parts = [part if code % 2 else re.sub(r"([*|])", r"\\\1", part) for code, part in enumerate(parts)]
            lines[number] = "``".join(parts)


def setup(app: Sphinx) -> None:
    """Before napoleon (priority 500) reads the sections."""
    app.connect("autodoc-process-docstring", plain_to_rst, priority=400)
