"""How Sphinx makes a site of these pages (`make docs`), without fetching anything."""

import re
from pathlib import Path

_VERSION = (Path(__file__).parent.parent / "motor_bids_app" / "__init__.py").read_text()

project = "motor_bids_app"
author = "The motor_bids_app developers"
release = re.findall(r'__version__ = "(.+?)"', _VERSION)[0]
html_title = f"motor_bids_app {release}"
html_show_copyright = False
html_copy_source = False
html_theme = "furo"
html_last_updated_fmt = None  # the same pages give the same bytes

extensions = ["myst_parser"]
myst_heading_anchors = 3  # links to headings, as GitHub names them
# Words that a program prints are no code of a language.
highlight_language = "none"
