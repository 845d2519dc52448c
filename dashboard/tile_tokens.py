"""The token of a tile's address: what is looked at and by whom, signed, for some hours.

A tile's address is short and the same for all who look at the same thing; it cannot be changed into a question that was
not asked through the door. The key lives as long as the process: after a restart, readers ask for a new token.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from dashboard.view import View
from data.query import TERRITORY_KINDS, Territory, Viewer
from geo.errors import N_, HexacrossError

VALID_S = 12 * 3600
LONGEST = 4_000  # characters; a view with every filter set takes a few hundred


class TokenError(HexacrossError, PermissionError):
    """A token that is not ours, or no longer valid."""


def tiled(view: View) -> View:
    """A view without what changes no tile and no class: pinned hexagon, drawn zone, language, step.

    Territories beside it stay: their classes are common.
    """
    shown = replace(view, cell=None, zone=None, language=None, step=None)
    return replace(shown, curves=None, published=None)


def counting(viewer: Viewer) -> Viewer:
    """Who looks at tiles: they count, and show no single fact."""
    return replace(viewer, sees_events=False)


class TileTokens:
    """Makes tokens and reads them again."""

    def __init__(self) -> None:
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="hexacross.tiles")

    def make(self, view: View, viewer: Viewer) -> str:
        """The token of a dated view, which reads no single fact."""
        held = None if viewer.territories is None else sorted(f"{kind}:{code}" for kind, code in viewer.territories)
        return self._signer.dumps([tiled(view).to_params(), viewer.name, viewer.role, held, viewer.threshold])

    def read(self, token: str) -> tuple[View, Viewer]:
        """The view and the viewer of a token of ours.

        Raises:
            TokenError: Forged, cut short, of an earlier process, or expired.
        """
        try:
            content: Any = self._signer.loads(token[:LONGEST], max_age=VALID_S)
        except SignatureExpired as error:
            raise TokenError(N_("Cette adresse de tuiles a expiré : redemander la description de la vue.")) from error
        except BadData as error:
            raise TokenError(
                N_("Adresse de tuiles sans clé valable : redemander la description de la vue, qui en donne une.")
            ) from error
        params, name, role, held, threshold = content
        view, _ignored = View.from_params(params)
        territories = None if held is None else frozenset(_territory(text) for text in held)
        return view, counting(Viewer(name, role, territories, threshold))


def _territory(text: str) -> Territory:
    kind, _colon, code = text.partition(":")
    return Territory(next(known for known in TERRITORY_KINDS if known == kind), code)
