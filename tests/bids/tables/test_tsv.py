"""One reader for all tables: read for what it can only mean, or refused by name and line."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.files import write_table
from motor_bids_app.bids.tables.tsv import (
    check_for_libraries,
    numeric_cell,
    numeric_column,
    read_row,
    read_table,
    same_code,
)
from motor_bids_app.errors import InputMissingError, MotorBidsAppError, ReadWriteError, TableError

TEXT = "participant_id\tsite\tage\nsub-01\tSaint-J\u00e9r\u00f4me\t61\nsub-02\tTours\tn/a\n"


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "x.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-32"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace("\n", "\n\n"),
        TEXT.rstrip("\n"),
        TEXT + "\n\t\t\n",
        TEXT.replace("\t", " \t "),
        TEXT.replace("\n", "\t\t\n"),
        TEXT.replace("n/a", ""),
        TEXT.replace("n/a", "N/A"),
        '"participant_id"\t"site"\t"age"\n"sub-01"\t"Saint-J\u00e9r\u00f4me"\t61\nsub-02\t"Tours"\tNA\n',
    ],
    ids=[
        "plain", "BOM", "UTF-16", "UTF-32", "CRLF", "CR", "blank lines", "no last line end",
        "rows of tabs", "blanks", "nameless empty columns", "blank cell", "N/A", "quotes of R",
    ],
)  # fmt: skip
def test_one_table_is_read_alike_in_all_its_forms(write, content):
    table = read_table(write(content))

    assert table.to_dict("list") == {
        "participant_id": ["sub-01", "sub-02"],
        "site": ["Saint-J\u00e9r\u00f4me", "Tours"],
        "age": ["61", pytest.approx(np.nan, nan_ok=True)],
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\n1\t2\t\n", r"line 2 has 3 cells, but the heading has 2 \(it ends with a tab too"),
        ("a\tb\tc\n1\t2\t3\n4\t5\n", "line 3 has 2 cells, but the heading has 3"),
        ("a\tb\n\n1\t2\t3\n", "line 3 has 3 cells"),
        ('a\tb\n1\t"x\ny"\n', r"line 3 has 1 cell.*quotation mark does not hold"),
        ("a\tb\n1,2\n", "line 2 has 1 cell.*separated by commas"),
        ("a\tb\ta \n1\t2\t3\n", "has the column a twice"),
        ("a,b\n1,2\n", "separated by commas, not by tabs"),
        ("a;b\n1;2\n", "separated by semicolons, not by tabs"),
        ("a\t\tb\n1\t2\t3\n", "column 2 of 3 has values, but no heading"),
        (TEXT.encode("latin-1"), "line 2 holds the byte 0xE9.*Save it as UTF-8"),
        (TEXT.encode("cp1252"), "Save it as UTF-8"),
        (TEXT.encode("ascii", "replace").decode().encode("utf-16-le"), "NUL bytes.*UTF-8"),
        (TEXT.encode("utf-16")[:-1], "cut short or damaged UTF-16"),
        (b"", "is empty"),
        (b"\n \t\n", "is empty"),
        (b"a\0\tb\n", "NUL bytes"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named_with_its_line(write, content, message):
    with pytest.raises(TableError, match=rf"x\.tsv.*{message}"):
        read_table(write(content))


def test_a_quotation_mark_is_a_character_and_swallows_no_rows(write):
    rows = [f"{n}\tfine" for n in range(1, 10)]
    rows[2], rows[6] = '3\t"fell asleep', '7\tmoved" a lot'

    table = read_table(write("\n".join(["id\tremark", *rows])))

    assert table["id"].tolist() == [str(n) for n in range(1, 10)]
    assert table["remark"].iloc[[2, 6]].tolist() == ['"fell asleep', 'moved" a lot']


def test_the_index_holds_the_lines_of_the_file(write):
    table = read_table(write("a\tb\n1\t2\n\n3\t4,5\n"))

    assert table.index.tolist() == [2, 4]
    with pytest.raises(
        TableError, match=r"line 4: b is '4,5', which is not a number \(write a deci"
    ):
        numeric_column(table, "b", write("a\n"))


@pytest.mark.parametrize(
    "cell", ["1_0", "0x1F", "inf", "1e999", "5%", "<5", "12,5", "1.2.3", "\u0663"]
)
def test_only_plain_finite_numbers_are_numbers(write, cell):
    path = write(f"a\tb\n1\t{cell}\n")
    with pytest.raises(TableError, match="which is not a number"):
        numeric_column(read_table(path), "b", path)


@pytest.mark.parametrize("cell", ["+5", "5.", ".5", "-3e-2", "007"])
def test_numbers_are_read_as_python_reads_them(write, cell):
    path = write(f"a\tb\n1\t{cell}\n2\tn/a\n")
    found = numeric_column(read_table(path), "b", path)

    assert found.iloc[0] == float(cell)
    assert np.isnan(found.iloc[1])


def test_a_heading_alone_is_a_table_without_rows(write):
    assert read_table(write("a\tb\n")).shape == (0, 2)


def test_a_pipe_a_folder_and_a_pointer_are_no_tables(tmp_path, write):
    with pytest.raises(ReadWriteError, match="is a folder, not a file"):
        read_table(tmp_path)
    with pytest.raises(InputMissingError, match="is not here"):
        read_table(write("/annex/objects/MD5E-s1--abc.tsv\n"))
    (tmp_path / "lost.tsv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputMissingError, match="broken link"):
        read_table(tmp_path / "lost.tsv")


def test_a_table_beyond_all_measure_is_refused_before_it_is_parsed(monkeypatch, write):
    monkeypatch.setattr("motor_bids_app.bids.tables.text._LARGEST", 2**20)
    with pytest.raises(TableError, match="larger than 1 MiB"):
        read_table(write("a\n" + "1\n" * 2**20))
    with pytest.raises(TableError, match="20,001 columns"):
        read_table(write("\t".join(f"c{k}" for k in range(20_001)) + "\n"))


@pytest.mark.parametrize("content", [TEXT.encode("utf-16"), TEXT.replace("site", " site")])
def test_what_a_library_would_read_in_another_way_is_refused(write, content):
    check_for_libraries(write(TEXT))
    with pytest.raises(TableError, match="Save it as UTF-8 with the plain heading participant_id"):
        check_for_libraries(write(content))


ODD = [
    "\t", "\n", "\r", "\r\n", '"', '""', ",", " ", "\xa0", "\ufeff", "\u2028", "\x0b", "\x1c",
    "n/a", "\xe9", ";",
]  # fmt: skip


def test_what_is_written_is_read_again_in_one_line_per_row(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(300):
        rows = [["".join(rng.choice(ODD, rng.integers(0, 4))) for _ in "ab"] for _ in range(3)]
        write_table(tmp_path / "x.tsv", pd.DataFrame(rows, columns=["a", "b"]).assign(key="k"))

        assert read_table(tmp_path / "x.tsv")["key"].tolist() == ["k"] * 3


def test_any_bytes_are_a_table_or_an_error_of_ours(tmp_path):
    rng = np.random.default_rng(0)
    pieces = [*(odd.encode() for odd in ODD), b"\xff\xfe", b"\0", b"\xe9", b"a", b"1"]
    outcomes = set()
    for _ in range(2000):
        content = b"".join(pieces[k] for k in rng.integers(0, len(pieces), rng.integers(0, 9)))
        (tmp_path / "x.tsv").write_bytes(content)
        try:
            read_table(tmp_path / "x.tsv")
            outcomes.add("read")
        except MotorBidsAppError as error:
            outcomes.add("x.tsv" if "x.tsv" in str(error) else str(error))
    assert outcomes == {"read", "x.tsv"}


def test_codes_are_compared_as_numbers_where_they_are_numbers():
    assert same_code("1", "1.0")
    assert same_code("un", "UN")
    assert not same_code("1", "01x")


def test_a_table_of_one_row_is_read_as_any_table(tmp_path):
    path = tmp_path / "features.tsv"
    path.write_text("age\tside\tn\t\n\n 60 \tleft\tn/a\t\n")

    line, cells = read_row(path)

    table = read_table(path)
    assert cells == {"age": "60", "side": "left", "n": None}
    assert line == table.index[0] == 3
    assert numeric_cell(cells["age"], "age", path, line) == 60
    with pytest.raises(TableError, match="line 3: side is 'left', which is not a number"):
        numeric_cell(cells["side"], "side", path, line)
    path.write_text("age\n60\n61\n")
    with pytest.raises(TableError, match="2 rows instead of one"):
        read_row(path)
