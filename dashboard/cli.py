"""The command line. Exit codes: 0 done · 1 could not be done · 2 wrong usage · 3 done, but lines were refused.

Heavy modules are imported in the commands: `--help` answers at once.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dashboard.console import REFUSED_LINES, answer_json, answers, messages, progress_bar
from dashboard.door_commands import feed, token_app
from dashboard.french_help import FrenchTyper
from dashboard.i18n import _, set_language, translate_error
from dashboard.settings import Settings, settings_from
from dashboard.store_commands import store_app
from dashboard.wall_commands import wall_app
from data.opening import is_server, store_name
from geo.errors import HexacrossError

if TYPE_CHECKING:
    from dashboard.context import Context
    from data.store import Ledger

DEMO_EVENTS = 200_000

app = FrenchTyper(
    name="hexacross",
    help="Où et comment le trafic de stupéfiants est combattu en France : hexagones, CROSS, antennes OFAST.",
    epilog="Codes de sortie : 0 fait · 1 impossible · 2 commande mal écrite · 3 fait, mais des lignes sont refusées.",
)
lists_app = FrenchTyper(help="Listes de référence : antennes, ressorts, CROSS.")
app.add_typer(lists_app, name="lists")
app.add_typer(store_app, name="store")
app.add_typer(token_app, name="token")
app.add_typer(wall_app, name="wall")
app.command()(feed)

AsJson = Annotated[bool, typer.Option("--json", help="Répondre en JSON, pour un script.")]


def main() -> None:
    """Run a command; an error of ours is a sentence, not a traceback."""
    try:
        app()
    except HexacrossError as error:
        messages.print(translate_error(error), style="red", markup=False)
        sys.exit(1)
    except OSError as error:
        messages.print(_("Échec : {reason}").format(reason=error), style="red", markup=False)
        sys.exit(1)


def _settings() -> Settings:
    settings = settings_from()
    set_language(settings.language)
    return settings


def _open(settings: Settings) -> Context:
    """Open the store, made and given its territories when there is none."""
    from dashboard.context import open_context

    if not is_server(settings.store):
        Path(settings.store).expanduser().resolve().parent.mkdir(parents=True, exist_ok=True)
    held = open_context(settings)
    if held.store.version() == 0:  # nothing was ever written
        with progress_bar(_("Territoires")) as report:
            held.store.set_memberships(held.geography.memberships(), report)
    return held


@app.command()
def run(
    port: Annotated[int | None, typer.Option(help="Port d'écoute ; sinon HEXACROSS_PORT, sinon 8501.")] = None,
    host: Annotated[str | None, typer.Option(help="Adresse d'écoute ; sinon HEXACROSS_HOST.")] = None,
    demo_if_empty: Annotated[
        bool, typer.Option("--demo-if-empty", help="Charger la démonstration si la base est vide.")
    ] = False,
) -> None:
    """Servir le tableau de bord."""
    settings = _settings()
    settings = replace(settings, port=port or settings.port, host=host or settings.host)
    from dashboard.context import viewer_of

    held = _open(settings)
    if demo_if_empty and held.store.period(viewer_of(settings)) is None:
        _load_demo(held, DEMO_EVENTS, seed=1)
    from dashboard.app import serve

    messages.print(
        _("Hexacross : http://{host}:{port} (Ctrl-C pour arrêter)").format(host=settings.host, port=settings.port)
    )
    serve(held)


@app.command()
def load(
    files: Annotated[list[Path], typer.Argument(help="Fichiers à charger.", metavar="FICHIER…")],
    mapping: Annotated[Path | None, typer.Option(help="Correspondance TOML pour un format étranger.")] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help="Écrire une correspondance TOML proposée, sans rien charger.")
    ] = False,
    marking: Annotated[str | None, typer.Option(help="Mention : public, internal, restricted.")] = None,
    release: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Date de publication (bases du SSMSI).", metavar="AAAA-MM-JJ"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Charger des fichiers ; chaque ligne finit acceptée, répétée ou refusée."""
    settings = _settings()
    if propose:
        _propose(files)
        return
    held = _open(settings)
    ledgers, failures = [], []
    for path in files:
        try:
            ledgers.append(_load_one(held, path, mapping, marking, release.date() if release else None))
        except HexacrossError as error:
            failures.append({"name": path.name, "error": translate_error(error)})
            messages.print(f"{path.name} : {translate_error(error)}", style="red", markup=False)
    held.store.close()
    if as_json:
        answer_json({"loads": [asdict(ledger) for ledger in ledgers], "failures": failures})
    else:
        _print_ledgers(ledgers)
    if failures:
        raise typer.Exit(1)
    if any(ledger.refused for ledger in ledgers):
        raise typer.Exit(REFUSED_LINES)


