"""What is said of territories that a viewer has no right to, or to a part of them only (`data/rights.py`)."""

from __future__ import annotations

from dashboard import format as fmt
from dashboard.i18n import ngettext
from geo.errors import N_

BEYOND = N_("hors de vos droits")


def left_out(territories: int) -> list[str]:
    """One sentence, where some are not in a list; none, where all are."""
    if not territories:
        return []
    words = ngettext(
        "{n} territoire est hors de vos droits, et n'est pas montré.",
        "{n} territoires sont hors de vos droits, et ne sont pas montrés.",
        territories,
    )
    return [words.format(n=fmt.number(territories))]
