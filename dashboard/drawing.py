"""A zone drawn on the map, as an address carries it: `cercle:lat,lng,rayon` or `polygone:lat,lng,lat,lng,…`.

Degrees WGS 84, latitude first as people say it; the radius in metres. The polygon's last point joins the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import shapely

from data.errors import QueryError
from geo.drawn import circle, on_the_earth, on_the_map, surface_km2
from geo.errors import N_
from geo.tiles import MERCATOR_LATITUDE

CIRCLE, POLYGON = "cercle", "polygone"
MOST_POINTS = 200
RADII_M = (10.0, 500_000.0)
SURFACES_KM2 = (0.0001, 1_000_000.0)  # 100 m², and twice France
NUMBER = re.compile(r"-?\d{1,8}(\.\d{1,12})?")  # no exponent, no infinity, no "nan"


@dataclass(frozen=True, slots=True)
class Drawing:
    """`text`: as in the address, written our way. `area`: degrees WGS 84, of short edges."""

    text: str
    area: shapely.Polygon
    surface_km2: float


def read_drawing(text: str) -> Drawing:
    """The zone of an address.

    Raises:
        QueryError: Anything else than one circle or one polygon that lies on the map and does not cross itself.
    """
    kind, _colon, rest = text.strip().partition(":")
    if kind not in (CIRCLE, POLYGON):
        raise _unreadable(text)
    parts = rest.split(",")
    if kind == POLYGON:
        _check_count(len(parts) / 2)
    if (len(parts) != 3 if kind == CIRCLE else len(parts) % 2) or not all(map(NUMBER.fullmatch, parts)):
        raise _unreadable(text)
    numbers = [float(part) for part in parts]
    return _circle(*numbers) if kind == CIRCLE else _polygon(numbers[::2], numbers[1::2])


def _circle(lat: float, lng: float, radius_m: float) -> Drawing:
    _check_on_the_map([lat], [lng])
    low, high = RADII_M
    if not low <= radius_m <= high:
        raise QueryError(
            N_("Rayon de {given} m : attendu de {low} m à {high} km."),
            given=f"{radius_m:g}",
            low=f"{low:g}",
            high=f"{high / 1000:g}",
        )
    around_lng, around_lat = circle(lng, lat, radius_m)
    if np.abs(around_lat).max() > MERCATOR_LATITUDE or abs(lat) + radius_m / 110_000 > 90:
        raise _off_the_map(f"{np.abs(around_lat).max():.2f}")
    if np.abs(around_lng).max() > 180:
        raise _across_the_antimeridian()
    return _drawing(f"{CIRCLE}:{_point(lat, lng)},{radius_m:.0f}", around_lng.tolist(), around_lat.tolist())


def _polygon(lats: list[float], lngs: list[float]) -> Drawing:
    _check_on_the_map(lats, lngs)
    points = list(zip(lats, lngs, strict=True))
    points = [point for before, point in zip([None, *points], points, strict=False) if point != before]
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    _check_count(len(points))
    following = [*points[1:], points[0]]
    if any(abs(to[1] - start[1]) > 180 for start, to in zip(points, following, strict=True)):
        raise _across_the_antimeridian()
    text = f"{POLYGON}:{','.join(_point(*point) for point in points)}"
    return _drawing(text, [lng for _, lng in points], [lat for lat, _ in points])


def _drawing(text: str, lngs: list[float], lats: list[float]) -> Drawing:
    drawn = on_the_map(lngs, lats)
    if not drawn.is_valid and drawn.convex_hull.area > 0:
        raise QueryError(N_("Le contour de la zone se recoupe : tracez-le sans croisement."))
    area = on_the_earth(drawn)
    surface = abs(surface_km2(area)) if drawn.is_valid else 0.0
    low, high = SURFACES_KM2
    if not low <= surface <= high:
        raise QueryError(
            N_("Zone de {given} km² : attendu de {low} m² à {high} km²."),
            given=f"{surface:.6g}",
            low=f"{low * 1e6:g}",
            high=f"{high:.0f}",
        )
    return Drawing(text, area, surface)


def _point(lat: float, lng: float) -> str:
    """To the metre, without zeros at the end."""
    return ",".join(f"{degrees:.5f}".rstrip("0").rstrip(".") for degrees in (lat + 0.0, lng + 0.0))


def _check_count(given: float) -> None:
    if not 3 <= given <= MOST_POINTS:
        raise QueryError(
            N_("Polygone de {given} sommets : attendu de 3 à {most}."), given=f"{given:g}", most=MOST_POINTS
        )


def _check_on_the_map(lats: list[float], lngs: list[float]) -> None:
    for lat, lng in zip(lats, lngs, strict=True):
        if abs(lat) > MERCATOR_LATITUDE or abs(lng) > 180:
            raise _off_the_map(f"{lat:g},{lng:g}")


def _off_the_map(given: str) -> QueryError:
    return QueryError(
        N_("Zone hors de la carte ({given}) : attendu une latitude de -85 à 85 et une longitude de -180 à 180."),
        given=given,
    )


def _across_the_antimeridian() -> QueryError:
    return QueryError(N_("La zone passe l'antiméridien (180°) : tracez-la d'un seul côté."))


def _unreadable(text: str) -> QueryError:
    return QueryError(
        N_(
            "Zone « {given} » illisible : attendu cercle:latitude,longitude,rayon en mètres ou "
            "polygone:latitude,longitude,… de 3 à {most} points."
        ),
        given=text if len(text) <= 60 else text[:57] + "…",
        most=MOST_POINTS,
    )