def _load_one(held: Context, path: Path, mapping: Path | None, marking: str | None, release: date | None) -> Ledger:
    from data.readers import Options, open_source

    source = open_source(path, mapping, Options(stated_marking=marking, release=release))
    with progress_bar(path.name) as report:
        return held.store.load(source.batch, source.chunks(), report)


def _propose(files: list[Path]) -> None:
    from data.propose import propose_mapping

    for path in files:
        answers.print(propose_mapping(path), markup=False)


def _print_ledgers(ledgers: list[Ledger]) -> None:
    from rich.table import Table

    from dashboard import format as fmt

    if not ledgers:
        return
    table = Table(box=None, pad_edge=False)
    for title, justify in (
        (_("Fichier"), "left"), (_("Lu comme"), "left"), (_("Lignes"), "right"), (_("Acceptées"), "right"),
        (_("Répétées"), "right"), (_("Refusées"), "right"), (_("Période"), "left"),
    ):  # fmt: skip
        table.add_column(title, justify=justify)  # type: ignore[arg-type]  # two of rich's literals
    for ledger in ledgers:
        counts = (fmt.number(count) for count in (ledger.lines, ledger.accepted, ledger.repeated, ledger.refused))
        table.add_row(ledger.name, ledger.reader, *counts, _ledger_period(ledger))
    answers.print(table)
    for ledger in ledgers:
        if ledger.already_loaded:
            messages.print(
                _("{name} avait déjà été chargé : rien n'a été relu.").format(name=ledger.name), markup=False
            )


def _ledger_period(ledger: Ledger) -> str:
    from dashboard import format as fmt

    if ledger.first_day is None:
        return ""
    return f"{fmt.short_day(ledger.first_day)} – {fmt.short_day(ledger.last_day)}"


@app.command()
def status(as_json: AsJson = False) -> None:
    """Dire ce que la base contient : sources, âges, derniers chargements."""
    settings = _settings()
    from dashboard.context import viewer_of
    from dashboard.sources import markings_shown, source_ages

    held = _open(settings)
    viewer = viewer_of(settings)
    sources, batches, period = held.store.sources(viewer), held.store.batches(viewer), held.store.period(viewer)
    held.store.close()
    if as_json:
        answer_json(
            {
                "store": store_name(settings.store),
                "markings": list(markings_shown(sources)),
                "first_day": period[0] if period else None,
                "last_day": period[1] if period else None,
                "sources": [asdict(source) for source in sources],
                "loads": [asdict(ledger) for ledger in batches],
            }
        )
        return
    answers.print(_("Base : {path}").format(path=store_name(settings.store)), markup=False)
    for age in source_ages(sources, settings.stale_hours, datetime.now(UTC)):
        answers.print(f"  {age.name} : {age.text}", markup=False)
    if not sources:
        answers.print(_("  vide : hexacross load FICHIER, ou hexacross demo"), markup=False)
    _print_ledgers(batches[:20])


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="Fichier à écrire : .csv, .parquet, .gpkg ou .png.", metavar="SORTIE")],
    view: Annotated[
        str,
        typer.Option(help="Adresse de la vue, comme dans le navigateur : « territoire=cross:marseille&mesure=taux »."),
    ] = "",
) -> None:
    """Écrire les hexagones d'une vue ; la mention de protection entre dans le nom du fichier."""
    settings = _settings()
    from urllib.parse import parse_qs

    from dashboard.context import today, viewer_of
    from dashboard.exports import export_view
    from dashboard.view import View

    asked, ignored = View.from_params(parse_qs(view.rpartition("?")[2]))
    if ignored:
        raise ignored[0]
    held = _open(settings)
    period = held.store.period(viewer_of(settings))
    if refused := asked.refused_hours(period, today()):
        raise refused
    path = export_view(held, asked.dated(period, today()), target)
    held.store.close()
    answers.print(str(path), markup=False)


