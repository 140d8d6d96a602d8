"""Options that do something of their own when they are read."""

import argparse
import json
import sys
from typing import Any


class PrintDescriptor(argparse.Action):
    """Print the Boutiques descriptor of the parser that meets this option, and leave."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print, and leave."""
        from motor_bids_app.bids.descriptor import boutiques_descriptor

        sys.stdout.write(json.dumps(boutiques_descriptor(parser), indent=2) + "\n")
        parser.exit(0)


class Alone(argparse.Action):
    """An option that is handled before, where it stands alone."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Refuse it among other arguments."""
        parser.error(f"{self.option_strings[0]} stands alone, without other arguments")
