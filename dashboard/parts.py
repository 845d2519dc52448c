"""What stands beside the map and may come a moment later, each part fetched by the page when it is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape

from dashboard.context import Context, viewer_of
from dashboard.following import Parts
from dashboard.i18n import _, translate_error
from dashboard.latest_part import latest_html
from dashboard.panels import sentence_html
from dashboard.rhythm_part import rhythm_html
from dashboard.silence_part import silence_parts
from dashboard.view import View
from dashboard.where_part import where_html
from data.errors import QueryError
from data.query import Viewer

# By the name in the address.
PARTS: dict[str, Callable[[Context, Viewer, View], Parts]] = {
    "latest": lambda held, viewer, view: {"latest": latest_html(held, viewer, view)},
    "where": lambda held, viewer, view: {"where": where_html(held, viewer, view)},
    "rhythm": lambda held, viewer, view: {"rhythm": rhythm_html(held, viewer, view)},
    "silences": silence_parts,
}


def part_json(name: str) -> Callable[[Context, View], bytes]:
    """The answer of `GET /parties/<name>`, of a dated view. Raises StoreError."""

    def make(held: Context, view: View) -> bytes:
        try:
            parts = PARTS[name](held, viewer_of(held.settings), view)
        except QueryError as error:  # a view of which this cannot be told; the others do not depend on it
            parts = {name: sentence_html(translate_error(error))}
        return json.dumps({"parts": parts}, ensure_ascii=False).encode()

    make.__name__ = f"part_{name}"  # answers are kept under it
    return make


def waiting_html() -> str:
    """What stands in the place of a part that has not come."""
    return f'<p class="hx-sentence hx-waiting">{escape(_("Calcul en cours…"))}</p>'