@app.command()
def demo(
    events: Annotated[int, typer.Option(min=1, max=100_000_000, help="Nombre de faits.")] = DEMO_EVENTS,
    seed: Annotated[int, typer.Option(help="Graine : la même donne les mêmes faits.")] = 1,
) -> None:
    """Charger des données de démonstration, inventées et marquées comme telles."""
    held = _open(_settings())
    ledger = _load_demo(held, events, seed)
    held.store.close()
    _print_ledgers([ledger])


def _load_demo(held: Context, events: int, seed: int) -> Ledger:
    from data.demo import load_demo

    with progress_bar(_("Données de démonstration")) as report:
        return load_demo(held.store, events=events, seed=seed, progress=report)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Dire ce qui est installé, joignable, périmé ou absent."""
    settings = _settings()
    from dashboard.doctor import examine

    findings = examine(settings)
    if as_json:
        answer_json({"findings": [asdict(finding) for finding in findings]})
    else:
        signs = {"ok": "[green]bon[/]    ", "warning": "[yellow]à voir[/] ", "missing": "[red]manque[/] "}
        for finding in findings:
            answers.print(signs[finding.state], end="")
            answers.print(f"{finding.subject} : {finding.text}", markup=False)
            if finding.advice:
                answers.print(f"        → {finding.advice}", markup=False)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


@app.command()
def prepare() -> None:
    """Fabriquer ce que la page demande : scripts, fond de carte, catalogues, table des territoires."""
    _settings()
    from dashboard.assets import ASSETS, prepare_assets
    from dashboard.i18n import compile_catalogues
    from data.geography import geography
    from data.geography import prepare as prepare_geography
    from data.national import prepare_national
    from layers.basemap import write_basemap

    compile_catalogues()
    with progress_bar(_("Scripts de la page")) as report:
        prepare_assets(report)
    with progress_bar(_("Table des territoires")) as report:
        prepare_geography(report)
    known = geography()
    prepare_national(known)
    with progress_bar(_("Fond de carte")) as report:
        write_basemap(
            ASSETS / "basemap",
            known.communes,
            known.arrondissements,
            known.departements,
            known.regions,
            known.countries,
            progress=report,
        )


@app.command(name="messages")
def update_messages() -> None:
    """Mettre à jour les catalogues de messages d'après le code."""
    from dashboard.messages import update_catalogues

    for language, missing in update_catalogues().items():
        answers.print(_("{language} : {n} messages à traduire").format(language=language, n=missing), markup=False)


@lists_app.command("copy")
def lists_copy(
    folder: Annotated[Path, typer.Argument(help="Dossier où les modifier.", metavar="DOSSIER")],
) -> None:
    """Copier les listes fournies dans un dossier, pour les modifier."""
    _settings()
    from data.lists import copy_lists

    for path in copy_lists(folder):
        answers.print(str(path), markup=False)
    messages.print(_("Puis : HEXACROSS_LISTS={folder}").format(folder=folder), markup=False)


@lists_app.command("check")
def lists_check() -> None:
    """Vérifier les listes en usage et le plan de contrôle ; toutes les anomalies d'un coup."""
    _settings()
    from dashboard.control_plan_table import known_codes
    from data.control_plan import FILE, read_plan
    from data.geography import geography
    from data.lists import lists_folder, read_lists

    folder, lists = lists_folder(), read_lists()
    text = _("{folder} : {antennas} antennes, {cross} CROSS, sans anomalie")
    answers.print(text.format(folder=folder, antennas=len(lists.antennas), cross=len(lists.cross)), markup=False)
    plan = read_plan(folder, known_codes(geography()))
    if plan is not None:
        answers.print(_("{file} : {n} ligne(s), sans anomalie").format(file=FILE, n=len(plan)), markup=False)


@lists_app.command("reload")
def lists_reload() -> None:
    """Appliquer les listes aux faits déjà chargés ; les faits eux-mêmes ne changent pas."""
    held = _open(_settings())
    with progress_bar(_("Territoires")) as report:
        held.store.set_memberships(held.geography.memberships(), report)
    held.store.close()
    answers.print(_("Listes appliquées."))
