import math

import pytest

from motor_bids_app.documents import DEEPEST, parse_json, parse_toml


@pytest.mark.parametrize("depth", [DEEPEST + 1, 3000, 200_000])
def test_nesting_has_an_end(depth):
    nested = "[" * depth + "]" * depth
    with pytest.raises(ValueError, match="levels deep"):
        parse_json(nested)
    with pytest.raises(ValueError, match="levels deep"):
        parse_toml(f"a = {nested}")


@pytest.mark.parametrize("text", ["a." * 100_000 + "b = 1", "[" + '"a" . ' * 3000 + "b]"])
def test_long_keys_are_refused_before_they_are_read(text):
    with pytest.raises(ValueError, match="levels deep"):
        parse_toml(text)


def test_numbers_beyond_64_bits_do_not_overflow_later():
    assert math.isinf(float(parse_json("9" * 5000)))
    assert parse_json("-9223372036854775808") == pytest.approx(-(2**63))
    with pytest.raises(ValueError, match="64 bits"):
        parse_toml("a = 99999999999999999999")


def test_half_a_pair_of_surrogates_is_no_text():
    with pytest.raises(ValueError, match="surrogates"):
        parse_json('{"a": "\\ud800"}')


def test_a_long_text_is_refused():
    with pytest.raises(ValueError, match="characters"):
        parse_toml("# " + "x" * 2**21)


def test_what_people_write_is_read():
    assert parse_json(b'{"a": [1, 2.5, null, "\\u00e9"]}') == {"a": [1, 2.5, None, "é"]}
    assert parse_toml('means = [0.1, 0.2]\n[a.b]\nc = "x.y.z"') == {
        "means": [0.1, 0.2],
        "a": {"b": {"c": "x.y.z"}},
    }
