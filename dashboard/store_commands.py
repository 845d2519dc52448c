"""`hexacross store`: prepare a server's database, verify a store, copy it, and a private server for development."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from dashboard.console import answers, messages, progress_bar
from dashboard.french_help import FrenchTyper
from dashboard.i18n import _, set_language
from dashboard.settings import settings_from
from data.opening import open_store, store_name

if TYPE_CHECKING:
    from data.transfer import Transferable
    from data.verify import Check

DEVELOPMENT_DATABASE = "hexacross"
DEVELOPMENT_FOLDER = Path("var/postgres")

store_app = FrenchTyper(help="La base : préparer un serveur PostgreSQL, vérifier, copier.")

Address = Annotated[
    str | None,
    typer.Argument(help="Fichier DuckDB ou postgresql://… ; sinon HEXACROSS_STORE.", metavar="[BASE]"),
]


def _address(given: str | None) -> str:
    settings = settings_from()
    set_language(settings.language)
    return given or settings.store


def _open(url: str) -> Transferable:
    return cast("Transferable", open_store(url))  # both stores also do what those who run them need


@store_app.command()
def migrate(base: Address = None) -> None:
    """Préparer la base d'un serveur, ou la mettre au format de cette version."""
    url = _address(base)
    from data.postgis_migrate import migrate as apply

    applied = apply(url)
    for migration in applied:
        answers.print(_("Fait : {number:03} {name}").format(number=migration.number, name=migration.name), markup=False)
    if not applied:
        answers.print(_("{store} est à jour.").format(store=store_name(url)), markup=False)


@store_app.command()
def verify(base: Address = None) -> None:
    """Comparer ce qui est calculé d'avance avec les faits ; code 1 si quelque chose diffère."""
    store = _open(_address(base))
    checks = store.verify()
    store.close()
    _print_checks(checks)
    if any(check.wrong for check in checks):
        raise typer.Exit(1)


@store_app.command("copy")
def copy_command(
    source: Annotated[str, typer.Argument(help="Base de départ.", metavar="DE")],
    target: Annotated[str, typer.Argument(help="Base d'arrivée, vide.", metavar="VERS")],
) -> None:
    """Copier une base dans une autre, d'un fichier vers un serveur ou l'inverse, puis vérifier."""
    _address(None)
    from data.transfer import copy_store

    left, arrived = _open(source), _open(target)
    with progress_bar(_("Copie")) as report:
        checks = copy_store(left, arrived, report)
    left.close()
    arrived.close()
    _print_checks(checks)


@store_app.command()
def outlines(base: Address = None) -> None:
    """Écrire dans la base d'un serveur les contours que QGIS dessine : territoires et hexagones."""
    url = _address(base)
    from data.geography import geography
    from data.postgis_outlines import write_outlines

    territories, hexagons = write_outlines(url, geography())
    answers.print(
        _("{territories} territoires, {hexagons} hexagones ajoutés").format(territories=territories, hexagons=hexagons)
    )


@store_app.command()
def server(
    folder: Annotated[Path, typer.Argument(help="Dossier du serveur.", metavar="[DOSSIER]")] = DEVELOPMENT_FOLDER,
    stop: Annotated[bool, typer.Option("--stop", help="L'arrêter.")] = False,
) -> None:
    """Démarrer un serveur PostgreSQL privé, pour le développement ; dit l'adresse à donner à HEXACROSS_STORE."""
    _address(None)
    from data.private_cluster import PrivateCluster

    cluster = PrivateCluster(folder.resolve())
    if stop:
        cluster.stop()
        return
    if not cluster.is_running():
        cluster.start()
    if not cluster.has_database(DEVELOPMENT_DATABASE):
        cluster.create_store(DEVELOPMENT_DATABASE)
        messages.print(_("Base préparée."))
    sys.stdout.write(f"{cluster.url(DEVELOPMENT_DATABASE)}\n")


def _print_checks(checks: list[Check]) -> None:
    for check in checks:
        verdict = _("oui") if check.wrong == 0 else _("NON, {n} lignes diffèrent").format(n=check.wrong)
        answers.print(f"{_(check.name)} : {verdict}", markup=False)
