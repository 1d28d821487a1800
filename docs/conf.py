"""The site of the documentation, built by Sphinx from the Markdown pages.

pip install -r docs/requirements.txt && sphinx-build -W --keep-going -n docs build/site
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for reference.py

project = "Hookline"
author = "The Hookline authors"
copyright = "The Hookline authors"  # the name is Sphinx's
extensions = ["myst_parser", "reference", "crosslinks"]
exclude_patterns = ["changelog"]
html_theme = "furo"
html_title = "Hookline"
html_copy_source = False
# Links to sections: `hooks.md#answers`.
myst_heading_anchors = 3
# Code is shown as it stands in the page; straight quotes stay straight in prose too.
smartquotes = False
