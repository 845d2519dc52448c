"""The reference geography in use: what lies where, who lives there, and which communes make up which territory."""

from __future__ import annotations

import logging
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray

import geo.cells
import geo.territories
from data.cache import cache_folder, digest_of, store_file
from data.errors import QueryError
from data.lists import Lists, lists_folder, read_lists
from data.places import Codes, Countries, Places
from data.query import TERRITORY_KINDS, Territory, TerritoryKind
from data.reference import FOLDER
from data.store import Ground, Membership, Progress
from data.zonings import Zoning, read_zonings
from geo.errors import N_, GeometryError
from geo.population import PopulatedArea
from geo.territories import TerritoryIndex

Area: TypeAlias = shapely.Polygon | shapely.MultiPolygon

logger = logging.getLogger(__name__)

THREADS = 2  # that share the work of locating
CACHE_LAYOUT = 1  # raise it when the same files give other results
# A territory's population is the sum of its communes'; unknown when more than this share of them have none.
UNKNOWN_COMMUNES_SHARE = 0.01
UNKNOWN_AREA_SHARE = 0.1  # the same for a hexagon: of its area in communes without a known population
OVERSEAS_ZONES = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "976": "Indian/Mayotte",
}


def read_reference(name: str) -> gpd.GeoDataFrame:
    return gpd.read_parquet(FOLDER / f"{name}.parquet")


