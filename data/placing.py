"""Where a fact happened: check its coordinates and codes, then derive cell, commune, département and country.

Precision is part of the place (`place_precision`): nothing here makes a place finer than its producer knew it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.countries import country_names
from data.parsing import masked, nulls
from data.refusals import Mask, Refusals, as_text
from data.vocabulary import HEXAGON_PRECISIONS, PLACE_PRECISIONS
from geo.errors import N_

PRECISION_CODES = tuple(PLACE_PRECISIONS)
POINT, STREET, COMMUNE, DEPARTEMENT, COUNTRY, UNKNOWN = range(len(PRECISION_CODES))
INTERNATIONAL_WATERS = "XZ"  # user-assigned in ISO 3166-1, used so by UN/LOCODE

# Around France, degrees (west, south, east, north): wide enough for the land, narrow enough to tell an inversion.
FRANCE_BOXES = (
    (-5.3, 41.2, 9.7, 51.2),  # mainland and Corsica
    (-61.9, 14.3, -60.7, 16.6),  # Guadeloupe, Martinique
    (-63.2, 17.8, -62.7, 18.2),  # Saint-Martin, Saint-Barthélemy
    (-54.7, 2.0, -51.5, 5.9),  # Guyane
    (55.1, -21.5, 55.9, -20.8),  # La Réunion
    (44.9, -13.1, 45.4, -12.5),  # Mayotte
)
LAMBERT_93_BOX = (0.0, 6_000_000.0, 1_300_000.0, 7_200_000.0)  # metres
# Codes of municipal arrondissements by prefix, and the commune they belong to.
CITY_OF_ARRONDISSEMENT = {"751": "75056", "6938": "69123", "132": "13055"}

ONE_COORDINATE = N_("Il manque une coordonnée à côté de {given} : attendu {expected}.")
ZERO = N_(
    "Coordonnées 0 ; 0 : c'est ce qu'écrit un appareil qui n'a pas de position. Attendu {expected} ; "
    "sans position connue, laisser les deux vides."
)
SWAPPED = N_(
    "Longitude et latitude semblent inversées : {given}. Attendu {expected}. Si le lieu est bien celui-là, "
    "hors de France, indiquer son pays (country, XZ en haute mer)."
)
ALL_SWAPPED = N_(
    "Longitude et latitude semblent inversées dans tout le fichier : {given}. Attendu {expected}. Échanger les deux "
    "colonnes, ou l'ordre dans le mapping."
)
LAMBERT = N_(
    "Coordonnées {given} en mètres, sans doute en Lambert-93. Attendu {expected}. Écrire un mapping avec "
    'crs = "EPSG:2154".'
)
OTHER_CRS = N_("Coordonnées {given} hors du globe. Attendu {expected}. Projetées ? Écrire un mapping avec leur `crs`.")
NEEDS_POINT = N_("Précision « {given} » sans coordonnées. Attendu {expected}.")
NEEDS_PLACE = N_("Précision « {given} » sans le lieu qui va avec. Attendu {expected}.")
TOO_COARSE = N_("Précision « {given} » plus grossière que le lieu donné. Attendu {expected}.")
NO_COMMUNE = N_("Commune « {given} » inconnue. Attendu {expected}.")
NO_DEPARTEMENT = N_("Département « {given} » inconnu. Attendu {expected}.")
OTHER_DEPARTEMENT = N_("Le département donné, « {given} », n'est pas celui de la commune. Attendu {expected}.")
NO_COUNTRY = N_("Pays « {given} » inconnu. Attendu {expected}.")
DEGREES = N_("longitude de -180 à 180, latitude de -90 à 90 (WGS 84, degrés)")
BOTH = N_("longitude et latitude")
A_COMMUNE = N_("un code INSEE de commune, 5 caractères (31555, 2A004)")
A_DEPARTEMENT = N_("un code INSEE (01 à 95, 2A, 2B, 971 à 988)")
A_COUNTRY = N_("deux lettres, ISO 3166-1 (FR, ES, CO ; XZ en mer)")


class Reference(Protocol):
    """What placing needs of `data.geography.Geography`."""

    @property
    def communes(self) -> Any: ...

    @property
    def arrondissements(self) -> Any: ...

    @property
    def departements(self) -> Any: ...

    @property
    def collectivites(self) -> Any: ...

    def locate(self, lng: NDArray[np.float64], lat: NDArray[np.float64]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place as given, shape (lines,) each: coordinates in degrees WGS 84 (NaN: none), codes as text or null."""

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    precision: NDArray[np.int64]  # position in PRECISION_CODES; -1: not given
    commune: pa.Array
    departement: pa.Array
    country: pa.Array


