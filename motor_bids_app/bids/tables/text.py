"""Lines of text in the encodings that people save tables in."""

import re
from pathlib import Path

from motor_bids_app.errors import TableError
from motor_bids_app.opening import check_file, read_bytes

_LARGEST = 128 * 2**20  # bytes
MARKS = {  # UTF-32 before UTF-16, whose mark it begins with
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_LINE_END = re.compile("\r\n|\n|\r")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200e\u200f\u2060"))


def read_lines(path: Path) -> list[str]:
    """Lines of a text in UTF-8, or UTF-16 or UTF-32 with its mark; any ends of lines.

    Raises
    ------
    InputMissingError, ReadWriteError, TableError
        There is no such file, it cannot be read, or it is no text.
    """
    return _LINE_END.split(_decode(path, read_content(path)).translate(_INVISIBLE))


def read_content(path: Path) -> bytes:
    """Bytes of a file of bounded size.

    Raises
    ------
    InputMissingError, ReadWriteError, TableError
        There is no such file, it cannot be read, or it is too large.
    """
    if check_file(path) > _LARGEST:
        raise TableError(
            f"{path} is larger than {_LARGEST // 2**20} MiB, the most that is read as a table. "
            "Check that it is one, and keep the rows and columns that are needed."
        )
    return read_bytes(path, _LARGEST)


def _decode(path: Path, data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        raise TableError(f"{path} is a spreadsheet or archive. Save it as tab-separated text.")
    marked = next((code for mark, code in MARKS.items() if data.startswith(mark)), None)
    save = "Save it as UTF-8."
    try:
        text = data.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        if marked:
            raise TableError(f"{path} is cut short or damaged {marked.upper()}. {save}") from error
        line = len(_LINE_END.findall(data[: error.start].decode("latin-1"))) + 1
        raise TableError(
            f"{path}, line {line} holds the byte 0x{data[error.start]:02X}, which is not UTF-8 "
            f"(Latin-1 or Windows-1252, perhaps). {save}"
        ) from error
    if "\0" in text:
        raise TableError(
            f"{path} holds NUL bytes: it is not a text file, or is UTF-16 without a BOM. {save}"
        )
    return text
