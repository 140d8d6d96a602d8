"""Pipelines of scikit-learn as bytes, by skops: the same every time, and of known types alone.

Reading the format of skops runs no code; of the types that it can build, only those in
`TRUSTED_TYPES` are accepted.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import safetensors
import skops.io
from sklearn.pipeline import Pipeline

from motor_bids_app.documents import parse_json
from motor_bids_app.errors import IncompatibleModelError

TRUSTED_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "sklearn.impute._base.MissingIndicator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._coordinate_descent.ElasticNet",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._ridge.Ridge",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
    }
)
_LOADERS = frozenset(
    f"{name}Node"
    for name in ("Dict", "List", "Tuple", "Json", "Type", "DType", "NdArray", "Object")
)
# What libraries raise for parts that are not what they wrote; bundles come from anywhere.
UNFIT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    safetensors.SafetensorError,
    zipfile.BadZipFile,
)


def dump_pipeline(pipeline: Pipeline) -> bytes:
    """Return a pipeline as skops writes it, but the same bytes every time.

    skops names arrays and objects by their address in memory, and dates the files.
    """
    target = io.BytesIO()
    names: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as source:
        schema = json.loads(source.read("schema.json"))
        for node in _nodes(schema):
            for key in ("__id__", "file"):
                if key in node:
                    stem, dot, extension = str(node[key]).partition(".")
                    number = names.setdefault(stem, str(len(names) + 1))
                    node[key] = f"{number}.{extension}" if dot else int(number)
        with zipfile.ZipFile(target, "w") as copy:
            copy.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema, indent=2))
            for old in source.namelist():
                stem, _, extension = old.partition(".")
                if stem in names and old != "schema.json":
                    new = zipfile.ZipInfo(f"{names[stem]}.{extension}")
                    copy.writestr(new, source.read(old))
    return target.getvalue()


def load_pipeline(part: bytes, place: str) -> Pipeline:
    """Return a pipeline, after all of its types were found in the closed list.

    `place` is where it was read, for messages.

    Raises
    ------
    IncompatibleModelError
        It is of another type, or damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(part)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > len(part):
                raise ValueError("it is compressed, as no model of this app is")
            schema = parse_json(archive.read("schema.json"))
        for node in _nodes(schema):
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            if name not in TRUSTED_TYPES or node.get("__loader__") not in _LOADERS:
                raise IncompatibleModelError(
                    f"{place} holds {name} ({node.get('__loader__')}), which no model of this app "
                    "contains. Do not trust this bundle."
                )
        return skops.io.loads(part, trusted=["numpy.dtype"])
    except UNFIT as error:
        raise IncompatibleModelError(f"{place} is damaged ({error}). Get it again.") from error


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every description of an object in a skops schema."""
    if isinstance(tree, dict):
        if "__class__" in tree or "__loader__" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)