class Placer:
    """Holds the reference codes; `place` is called once for each chunk."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        communes = set(reference.communes["code"].astype(str))
        arrondissements = set(reference.arrondissements["code"].astype(str))
        self._commune_of = {code: code for code in communes} | {
            code: city_of_arrondissement(code) for code in arrondissements
        }
        self._commune_of |= _former_communes(reference)
        self._arrondissements = arrondissements
        self._departements = {*reference.departements["code"].astype(str), *reference.collectivites["code"].astype(str)}
        self._countries = country_names().codes | {INTERNATIONAL_WATERS}

    def place(self, given: Place, refusals: Refusals) -> dict[str, pa.Array]:
        """Refuse places that contradict themselves and derive the schema's place columns for the others."""
        located = self._check_coordinates(given, refusals)
        commune, arrondissement = self._check_communes(given.commune, refusals)
        departement = self._check_departements(given.departement, commune, refusals)
        self.check_countries("country", given.country, refusals)
        precision = self._check_precision(given, located, commune, departement, refusals)
        return self._derive(given, located, precision, commune, arrondissement, departement)

    def _check_coordinates(self, given: Place, refusals: Refusals) -> Mask:
        """Refuse impossible coordinates; answers where there are good ones."""
        lng, lat = given.longitude, given.latitude
        no_lng, no_lat = np.isnan(lng), np.isnan(lat)
        if (no_lng != no_lat).any():
            told = refusals.refused_for("longitude") | refusals.refused_for("latitude")
            pair = _pairs(lng, lat, no_lng != no_lat)
            refusals.add(no_lng & ~no_lat & ~told, "longitude", pair, ONE_COORDINATE, BOTH)
            refusals.add(no_lat & ~no_lng & ~told, "latitude", pair, ONE_COORDINATE, BOTH)
        both = ~no_lng & ~no_lat
        zero = both & (lng == 0) & (lat == 0)
        outside = both & ((np.abs(lng) > 180) | (np.abs(lat) > 90))
        swapped = both & ~zero & ~outside & self._swapped(lng, lat, given.country)
        if zero.any():
            refusals.add(zero, "longitude", None, ZERO, DEGREES)
        if outside.any():
            pair = _pairs(lng, lat, outside)
            lambert = outside & _inside(lng, lat, LAMBERT_93_BOX)
            refusals.add(lambert, "longitude", pair, LAMBERT, DEGREES)
            refusals.add(outside & ~lambert, "longitude", pair, OTHER_CRS, DEGREES)
        if swapped.any():
            everywhere = int(swapped.sum()) > 1 and bool(swapped[both].all())
            reason = ALL_SWAPPED if everywhere else SWAPPED
            refusals.add(swapped, "longitude", _pairs(lng, lat, swapped), reason, N_("longitude, puis latitude"))
        return np.asarray(both & ~zero & ~outside & ~swapped)

    def _swapped(self, lng: NDArray[np.float64], lat: NDArray[np.float64], country: pa.Array) -> Mask:
        """Outside France, but in France with the two exchanged, and no other country is claimed."""
        away = ~_in_france(lng, lat)
        if not away.any():
            return away
        french = pc.fill_null(pc.equal(country, "FR"), True).to_numpy(zero_copy_only=False)
        return np.asarray(away & _in_france(lat, lng) & french)

    def _check_communes(self, given: pa.Array, refusals: Refusals) -> tuple[pa.Array, pa.Array]:
        """Codes of today's communes, and of the municipal arrondissement when that is what was given."""
        if given.null_count == len(given):
            return given, given
        encoded = given.dictionary_encode()
        words: list[str] = encoded.dictionary.to_pylist()
        communes = pa.array([self._commune_of.get(word) for word in words], pa.string())
        districts = pa.array([word if word in self._arrondissements else None for word in words], pa.string())
        commune = communes.take(encoded.indices)
        bad = nulls(commune) & ~nulls(given)
        refusals.add(bad, "commune", given, NO_COMMUNE, A_COMMUNE)
        return commune, districts.take(encoded.indices)

    def _check_departements(self, given: pa.Array, commune: pa.Array, refusals: Refusals) -> pa.Array:
        """The département given, or that of the commune."""
        of_commune = departement_of(commune)
        if given.null_count == len(given):
            return of_commune
        known = pc.is_in(given, pa.array(sorted(self._departements)))
        bad = ~known.to_numpy(zero_copy_only=False) & ~nulls(given)
        refusals.add(bad, "departement", given, NO_DEPARTEMENT, A_DEPARTEMENT)
        other = pc.fill_null(pc.not_equal(given, of_commune), False).to_numpy(zero_copy_only=False) & ~bad
        refusals.add(other, "departement", given, OTHER_DEPARTEMENT, N_("le département de la commune, ou rien"))
        return pc.coalesce(of_commune, given)

    def check_countries(self, field: str, given: pa.Array, refusals: Refusals) -> None:
        """Refuse what is not an ISO 3166-1 alpha-2 code (or XZ, the high seas)."""
        if given.null_count == len(given):
            return
        encoded = given.dictionary_encode()
        known = np.array([code in self._countries for code in encoded.dictionary.to_pylist()] + [True])
        indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(known) - 1).to_numpy(zero_copy_only=False)
        refusals.add(~known[indices], field, given, NO_COUNTRY, A_COUNTRY)

    def _check_precision(
        self, given: Place, located: Mask, commune: pa.Array, departement: pa.Array, refusals: Refusals
    ) -> NDArray[np.int64]:
        """The precision given, or the finest one that the place bears; refuses what contradicts the place."""
        finest = np.select(
            [~nulls(commune), ~nulls(departement), ~nulls(given.country)], [COMMUNE, DEPARTEMENT, COUNTRY], UNKNOWN
        )
        stated = given.precision >= 0
        precision = np.where(stated, given.precision, np.where(located, POINT, finest))
        if not stated.any() or bool((located & (precision <= STREET)).all()):
            return precision
        labels = pa.array(list(PRECISION_CODES)).take(pa.array(precision))
        sound = stated & ~refusals.refused
        bare = sound & ~located
        refusals.add(bare & (precision <= STREET), "place_precision", labels, NEEDS_POINT, BOTH)
        missing = bare & (precision > STREET) & (precision < finest)
        refusals.add(missing, "place_precision", labels, NEEDS_PLACE, N_("le code correspondant, ou des coordonnées"))
        coarse = sound & (precision > finest) & (precision > COMMUNE) & (finest < COUNTRY)
        refusals.add(coarse, "place_precision", labels, TOO_COARSE, N_("la précision du code le plus fin"))
        return precision

    def _derive(
        self,
        given: Place,
        located: Mask,
        precision: NDArray[np.int64],
        commune: pa.Array,
        arrondissement: pa.Array,
        departement: pa.Array,
    ) -> dict[str, pa.Array]:
        lines = len(located)
        cells = pa.nulls(lines, pa.int64())
        country = pc.if_else(pc.is_null(departement), given.country, "FR")
        fine = located & (precision < len(HEXAGON_PRECISIONS))
        # A town abroad that came with its country has nothing to learn from geometry.
        foreign = pc.fill_null(pc.not_equal(given.country, "FR"), False).to_numpy(zero_copy_only=False)
        located = located & (fine | ~foreign)
        if located.any():
            rows = None if located.all() else np.flatnonzero(located)
            lng, lat = (a if rows is None else a[rows] for a in (given.longitude, given.latitude))
            places = self._reference.locate(np.ascontiguousarray(lng), np.ascontiguousarray(lat))
            spread = _Spread(located, rows)
            cells = pc.if_else(pa.array(fine), spread(pa.array(np.asarray(places.cells), pa.int64())), cells)
            found = {name: _codes(getattr(places, name)) for name in LOCATED}
            if fine.all():
                return self._all_points(given, precision, cells, found)
            found = {name: spread(as_text(codes)) for name, codes in found.items()}
            commune = _choose(fine, precision <= COMMUNE, found["communes"], commune)
            arrondissement = _choose(fine, precision <= COMMUNE, found["arrondissements"], arrondissement)
            departement = _choose(fine, precision <= DEPARTEMENT, found["departements"], departement)
            departement = pc.coalesce(departement_of(commune), departement)
            seen, told = found["countries"], given.country
            abroad = pc.if_else(pa.array(fine), pc.coalesce(seen, told), pc.coalesce(told, seen))
            country = pc.if_else(pc.is_null(departement), abroad, "FR")
        return _columns(given, precision, commune, departement, country, cells, arrondissement)

    @staticmethod
    def _all_points(
        given: Place, precision: NDArray[np.int64], cells: pa.Array, found: dict[str, pa.Array]
    ) -> dict[str, pa.Array]:
        """The usual chunk, all points: its codes are the geography's, still dictionaries."""
        country = found["countries"]
        if country.null_count and given.country.null_count < len(cells):
            country = pc.coalesce(as_text(country), given.country)  # at sea: the country given, or XZ
        parts = (found["communes"], found["departements"], country, cells, found["arrondissements"])
        return _columns(given, precision, *parts)


