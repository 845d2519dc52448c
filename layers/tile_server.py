"""An institution's own tile server, under our borders: its address, what it asks to be cited, the zooms it has.

Without one, which is the rule, no browser asks any host but ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from geo.errors import N_
from layers.errors import LayerError

PLACEHOLDERS = ("{z}", "{x}", "{y}")
FURTHEST_ZOOM, NEAREST_ZOOM = 0, 22
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]")
_PATH = re.compile(r"[A-Za-z0-9._~!$&()*+,;=:@%/?{}-]*")  # nothing that could end a policy, an attribute or a string


@dataclass(frozen=True, slots=True)
class TileServer:
    """`url`: a template with {z}, {x}, {y}; `attribution`: plain text; zooms of the pyramid that the server has.

    Raises LayerError for a template that is none, for an empty attribution or for zooms that do not exist.
    """

    url: str
    attribution: str
    zooms: tuple[int, int] = (0, 18)

    def __post_init__(self) -> None:
        """Refuse what a browser could not ask for, or could be made to take for something else."""
        _check_url(self.url)
        if not self.attribution.strip():
            raise LayerError(N_("Serveur de tuiles sans mention de source : donnez le texte à montrer sur la carte."))
        low, high = self.zooms
        if not FURTHEST_ZOOM <= low <= high <= NEAREST_ZOOM:
            raise LayerError(
                N_("Zooms {given} : attendu deux entiers de {low} à {high}, le plus petit d'abord, comme 0-18."),
                given=f"{low}-{high}",
                low=FURTHEST_ZOOM,
                high=NEAREST_ZOOM,
            )

    @property
    def origin(self) -> str:
        """Scheme and host, with the port if there is one: what the content security policy lets images come from."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.lower()}"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets without an address
        parts = urlsplit("")
    rest = url.partition("://")[2].partition("/")[2]
    name, colon, port = parts.netloc.lower().rpartition(":")
    host = name if colon and port.isdigit() else parts.netloc.lower()
    well_formed = (
        parts.scheme in ("http", "https")
        and _HOST.fullmatch(host) is not None
        and _PATH.fullmatch(rest) is not None
        and all(rest.count(placeholder) == 1 for placeholder in PLACEHOLDERS)
        and rest.count("{") == rest.count("}") == len(PLACEHOLDERS)
    )
    if not well_formed:
        raise LayerError(
            N_(
                "Adresse de tuiles « {given} » : attendu http(s)://hôte/… avec {places} une fois chacun après l'hôte, "
                "comme https://tuiles.intra/plan/{example}.png."
            ),
            given=url[:200],
            places="{z}, {x}, {y}",
            example="{z}/{x}/{y}",
        )
