"""The site of the documentation, built by Sphinx from the Markdown pages.

pip install -r docs/requirements.txt && sphinx-build -W --keep-going -n docs build/site

The theme is furo: it reads well on a telephone and in the dark, its search and its navigation work without a server, and it
brings no tracker and no font of others.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for reference.py and crosslinks.py

project = "Hookline"
author = "The Hookline authors"
copyright = "The Hookline authors"  # the name is Sphinx's
extensions = ["myst_parser", "reference", "crosslinks"]
exclude_patterns = ["changelog"]
html_theme = "furo"
html_title = "Hookline"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
pygments_dark_style = "github-dark"  # that of furo underlines names of modules, as if they were links
# Links to sections: `hooks.md#answers`.
myst_heading_anchors = 3
# Code is shown as it stands in the page; straight quotes stay straight in prose too.
smartquotes = False
# Signatures: without the names of modules, and one parameter on each line if they are long.
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 76
toc_object_entries_show_parents = "hide"
