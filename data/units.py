"""Quantities in the units people write → kilograms, or a count in a closed list of units.

Only physics converts: mass to mass, volume to volume, area to area, a thousand tablets to 1,000 tablets. What a tablet
weighs or how much a bottle holds is an assumption, and nobody makes it here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.parsing import masked
from data.refusals import Mask

KILOGRAM = "kg"
OTHER_UNIT = "other_unit"


class Unit(NamedTuple):
    """`factor` times the amount is in `target`: kilograms, or a code of `data.vocabulary.QUANTITY_UNITS`."""

    target: str
    factor: float


# By name, without case. Pound, ounce, acre and both gallons are exact by definition; the viss is Myanmar's.
UNITS: dict[str, Unit] = {
    **dict.fromkeys(("kg", "kilo", "kilos", "kilogram", "kilograms", "kilogramme", "kilogrammes"), Unit(KILOGRAM, 1)),
    **dict.fromkeys(("g", "gr", "gram", "grams", "gramme", "grammes"), Unit(KILOGRAM, 1e-3)),
    **dict.fromkeys(("mg", "milligram", "milligramme", "milligrammes"), Unit(KILOGRAM, 1e-6)),
    **dict.fromkeys(("μg", "microgram", "microgramme", "microgrammes"), Unit(KILOGRAM, 1e-9)),
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes"), Unit(KILOGRAM, 1e3)),
    **dict.fromkeys(("oz", "ounce", "ounces", "once", "onces"), Unit(KILOGRAM, 0.028349523125)),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds", "livre anglaise"), Unit(KILOGRAM, 0.45359237)),
    "viss": Unit(KILOGRAM, 1.632932),
    "100 gram": Unit(KILOGRAM, 0.1),
    "block (350gr)": Unit(KILOGRAM, 0.35),
    "paper (1/10 gm)": Unit(KILOGRAM, 1e-4),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters"), Unit("litre", 1)),
    "cl": Unit("litre", 1e-2),
    "centilitre": Unit("litre", 1e-2),
    **dict.fromkeys(("ml", "millilitre", "millilitres", "cc", "cm3", "cubic centimeter"), Unit("litre", 1e-3)),
    "gallons (us, liquid)": Unit("litre", 3.785411784),
    "gallons (uk)": Unit("litre", 4.54609),
    **dict.fromkeys(("m2", "m²", "mètre carré", "mètres carrés"), Unit("square_metre", 1)),
    **dict.fromkeys(("acre", "acres"), Unit("square_metre", 4046.8564224)),
    **dict.fromkeys(("ha", "hectare", "hectares", "hectars"), Unit("square_metre", 10_000)),
    **dict.fromkeys(("tablet", "tablets", "pill", "pills", "comprimé", "comprimés", "cachet", "cachets"),
                    Unit("tablet", 1)),
    "thousand of tablets": Unit("tablet", 1000),
    **dict.fromkeys(("capsule", "capsules", "gélule", "gélules"), Unit("capsule", 1)),
    **dict.fromkeys(("unit", "units", "unité", "unités", "piece", "pieces", "pièce", "pièces"), Unit("piece", 1)),
    "hundred of units": Unit("piece", 100),
    **dict.fromkeys(("plant", "plants", "pied", "pieds", "bush"), Unit("plant", 1)),
    **dict.fromkeys(("dose", "doses"), Unit("dose", 1)),
    "thousand of doses": Unit("dose", 1000),
    **dict.fromkeys(("ampoule", "ampoules"), Unit("ampoule", 1)),
}  # fmt: skip


class Quantities(NamedTuple):
    """Shape (lines,) each. `unknown`: the unit is written but not known (and was not counted as another unit)."""

    kg: pa.Array
    units: pa.Array
    unit: pa.Array
    unknown: Mask


def unit_of(name: str) -> Unit | None:
    """The unit of that name, spaces and case aside; None: not known.

    >>> unit_of(" Gram ")
    Unit(target='kg', factor=0.001)
    """
    return UNITS.get(" ".join(name.split()).casefold())


def convert(
    amounts: NDArray[np.float64],
    names: pa.Array,
    also: Mapping[str, Unit] | None = None,
    *,
    others_counted: bool,
) -> Quantities:
    """Sort amounts into kilograms and counted quantities.

    Args:
        amounts: Shape (lines,); NaN: none.
        names: Shape (lines,), units as written.
        also: Further names, in lower case.
        others_counted: Whether an unknown or unwritten unit gives a count of `other_unit`; otherwise it is `unknown`.
    """
    encoded = names.fill_null("").dictionary_encode()
    written: Sequence[str] = encoded.dictionary.to_pylist()
    found = [_find(name, also or {}) for name in written]
    position = encoded.indices.to_numpy(zero_copy_only=False)
    factors = np.array([unit.factor if unit else 1.0 for unit in found])
    weighed = np.array([unit is not None and unit.target == KILOGRAM for unit in found], dtype=bool)[position]
    strange = np.array([unit is None for unit in found], dtype=bool)[position]
    given = ~np.isnan(amounts)
    scaled = amounts * factors[position]
    counted = given & ~weighed & (others_counted | ~strange)
    targets = pa.array([unit.target if unit else OTHER_UNIT for unit in found], pa.string())
    codes = targets.take(pa.array(position, pa.int64(), mask=~counted))
    return Quantities(
        kg=masked(scaled, ~(given & weighed), pa.float64()),
        units=masked(scaled, ~counted, pa.float64()),
        unit=codes,
        unknown=given & strange & (not others_counted),
    )


def _find(name: str, also: Mapping[str, Unit]) -> Unit | None:
    return also.get(" ".join(name.split()).casefold()) or unit_of(name)
