"""Numbers that JSON5 allows and an id must not be: they keep the text they had in the file."""

from __future__ import annotations


class OddInt(int):
    """A whole number that is not plain decimal digits in the file. `raw` is its text there."""

    raw: str


class OddFloat(float):
    """A number with a point or an exponent, or an infinite one or NaN. `raw` is its text in the file."""

    raw: str
