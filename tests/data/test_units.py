"""Only physics converts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.units import UNITS, convert, unit_of
from data.vocabulary import QUANTITY_UNITS

# Unit, what one of it is, in which unit. International pound, ounce, acre and gallons by definition.
ONE_OF = [
    ("Kilogram", 1, "kg"), ("Gram", 0.001, "kg"), ("Milligram", 1e-6, "kg"), ("Microgram", 1e-9, "kg"),
    ("Ton", 1000, "kg"), ("Ounce", 0.45359237 / 16, "kg"), ("pound", 0.45359237, "kg"), ("100 gram", 0.1, "kg"),
    ("Block (350gr)", 0.35, "kg"), ("Paper (1/10 gm)", 0.0001, "kg"), ("Litre", 1, "litre"),
    ("Millilitre", 0.001, "litre"), ("Cc", 0.001, "litre"), ("Cubic Centimeter", 0.001, "litre"),
    ("Gallons (US, liquid)", 231 * 0.0254**3 * 1000, "litre"), ("Gallons (UK)", 4.54609, "litre"),
    ("Acres", 4840 * 0.9144**2, "square_metre"), ("Hectars", 10_000, "square_metre"), ("Tablet", 1, "tablet"),
    ("Pill", 1, "tablet"), ("Thousand of tablets", 1000, "tablet"), ("Thousand of doses", 1000, "dose"),
    ("Hundred of units", 100, "piece"), ("Unit", 1, "piece"), ("Capsule", 1, "capsule"), ("Plants", 1, "plant"),
    ("Ampoule", 1, "ampoule"), ("Trip", 1, "other_unit"), ("Joint", 1, "other_unit"), ("Bottles", 1, "other_unit"),
    ("", 1, "other_unit"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "amount", "target"), ONE_OF)
def test_one_of_each(name: str, amount: float, target: str) -> None:
    result = convert(np.array([1.0]), pa.array([name]), others_counted=True)
    kg, units, unit = (column[0].as_py() for column in (result.kg, result.units, result.unit))
    if target == "kg":
        assert kg == pytest.approx(amount, rel=1e-12)
        assert (units, unit) == (None, None)
    else:
        assert (kg, unit) == (None, target)
        assert units == pytest.approx(amount, rel=1e-9)


def test_targets_are_kilograms_or_codes_of_the_list() -> None:
    assert {unit.target for unit in UNITS.values()} <= {"kg", *QUANTITY_UNITS}
    assert all(name == name.casefold() for name in UNITS)


def test_unknown_units_may_be_refused_instead() -> None:
    result = convert(np.array([1.0, np.nan, 2.0]), pa.array(["pochon", "pochon", "g"]), others_counted=False)
    assert result.unknown.tolist() == [True, False, False]
    assert result.units.to_pylist() == [None, None, None]


@given(st.lists(st.tuples(st.floats(0, 1e9) | st.none(), st.sampled_from([*UNITS, "?", ""]))))
def test_every_known_amount_ends_in_one_place(pairs: list[tuple[float | None, str]]) -> None:
    amounts = np.array([np.nan if amount is None else amount for amount, _ in pairs])
    result = convert(amounts, pa.array([name for _, name in pairs], pa.string()), others_counted=True)
    for (amount, name), kg, units, unit in zip(
        pairs, result.kg.to_pylist(), result.units.to_pylist(), result.unit.to_pylist(), strict=True
    ):
        assert (amount is None) == (kg is None and units is None)
        assert kg is None or units is None
        assert (units is None) == (unit is None)
        known = unit_of(name)
        if amount is not None and known is not None:
            assert (kg if known.target == "kg" else units) == amount * known.factor
