"""Builds the documentation site; ``make docs`` runs it.

The source directory is the repository, so that a relative link in a document leads to the same file
on the site and on a page of the repository.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sphinx.application import Sphinx  # noqa: E402

from ssimloss import __version__ as release  # noqa: E402

project = "ssimloss"
author = "the authors of ssimloss"
project_copyright = "the authors of ssimloss"
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]

root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "CHANGELOG.md",
    "benchmarks/**.md",
    "weights/README.md",
    "tests/goldens/README.md",
]
# Sphinx walks through every directory that is not excluded.
exclude_patterns = [
    ".*",
    "outputs",
    "build",
    "dist",
    "examples",
    "ssimloss",
    "docs/pictures/*.py",
]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 4  # links to headings, spelled as in a repository browser

autosummary_generate = True
autosummary_imported_members = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # the signature and the text of an argument say its type
autodoc_member_order = "bysource"
autodoc_default_options = {"members": False}
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Called with", "params_style")]
add_module_names = False
default_role = "code"

html_theme = "furo"
pygments_dark_style = "github-dark"  # the default underlines the names of modules
html_title = f"ssimloss {release}"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_search_scorer = str(ROOT / "docs" / "site" / "scorer.js")
html_extra_path = ["site/root"]
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True


def _called_with(
    _app: Sphinx, _what: str, _name: str, _value: object, _options: object, lines: list[str]
) -> None:
    """Turn the paragraph of a module's ``forward`` into a section of arguments."""
    for number, line in enumerate(lines):
        if re.fullmatch(r"``forward\(.*\)``:", line):
            lines[number] = "Called with:"


def setup(app: Sphinx) -> None:
    """Run before napoleon, which reads the sections of a docstring."""
    app.connect("autodoc-process-docstring", _called_with, priority=400)
