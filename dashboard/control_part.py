"""What follows the address on the page of controls: figures, the matrix and the modes, as HTML."""

from __future__ import annotations

from dashboard import panels
from dashboard.beside import trail
from dashboard.changes import previous_view
from dashboard.context import Context
from dashboard.control_figures import control_key_figures, mode_table_html, unchecked
from dashboard.control_matrix import Matrix, blind_sentence, divided_names, division_of, matrix_html, matrix_of
from dashboard.following import Followed, Parts
from dashboard.i18n import _
from dashboard.narrowed import counts_by_mode
from dashboard.recall import Reading
from dashboard.rights_words import left_out
from dashboard.view import FILTERS, View
from data.errors import StoreError
from data.query import Query, Viewer
from data.rights import beyond_rights
from data.store import ModeCounts
from data.vocabulary import KINDS_OF_FAMILY


def control_parts(held: Context, viewer: Viewer, view: View, reading: Reading) -> Parts:
    """Of a dated view. Raises StoreError, when the store does not answer and never did."""
    kind = division_of(held.geography, view)
    before = _query_before(held, viewer, view, reading)
    by_mode = counts_by_mode(held)
    held.ahead(by_mode, kind, view.query(), viewer)
    if before:
        held.ahead(by_mode, kind, before, viewer)
    try:
        without = unchecked(held, viewer, view)
    except StoreError as error:  # away: no figure of it was kept
        without, reading.error = None, error
    matrix, counts = matrix_shown(held, viewer, view, reading)
    earlier = reading.ask(by_mode, kind, before, viewer) if before else None
    return {
        "title": title_html(held, view),
        "filtered": panels.sentence_html(_filtered(view)),
        "figures": panels.figures_html(control_key_figures(counts, without)),
        "matrix": matrix_html(matrix, view, viewer)
        + panels.sentence_html(" ".join([blind_sentence(matrix), *_left_out(held, viewer, view, matrix)])),
        "modes": mode_table_html(counts, earlier),
    }


def title_html(held: Context, view: View) -> str:
    territory = held.geography.name(view.territory) if view.territory else _("France")
    return panels.title_html(_("Contrôles · {territory}").format(territory=territory), trail(view))


def matrix_shown(held: Context, viewer: Viewer, view: View, reading: Reading) -> tuple[Matrix, ModeCounts]:
    """The matrix of a dated view, and the counts by mode that it is made of. Raises StoreError."""
    kind, query = division_of(held.geography, view), view.query()
    by_mode = reading.ask(counts_by_mode(held), kind, query, viewer)
    beyond, names = beyond_rights(held.geography, kind, viewer), divided_names(held.geography, kind, view.territory)
    return matrix_of(by_mode, {code: name for code, name in names.items() if code not in beyond}), by_mode


def _filtered(view: View) -> str:
    """What filters do to "no control": it is then said of what they leave."""
    controls = KINDS_OF_FAMILY["control"]
    if (view.families and "control" not in view.families) or (view.kinds and not view.kinds & set(controls)):
        return _("Les filtres choisis écartent tous les contrôles : retirez-les pour lire cette page.")
    if any(getattr(view, name) for name, _known in FILTERS.values()):
        return _("Avec ces filtres : « aucun contrôle » veut dire aucun qui leur réponde.")
    return ""


def _left_out(held: Context, viewer: Viewer, view: View, matrix: Matrix) -> list[str]:
    """Territories of the list that no commune makes up: their facts are in the whole, and nowhere else; and those that
    the viewer has no right to: of him, what was never checked there and what he may not see would look alike."""
    table = held.geography.territories(matrix.kind)
    without = set(table["code"]) - held.geography.touching(matrix.kind, None)
    names = ", ".join(table.loc[table["code"].isin(without), "name"])
    withheld = beyond_rights(held.geography, matrix.kind, viewer)
    divided = divided_names(held.geography, matrix.kind, view.territory)
    return [
        *([_("Sans communes, donc pas à part : {names}.").format(names=names)] if without else []),
        *left_out(len(withheld.intersection(divided))),
    ]


def _query_before(held: Context, viewer: Viewer, view: View, reading: Reading) -> Query | None:
    """Of the period just before, if the store holds all of it."""
    before: Query = previous_view(view).query()
    period = reading.ask(held.kept(held.store.period), viewer)
    return None if period is None or before.start < period[0] else before


CONTROLS = Followed("/controles", control_parts)
