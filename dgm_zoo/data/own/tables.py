"""A CSV file: numeric columns are x, a column `label` or `class` is y."""

import csv
import math

import numpy as np

from dgm_zoo.data.checks import SPLITS
from dgm_zoo.data.facts import Set
from dgm_zoo.data.own import making
from dgm_zoo.errors import InvalidInput

LABEL = ("label", "class")  # names of the column of labels
MISSING = {"", "?", "na", "n/a", "nan", "null", "none"}  # cells without a value, in lower case


def find(path: str, version: str) -> Set:
    """Returns the `Set` of a CSV file whose first line names the columns.

    x is the other columns in their order, float32 `[n]`: bits (2 levels) if all values are 0 or 1, else points (levels
    None). The labels are the sorted values of the column `label` or `class`, an empty one for a row without label.
    Validation and test are carved out by a hash of the rows' numbers.

    Raises:
      InvalidInput: a cell is missing or text, a line has another number of columns, or there are fewer than 3 rows.
    """
    header, lines = read_table(path)
    columns = [i for i, name in enumerate(header) if name.lower() in LABEL]
    if len(columns) > 1:
        raise InvalidInput(f"'{path}' has two columns of labels, {' and '.join(header[i] for i in columns)}; drop one")
    label = columns[0] if columns else None
    numeric = [i for i in range(len(header)) if i != label]
    if not numeric:
        raise InvalidInput(f"'{path}' has no column besides '{header[0]}'; give it columns of numbers")
    x = np.array([[_number(path, header[i], line, cells[i]) for i in numeric] for line, cells in lines], np.float32)
    if not len(x):
        raise InvalidInput(f"'{path}' has no line below its names of columns; give at least 3")
    bits = bool(((x == 0) | (x == 1)).all())
    x = x.astype(np.uint8) if bits else x
    y, classes = making.as_classes(["" if label is None else cells[label].strip() for _, cells in lines])
    rows = making.carved(map(str, range(len(x))), ("validation", "test"))

    def rows_of(split, image_size, limit):
        wanted = rows[split][:limit]
        return making.held(x[wanted], y[wanted])

    return making.made(
        path, version, x.shape[1:], {split: len(rows[split]) for split in SPLITS}, rows_of, levels=2 if bits else None,
        classes=classes,
    )


def read_table(path: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Reads a CSV file.

    Returns:
      The names of the columns, and (number of its line in the file, cells) for each row; empty lines are left out.

    Raises:
      InvalidInput: the file is not UTF-8 or not CSV, a line has another number of cells, or the first line holds no
        names, or one twice.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"'{path}' cannot be read as CSV ({error}); save it as UTF-8 with commas") from None
    header = [name.strip() for name in lines[0][1]] if lines else []
    if not header or any(_is_number(name) or not name for name in header) or len(set(header)) < len(header):
        raise InvalidInput(f"the first line of '{path}' is {','.join(header)!r}; let it give each column its own name")
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise InvalidInput(
                f"line {number} of '{path}' has {len(cells)} cells, but there are {len(header)} columns; correct it"
            )
    return header, lines[1:]


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(path, column, line, cell):
    """Returns a cell as a finite float."""
    value = float(cell) if _is_number(cell) else math.nan
    if math.isfinite(np.float32(value)):
        return value
    if cell.strip().lower() in MISSING:
        raise InvalidInput(f"'{path}' has no value in line {line}, column '{column}'; fill it, or remove the line")
    raise InvalidInput(
        f"'{path}' has {cell.strip()!r} in line {line}, column '{column}', which is not a finite number; correct it, "
        "remove the column, or name it label"
    )