def _columns(
    given: Place,
    precision: NDArray[np.int64],
    commune: pa.Array,
    departement: pa.Array,
    country: pa.Array,
    cells: pa.Array,
    arrondissement: pa.Array,
) -> dict[str, pa.Array]:
    """The schema's place columns."""
    codes = pa.array(precision.astype(np.int16))
    return {
        "longitude": masked(given.longitude, np.isnan(given.longitude), pa.float64()),
        "latitude": masked(given.latitude, np.isnan(given.latitude), pa.float64()),
        "place_precision": pa.DictionaryArray.from_arrays(codes, pa.array(list(PRECISION_CODES))),
        "commune": commune,
        "departement": departement,
        "country": country,
        "cell": cells,
        "arrondissement": arrondissement,
    }


LOCATED = ("communes", "arrondissements", "departements", "countries")


class _Spread:
    """Puts values of the located lines back at their place among all lines, null elsewhere."""

    def __init__(self, located: Mask, rows: NDArray[np.intp] | None) -> None:
        self._indices = None if rows is None else pa.array(np.cumsum(located) - 1, pa.int64(), mask=~located)

    def __call__(self, values: pa.Array) -> pa.Array:
        return values if self._indices is None else values.take(self._indices)


def _choose(fine: Mask, may_fill: Mask, found: pa.Array, given: pa.Array) -> pa.Array:
    """The point's own code where the point is fine; the code given elsewhere, filled where the precision allows."""
    if fine.all():
        return found
    filled = pc.if_else(pa.array(may_fill), pc.coalesce(given, found), given)
    return pc.if_else(pa.array(fine), found, filled)


