"""`hexacross wall`: check the script of a wall screen before a room sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboard import format as fmt
from dashboard.console import answers
from dashboard.french_help import FrenchTyper
from dashboard.i18n import _, set_language
from dashboard.settings import settings_from
from dashboard.wall_sight import EASE_ARCMIN, LEAST_ARCMIN

wall_app = FrenchTyper(help="Les écrans muraux : vérifier leurs scripts.")


@wall_app.callback()
def only_group() -> None:
    """Keep `check` a command of its own, though it is the only one."""


@wall_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Script de mur, en TOML.", metavar="FICHIER")],
) -> None:
    """Vérifier un script de mur ; toutes les anomalies d'un coup, avec leur ligne et leur scène."""
    settings = settings_from()
    set_language(settings.language)
    from dashboard.wall_script import read_script, wall_folders
    from data.geography import geography

    script = read_script(file, (file.resolve().parent, *wall_folders(settings.walls)), geography())
    screen = script.screen
    answers.print(
        _("{name} : {scenes} scènes, {duration} le tour.").format(
            name=script.name,
            scenes=len(script.scenes),
            duration=fmt.duration(sum(scene.seconds for scene in script.scenes)),
        ),
        markup=False,
    )
    answers.print(
        _(
            "Écran de {inches} pouces vu à {metres} m : capitales de {ease} mm (20′), jamais moins de {least} mm"
            " (16′) ; {letters} lettres par ligne. Ce qui ne tient pas passe à la scène suivante."
        ).format(
            inches=fmt.number(screen.diagonal_in),
            metres=fmt.number(screen.distance_m, 1),
            ease=fmt.number(screen.capital_mm(EASE_ARCMIN)),
            least=fmt.number(screen.capital_mm(LEAST_ARCMIN)),
            letters=screen.letters,
        ),
        markup=False,
    )