class Geography:
    """Read once and never changed; frames are read when first asked for. Safe to share between threads.

    Args:
        lists: Folder of the lists a user may edit (default: `HEXACROSS_LISTS`, otherwise the packaged ones).

    Raises `ReferenceListError` where a list contradicts the geography or itself.
    """

    def __init__(self, lists: Path | None = None) -> None:
        self._lists_folder = lists or lists_folder()

    # ---- what the files hold

    @cached_property
    def communes(self) -> gpd.GeoDataFrame:
        """34,875 rows: code, name, departement, region, epci, population, drawn_with, lng, lat, geometry."""
        return read_reference("communes")

    @cached_property
    def arrondissements(self) -> gpd.GeoDataFrame:
        """45 rows, of Paris, Lyon and Marseille: code, name, commune, population, geometry."""
        return read_reference("arrondissements")

    @cached_property
    def departements(self) -> gpd.GeoDataFrame:
        """101 rows: code, name, region, prefecture, population, communes_without_population, geometry."""
        return read_reference("departements")

    @cached_property
    def regions(self) -> gpd.GeoDataFrame:
        """18 rows: code, name, population, communes_without_population, geometry."""
        return read_reference("regions")

    @cached_property
    def countries(self) -> gpd.GeoDataFrame:
        """244 rows: iso_a2, part_of, name_fr, name_en, lng, lat (label), geometry at 1:50 million."""
        return read_reference("countries")

    @cached_property
    def ports(self) -> gpd.GeoDataFrame:
        """World Port Index: number, name, country, unlocode, size, lng, lat, geometry."""
        return read_reference("ports")

    @cached_property
    def airports(self) -> gpd.GeoDataFrame:
        """Airports with an IATA code: iata, icao, name, city, country, lng, lat, geometry."""
        return read_reference("airports")

    @cached_property
    def collectivites(self) -> pd.DataFrame:
        """The six overseas collectivités outside the communes' table: code, name, country, seat, place, time zone."""
        return read_collectivites()

    @cached_property
    def epci(self) -> pd.DataFrame:
        """1,253 rows: code, name, kind, population."""
        table = pd.read_parquet(FOLDER / "epci.parquet")
        return table.assign(population=self._populations("epci", table["code"]))

    @cached_property
    def lists(self) -> Lists:
        """Antennas and CROSS."""
        return read_lists(self._lists_folder)

    @cached_property
    def zonings(self) -> tuple[Zoning, ...]:
        """Other definitions of an urban area, when INSEE's tables lie in the folder of the lists."""
        return read_zonings(self._lists_folder, set(self.communes["code"]), self.commune_today)

    @cached_property
    def commune_today(self) -> dict[str, str]:
        """Codes of communes merged since → the commune of today they are part of."""
        table = pd.read_parquet(FOLDER / "successors.parquet")
        return dict(zip(table["code"], table["commune"], strict=True))

    # ---- where a point is

    @cached_property
    def units(self) -> gpd.GeoDataFrame:
        """The finest units, that tile France: communes, and the arrondissements in place of the three cities.

        Columns: code, commune, arrondissement (null for communes), departement, population, geometry. The
        population of the few communes without polygon is counted in the unit that they are drawn with.
        """
        communes, parts = self.communes, self.arrondissements
        population = communes["population"].groupby(self._drawn_as.to_numpy()).sum(min_count=1)
        whole = communes[communes.geometry.notna() & ~communes["code"].isin(parts["commune"])]
        above = parts["commune"].map(communes.set_index("code")["departement"])
        rows = pd.DataFrame(
            {
                "code": pd.concat([whole["code"], parts["code"]]),
                "commune": pd.concat([whole["code"], parts["commune"]]),
                "arrondissement": pd.concat([pd.Series(index=whole.index, dtype="str"), parts["code"]]),
                "departement": pd.concat([whole["departement"], above]),
                "population": pd.concat([whole["code"].map(population), parts["population"]]).astype("Int64"),
                "geometry": pd.concat([whole["geometry"], parts["geometry"]]),
            }
        )
        return gpd.GeoDataFrame(rows.sort_values("code").reset_index(drop=True), crs="EPSG:4326")

    @property
    def index_path(self) -> Path:
        """Where the territory table is kept: another geography or another version of Hexacross has another name."""
        digest = digest_of([FOLDER / "communes.parquet", FOLDER / "arrondissements.parquet"])
        return cache_folder() / f"territories-{version('hexacross')}-{CACHE_LAYOUT}-{digest}.npz"

    @cached_property
    def index(self) -> TerritoryIndex:
        """Which unit holds a point. Built the first time (tens of seconds), then read from the cache."""
        path = self.index_path
        if path.exists():
            try:
                return TerritoryIndex.load(path)
            except (OSError, GeometryError) as error:
                logger.warning("cached territory table is damaged, built again: %s (%s)", path, error)
        index = TerritoryIndex.build(self.units.geometry.to_numpy(dtype=object))
        store_file(path, index.save)
        return index

    def locate(self, lng: NDArray[np.float64], lat: NDArray[np.float64]) -> Places:
        """Cell and exact territories of points (degrees WGS 84, shape (n,); NaN: no place).

        Raises `GeometryError` for coordinates that are not degrees.
        """
        lng, lat = np.asarray(lng, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        cells = geo.cells.cells_at(lng, lat)
        units = self.index.locate(lng, lat, cells, threads=THREADS)
        communes, arrondissements, departements = self._codes_of_units
        return Places(
            cells=cells,
            communes=communes.take(units),
            arrondissements=arrondissements.take(units),
            departements=departements.take(units),
            countries=self._countries(lng, lat, units, cells),
        )

    def communes_at(self, lng: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Row in `communes` of the commune at each point (degrees WGS 84, shape (n,)); -1: none."""
        units = self.index.locate(lng, lat, geo.cells.cells_at(lng, lat), threads=THREADS)
        return np.where(units < 0, -1, self._commune_of_unit[units])

    @cached_property
    def _commune_of_unit(self) -> NDArray[np.int64]:
        rows = pd.Index(self.communes["code"].astype(str)).get_indexer(pd.Index(self.units["commune"].astype(str)))
        return np.asarray(rows, dtype=np.int64)

    def _countries(
        self, lng: NDArray[np.float64], lat: NDArray[np.float64], units: NDArray[np.int32], cells: NDArray[np.int64]
    ) -> pa.DictionaryArray:
        indices = np.where(units < 0, -1, 0).astype(np.int32)
        outside = np.flatnonzero((units < 0) & (cells != 0))
        if outside.size:
            indices[outside] = self._world.locate(lng[outside], lat[outside])
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), pa.array(self._world.codes))

    @cached_property
    def _world(self) -> Countries:
        return Countries(self.countries)

    @cached_property
    def _codes_of_units(self) -> tuple[Codes, Codes, Codes]:
        units = self.units
        return Codes(units["commune"]), Codes(units["arrondissement"]), Codes(units["departement"])

    # ---- which communes make up which territory

    @cached_property
    def _members(self) -> dict[TerritoryKind, pd.DataFrame]:
        """`code`, `commune` for every kind made of communes."""
        communes = self.communes
        kinds: dict[TerritoryKind, pd.DataFrame] = {
            "commune": pd.DataFrame({"code": communes["code"], "commune": communes["code"]})
        }
        for kind in ("epci", "departement", "region"):
            pairs = communes[[kind, "code"]].dropna()
            kinds[kind] = pairs.set_axis(["code", "commune"], axis=1).sort_values(["code", "commune"])
        kinds["antenna"] = self._join(
            [(antenna.code, code) for antenna in self.lists.antennas for code in antenna.departements],
            {str(code): group.to_list() for code, group in communes.groupby("departement")["code"]},
        )
        in_epci = {str(code): group.to_list() for code, group in communes.groupby("epci")["code"]}
        kinds["cross"] = self._join(
            [(cross.code, code) for cross in self.lists.cross for code in cross.area],
            in_epci | {code: [code] for code in communes["code"]},
        )
        for zoning in self.zonings:
            kinds[zoning.kind] = pd.DataFrame({"code": zoning.codes, "commune": zoning.communes})
        return kinds

    @staticmethod
    def _join(parts: list[tuple[str, str]], communes_of: dict[str, list[str]]) -> pd.DataFrame:
        pairs = {(code, commune) for code, part in parts for commune in communes_of.get(part, ())}
        return pd.DataFrame(sorted(pairs), columns=["code", "commune"], dtype="str")

    def touching(self, kind: TerritoryKind, territory: Territory | None) -> frozenset[str]:
        """Codes of the territories of a kind that share a commune with a territory; None: all made of communes."""
        if (kind, territory) not in self._touching:
            self._touching[kind, territory] = self._find_touching(kind, territory)
        return self._touching[kind, territory]

    @cached_property
    def _touching(self) -> dict[tuple[TerritoryKind, Territory | None], frozenset[str]]:
        return {}

    def _find_touching(self, kind: TerritoryKind, territory: Territory | None) -> frozenset[str]:
        members = self._members[kind]
        if territory is None:
            return frozenset(members["code"])
        if territory.kind == "arrondissement":
            parts = self.arrondissements
            communes = parts["commune"][parts["code"] == territory.code]
        else:
            known = self._members[territory.kind]
            communes = known["commune"][known["code"] == territory.code]
        return frozenset(members["code"][members["commune"].isin(communes)])

    def memberships(self) -> list[Membership]:
        """Every kind that is made of communes, in the order of `TERRITORY_KINDS`, sorted by code and commune."""
        return [
            Membership(kind, tuple(self._members[kind]["code"]), tuple(self._members[kind]["commune"]))
            for kind in TERRITORY_KINDS
            if kind in self._members
        ]

    def territories(self, kind: TerritoryKind) -> pd.DataFrame:
        """Code, name, population (float, NaN: unknown), status, assumed, seat_lng, seat_lat; in the list's order.

        `status` is empty but for CROSS (operating, installing). `assumed`: the perimeter or seat is not published.
        The population is the sum of the communes', NaN when over 1 % of them have none. Empty frame: a zoning that was
        not imported. Raises `QueryError` for what is not a kind.
        """
        if kind not in TERRITORY_KINDS:
            raise QueryError(N_("« {given} » n'est pas un type de territoire."), given=kind)
        if kind not in self._territories:
            self._territories[kind] = self._list_territories(kind)
        return self._territories[kind].copy()

    @cached_property
    def _territories(self) -> dict[TerritoryKind, pd.DataFrame]:
        return {}

    def _list_territories(self, kind: TerritoryKind) -> pd.DataFrame:
        table = self._named(kind)
        place = self._seats.reindex(table["seat"]) if "seat" in table else pd.DataFrame(index=table.index)
        return pd.DataFrame(
            {
                "code": table["code"],
                "name": table["name"],
                "population": self._populations(kind, table["code"]),
                "status": table.get("status", ""),
                "assumed": table.get("assumed", False),
                "seat_lng": place["lng"].to_numpy() if "lng" in place else np.nan,
                "seat_lat": place["lat"].to_numpy() if "lat" in place else np.nan,
            }
        )

    def _named(self, kind: TerritoryKind) -> pd.DataFrame:
        """`code` and `name`, and what else is known of that kind: `seat`, `status`, `assumed`."""
        if kind == "commune":
            return self.communes[["code", "name"]].assign(seat=self.communes["code"])
        if kind == "arrondissement":
            return self.arrondissements[["code", "name"]].assign(seat=self.arrondissements["code"])
        if kind == "departement":
            return self.departements[["code", "name"]].assign(seat=self.departements["prefecture"])
        if kind == "region":
            return self.regions[["code", "name"]]
        if kind == "epci":
            return self.epci[["code", "name"]]
        if kind == "cross":
            rows = [(row.code, row.name, row.seat, row.assumed, row.status) for row in self.lists.cross]
            return pd.DataFrame(rows, columns=["code", "name", "seat", "assumed", "status"])
        if kind == "antenna":
            offices = [(row.code, row.name, row.seat, row.assumed) for row in self.lists.antennas]
            return pd.DataFrame(offices, columns=["code", "name", "seat", "assumed"])
        names = next((zoning.names for zoning in self.zonings if zoning.kind == kind), {})
        return pd.DataFrame({"code": list(names), "name": list(names.values())}, dtype="str")

    @cached_property
    def _seats(self) -> pd.DataFrame:
        """Where a commune's name stands (lng, lat), by code; arrondissements and chief towns overseas included."""
        points = self.arrondissements.geometry.representative_point()
        parts = pd.DataFrame({"code": self.arrondissements["code"], "lng": points.x, "lat": points.y})
        overseas = self.collectivites[["seat", "lng", "lat"]].rename(columns={"seat": "code"})
        return pd.concat([self.communes[["code", "lng", "lat"]], parts, overseas]).set_index("code")

    def _populations(self, kind: TerritoryKind, codes: pd.Series[str]) -> pd.Series[float]:
        if kind == "arrondissement":
            return self.arrondissements["population"].astype(float)
        if kind == "epci":  # asked for by `epci`, that must not need the lists
            members = pd.DataFrame(self.communes[["epci", "code"]].dropna()).set_axis(["code", "commune"], axis=1)
        elif kind in self._members:
            members = self._members[kind]
        else:
            return pd.Series(np.nan, index=codes.index)
        known = self.communes.set_index("code")["population"].astype(float)
        groups = members["commune"].map(known).groupby(members["code"])
        missing = 1 - groups.count() / groups.size()
        return codes.map(groups.sum().where(missing <= UNKNOWN_COMMUNES_SHARE))

    def name(self, territory: Territory) -> str:
        """Its name in French. Raises `QueryError` for an unknown territory."""
        names = self._names.get(territory.kind)
        if names is None:
            names = self._names[territory.kind] = dict(self.territories(territory.kind)[["code", "name"]].to_numpy())
        if territory.code not in names:
            raise QueryError(N_("Territoire inconnu : {kind} « {given} »."), kind=territory.kind, given=territory.code)
        return str(names[territory.code])

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        return {}

    def perimeter(self, territory: Territory) -> Area:
        """Its outline, degrees WGS 84. Raises `QueryError` for an unknown territory.

        Collectivités of an antenna's jurisdiction are drawn as the map of the world draws them.
        """
        self.name(territory)
        if territory not in self._perimeters:
            self._perimeters[territory] = self._union(territory)
        return self._perimeters[territory]

    @cached_property
    def _perimeters(self) -> dict[Territory, Area]:
        return {}

    def _union(self, territory: Territory) -> Area:
        kind, code = territory
        ready = {"arrondissement": "arrondissements", "departement": "departements", "region": "regions"}
        if kind in ready:
            frame = getattr(self, ready[kind])
            return cast("Area", frame.geometry[frame["code"] == code].iloc[0])
        overseas = self._collectivites_of(code) if kind == "antenna" else []
        members = self._members[kind]
        drawn = self._drawn_as.reindex(members["commune"][members["code"] == code]).dropna().unique()
        land = shapely.coverage_union_all(self._shapes.reindex(drawn).dropna().to_numpy(dtype=object))
        return cast("Area", shapely.union_all([land, *overseas]) if overseas else land)

    def _collectivites_of(self, antenna: str) -> list[shapely.Geometry]:
        departements = next(row.departements for row in self.lists.antennas if row.code == antenna)
        countries = self.collectivites["country"][self.collectivites["code"].isin(departements)]
        return list(self.countries.geometry[self.countries["iso_a2"].isin(countries)])

    @cached_property
    def _drawn_as(self) -> pd.Series[str]:
        """By commune, the one whose polygon draws it: itself, but for the few that have none."""
        communes = self.communes
        return communes["drawn_with"].fillna(communes["code"]).set_axis(communes["code"])

    @cached_property
    def _shapes(self) -> pd.Series:
        """Polygon by commune; of the commune they are drawn with for the few that have none."""
        shapes = pd.Series(self.communes.geometry.to_numpy(), index=self.communes["code"])
        drawn = self.communes.set_index("code")["drawn_with"].dropna()
        shapes[drawn.index] = shapes[drawn].to_numpy()
        return shapes

    # ---- who lives there

    def population_of(self, cells: NDArray[np.int64]) -> NDArray[np.float64]:
        """Inhabitants of hexagons, shape (n,): communes', spread evenly over their area; 0 where nobody can live.

        NaN where over a tenth of the hexagon lies in communes without a known population.
        """
        return self._populated.population_of(cells)

    def population_in(self, area: shapely.Geometry) -> float:
        """Inhabitants of an area, degrees WGS 84, as `population_of` counts them."""
        return self._populated.population_in(area)

    def ground_of(self, area: shapely.Geometry) -> Ground:
        """What an area touches, degrees WGS 84."""
        touched = self.communes[self._drawn_as.isin(self._touched(self.communes, area)["code"]).to_numpy()]
        countries = self._touched(self.countries, area)
        named = {*countries["iso_a2"], *countries["part_of"].dropna()} - {""}
        return Ground(tuple(sorted(touched["code"])), tuple(sorted(set(touched["departement"]))), tuple(sorted(named)))

    @staticmethod
    def _touched(known: gpd.GeoDataFrame, area: shapely.Geometry) -> gpd.GeoDataFrame:
        return known.iloc[known.sindex.query(area, predicate="intersects")]

    @cached_property
    def _populated(self) -> PopulatedArea:
        population = self.units["population"].to_numpy(dtype=np.float64, na_value=np.nan)
        return PopulatedArea(self.units.geometry.to_numpy(dtype=object), population, UNKNOWN_AREA_SHARE)


@lru_cache(maxsize=1)
def geography() -> Geography:
    """The geography of this process. After a list was edited: `geography.cache_clear()`."""
    return Geography()


@lru_cache(maxsize=1)
def read_collectivites() -> pd.DataFrame:
    table = pd.read_csv(FOLDER / "collectivites.csv", sep=";", dtype="str", encoding="utf-8-sig")
    return table.astype({"lng": float, "lat": float})


@cache
def time_zone_of(departement: str) -> str:
    """IANA time zone of a département or collectivité, by code; Paris for the mainland and Corsica.

    >>> time_zone_of("974")
    'Indian/Reunion'
    """
    if departement in OVERSEAS_ZONES:
        return OVERSEAS_ZONES[departement]
    zones = read_collectivites().set_index("code")["time_zone"]
    return str(zones.get(departement, "Europe/Paris"))


def prepare(progress: Progress | None = None) -> None:
    """Make what is computed once and kept: the territory table."""
    if progress:
        progress(0, 1)
    geography().index  # noqa: B018 -- a cached property: reading it builds it
    if progress:
        progress(1, 1)