def _codes(values: Any) -> pa.Array:
    """Codes from the geography as Arrow, dictionaries as they are."""
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string(), from_pandas=True)


def _former_communes(reference: Reference) -> dict[str, str]:
    """Codes that no longer exist → today's commune, when the geography knows them."""
    former = getattr(reference, "commune_today", None)
    return {str(code): str(today) for code, today in former.items()} if isinstance(former, dict) else {}


def city_of_arrondissement(code: str) -> str:
    """The commune of a municipal arrondissement.

    >>> city_of_arrondissement("13201")
    '13055'
    """
    return next(city for prefix, city in CITY_OF_ARRONDISSEMENT.items() if code.startswith(prefix))


def departement_of(communes: pa.Array) -> pa.Array:
    """INSEE code of the département, from that of the commune: its first two characters, three overseas."""
    encoded = communes if pa.types.is_dictionary(communes.type) else communes.dictionary_encode()
    codes = encoded.dictionary
    overseas = pc.starts_with(codes, "97")
    departements = pc.if_else(overseas, pc.utf8_slice_codeunits(codes, 0, 3), pc.utf8_slice_codeunits(codes, 0, 2))
    return departements.take(encoded.indices)


def _inside(lng: NDArray[np.float64], lat: NDArray[np.float64], box: tuple[float, float, float, float]) -> Mask:
    west, south, east, north = box
    return np.asarray((lng >= west) & (lng <= east) & (lat >= south) & (lat <= north))


def _in_france(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> Mask:
    inside = np.zeros(len(lng), dtype=bool)
    for box in FRANCE_BOXES:
        inside |= _inside(lng, lat, box)
    return inside


def _pairs(lng: NDArray[np.float64], lat: NDArray[np.float64], rows: Mask) -> pa.Array:
    """« longitude ; latitude » as given, of the lines at fault only."""
    texts: list[str | None] = [None] * len(lng)
    for row in np.flatnonzero(rows):
        texts[row] = " ; ".join("…" if np.isnan(value) else f"{value:.10g}" for value in (lng[row], lat[row]))
    return pa.array(texts, pa.string())
