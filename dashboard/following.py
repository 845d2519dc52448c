"""Parts of a page that follow its address: fetched by the page's script as soon as the address changes.

Streamlit draws the same HTML a moment later, when its script has run: whoever comes first shows the new figures.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from dashboard.alert_file import state_of
from dashboard.context import Context, viewer_of
from dashboard.i18n import current_language
from dashboard.kept_answers import keep_answer
from dashboard.measures import DEFAULT_MEASURE
from dashboard.recall import Reading
from dashboard.view import DEFAULT_CLASSIFICATION, View
from data.errors import StoreError
from data.query import Viewer

Parts = dict[str, str]  # HTML by the place on the page where it stands (`data-live`)
Answer = Callable[[Context, View], bytes]


def figures_address(view: View) -> str:
    """Which view figures are of, undated: its address without what changes the map alone."""
    shown = replace(view, cell=None, zone=None, measure=DEFAULT_MEASURE, classes=DEFAULT_CLASSIFICATION)
    return replace(shown, resolution=None).address()


def answer_key(make: Answer, context: Context, view: View) -> tuple[object, ...]:
    """What an answer depends on: facts (their version stands at `VERSION`), who is looking, what is looked at,
    language, the alerts that were set, and the hour, for the ages."""
    return (
        make.__name__,
        current_language(),
        context.store.version(),
        viewer_of(context.settings),
        view.address(),
        state_of(Path(context.settings.alerts)),
        datetime.now(UTC).strftime("%Y-%m-%dT%H"),
    )


VERSION = 2  # of the store: its place in an answer's key


def stamp_html(source: str, address: str, reading: Reading) -> str:
    """What is recalled has the time too: Streamlit writes the same HTML once, and meanwhile the page's script may have
    put there what it fetched for another view."""
    recalled = f' data-recalled="{datetime.now(UTC).isoformat()}"' if reading.error is not None else ""
    return f'data-from="{source}" data-of="{escape(address, quote=True)}"{recalled}'


@dataclass(frozen=True, slots=True)
class Followed:
    """The parts of one page, "title" and "figures" among them, of the same view.

    `path`: of the page; `make`: from a dated view; what it asks through the reading may be recalled.
    """

    path: str
    make: Callable[[Context, Viewer, View, Reading], Parts]

    @property
    def answer(self) -> Answer:
        """What `GET <page>/chiffres` answers. Raises StoreError: what is recalled is no news."""

        def parts_json(held: Context, view: View) -> bytes:
            reading = Reading(held.recall)
            parts = self.make(held, viewer_of(held.settings), view, reading)
            if reading.error is not None:
                raise reading.error
            return json.dumps({"parts": parts}, ensure_ascii=False).encode()

        parts_json.__name__ = f"figures of {self.path}"  # answers are kept under it
        return parts_json

    @property
    def source(self) -> str:
        return f"{self.path}/chiffres"

    def stamp(self, asked: View, reading: Reading) -> str:
        """Attributes of the title and of the figures: of which view they are, and where those of others are."""
        return stamp_html(self.source, figures_address(asked), reading)

    def parts(self, held: Context, viewer: Viewer, view: View, reading: Reading) -> Parts:
        """The same for the page's own script, which mostly finds them made; recalled, or unknown, in an outage."""
        answer, view = self.answer, replace(view, zone=None)

        def kept(view: View) -> Parts:
            key = answer_key(answer, held, view)
            parts: Parts = json.loads(gzip.decompress(keep_answer(held, key, lambda: answer(held, view))))["parts"]
            return parts

        kept.__name__ = answer.__name__
        try:
            return reading.ask(kept, view)
        except StoreError:  # not as a whole: some of them may be known from other views
            return self.make(held, viewer, view, reading)
