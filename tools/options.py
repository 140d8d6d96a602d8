"""Write docs/options.md: every option of the three programs, as their parsers have it.

usage: python tools/options.py > docs/options.md
"""

import argparse
import re
from collections.abc import Iterator

from motor_bids_app.cli import convert, options, simulate
from motor_bids_app.errors import EXIT_CODES

HEAD = """# Options

Every option of the command line, in the order of `motor_bids_app --help`. In names of options, `-`
and `_` are the same. Options may also stand in a TOML file (`--config-file`), under their names
without the leading dashes; the command line takes precedence. Options of other apps that are
refused, and what to use instead: [commands.md](commands.md). Keys of experiment files:
[experiments.md](experiments.md). This page is written by `tools/options.py` from the parsers, and a
test compares it.
"""
TITLES = {"positional arguments": "arguments"}


def names_of(action: argparse.Action) -> str:
    """Names of an option, long ones first, with what it takes.

    >>> parser = argparse.ArgumentParser()
    >>> names_of(parser.add_argument("-w", "--work-dir", metavar="DIR"))
    '`--work-dir DIR`, `-w`'
    """
    takes = argparse.HelpFormatter("")._format_args(action, value_of(action))
    if not action.option_strings:
        return f"`{takes}`"
    first, *others = sorted(action.option_strings, key=lambda name: not name.startswith("--"))
    return ", ".join(f"`{name}`" for name in (f"{first} {takes}".strip(), *others))


def value_of(action: argparse.Action) -> str:
    """Word for the value of an option, as its help shows it."""
    if action.choices is not None:
        return "{" + ",".join(str(choice) for choice in action.choices) + "}"
    return action.dest if not action.option_strings else action.dest.upper()


def rows(parser: argparse.ArgumentParser, level: str) -> Iterator[str]:
    """Headings and tables of the options of a parser, by group."""
    for group in parser._action_groups:
        shown = [
            a for a in group._group_actions if a.help != argparse.SUPPRESS and a.dest != "help"
        ]
        if not shown:
            continue
        title = TITLES.get(str(group.title), str(group.title))
        title = title if title[:2].isupper() else title[0].upper() + title[1:]
        yield f"{level} {title}\n\n| option | what it does |\n| --- | --- |"
        for action in shown:
            text = " ".join((action.help or "").split()).replace("|", "\\|")
            text += " (required)" if action.required and action.option_strings else ""
            yield f"| {names_of(action).replace('|', chr(92) + '|')} | {text} |"
        yield ""


def paragraphs(text: str | None) -> str:
    """Description of a program, one paragraph a line."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", (text or "").strip())


def document() -> str:
    """Return the page."""
    lines = [HEAD, *rows(options.build_parser(), "##")]
    lines += ["## Exit codes\n\n| code | meaning |\n| --- | --- |"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    for parser in (simulate.build_parser(), convert.build_parser()):
        lines += [f"\n## The program {parser.prog}\n", paragraphs(parser.description), ""]
        lines += rows(parser, "###")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


if __name__ == "__main__":
    print(document(), end="")
