"""What is installed, reachable, stale or missing, in plain words."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dashboard import format as fmt
from dashboard.assets import ASSETS, FILES
from dashboard.context import viewer_of
from dashboard.i18n import _, catalogue_paths, translate_error
from dashboard.settings import Settings
from dashboard.sources import source_ages
from data.geography import geography
from data.lists import read_lists
from data.opening import is_server, open_store, store_name
from data.store import Source
from geo.errors import HexacrossError
from layers.basemap import INDEX as BASEMAP_INDEX

State = Literal["ok", "warning", "missing"]
LITTLE_SPACE = 2 * 2**30  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice`: what to do, empty when all is well."""

    subject: str
    state: State
    text: str
    advice: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which a newcomer meets them. None of them changes anything."""
    checks: tuple[Callable[[Settings], list[Finding]], ...] = (
        _python,
        _page_files,
        _foreign_host,
        _catalogues,
        _lists,
        _territories,
        _store,
        _disk,
        _port,
    )
    return [finding for check in checks for finding in check(settings)]


def _python(_settings: Settings) -> list[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    text = _("Python {python}, Hexacross {version}").format(
        python=version, version=importlib.metadata.version("hexacross")
    )
    return [Finding(_("Programme"), "ok", text)]


def _page_files(_settings: Settings) -> list[Finding]:
    missing = [name for name in FILES if not (ASSETS / name).is_file()]
    if not (ASSETS / "basemap" / BASEMAP_INDEX).is_file():
        missing.append("basemap")
    subject = _("Fichiers de la page")
    if missing:
        text = _("absents : {names}").format(names=", ".join(missing))
        return [Finding(subject, "missing", text, _("Lancez « hexacross prepare » (ou « make install »)."))]
    return [Finding(subject, "ok", _("présents"))]


def _foreign_host(settings: Settings) -> list[Finding]:
    """Which host but ours browsers ask: the tile server's, if there is one."""
    server = settings.tile_server
    if server is None:
        return [Finding(_("Fond de carte"), "ok", _("le nôtre : aucune demande ne sort de ce serveur"))]
    text = _("tuiles de {origin}, seul autre hôte que les navigateurs demandent ; mention : {attribution}")
    return [Finding(_("Fond de carte"), "ok", text.format(origin=server.origin, attribution=server.attribution))]


def _catalogues(_settings: Settings) -> list[Finding]:
    missing = [path.parent.parent.name for path in catalogue_paths() if not path.with_suffix(".mo").is_file()]
    if missing:
        text = _("catalogues non compilés : {names}").format(names=", ".join(missing))
        return [Finding(_("Langues"), "missing", text, _("Lancez « hexacross prepare » (ou « make install »)."))]
    return [Finding(_("Langues"), "ok", _("français, anglais"))]


def _lists(_settings: Settings) -> list[Finding]:
    subject = _("Listes de référence")
    try:
        lists = read_lists()
    except HexacrossError as error:
        return [
            Finding(
                subject,
                "missing",
                translate_error(error),
                _("Corrigez les fichiers, puis vérifiez : hexacross lists check"),
            )
        ]
    text = _("{antennas} antennes, {cross} CROSS").format(antennas=len(lists.antennas), cross=len(lists.cross))
    return [Finding(subject, "ok", text)]


def _territories(_settings: Settings) -> list[Finding]:
    subject = _("Table des territoires")
    if geography().index_path.is_file():
        return [Finding(subject, "ok", _("prête"))]
    text = _("absente : le premier chargement la fera, en une demi-minute")
    return [Finding(subject, "warning", text, _("Lancez « hexacross prepare » (ou « make install »)."))]


def _store(settings: Settings) -> list[Finding]:
    subject = _("Base")
    path = store_name(settings.store)
    if not is_server(settings.store) and not Path(path).exists():
        text = _("{path} n'existe pas encore").format(path=path)
        return [Finding(subject, "warning", text, _("Elle sera créée au premier chargement : hexacross load FICHIER"))]
    try:
        store = open_store(settings.store)
    except HexacrossError as error:
        advice = _("Si « hexacross run » tourne, c'est lui qui la tient : demandez-lui, ou arrêtez-le.")
        return [Finding(subject, "missing", translate_error(error), advice)]
    try:
        sources = store.sources(viewer_of(settings))
    except HexacrossError as error:
        return [Finding(subject, "missing", translate_error(error))]
    finally:
        store.close()
    held = fmt.number(sum(source.events + source.indicators for source in sources))
    text = _("{path} : {n} faits et indicateurs").format(path=path, n=held)
    return [Finding(subject, "ok" if sources else "warning", text), *_source_ages(settings, sources)]


def _source_ages(settings: Settings, sources: list[Source]) -> list[Finding]:
    return [
        Finding(
            _("Source {name}").format(name=age.name),
            "warning" if age.stale else "ok",
            age.text,
            _("Chargez la dernière livraison de cette source.") if age.stale else "",
        )
        for age in source_ages(sources, settings.stale_hours, datetime.now(UTC))
    ]


def _disk(settings: Settings) -> list[Finding]:
    folder = Path.cwd() if is_server(settings.store) else Path(settings.store).resolve().parent
    while not folder.exists():
        folder = folder.parent
    subject, free = _("Disque"), shutil.disk_usage(folder).free
    text = _("{free} Go libres dans {folder}").format(free=fmt.number(free / 2**30, 1), folder=folder)
    if not os.access(folder, os.W_OK):
        text = _("pas le droit d'écrire dans {folder}").format(folder=folder)
        return [Finding(subject, "missing", text, _("Donnez ce droit, ou choisissez un autre lieu : HEXACROSS_STORE"))]
    if free < LITTLE_SPACE:
        return [Finding(subject, "warning", text, _("Libérez de la place avant un gros chargement."))]
    return [Finding(subject, "ok", text)]


def _port(settings: Settings) -> list[Finding]:
    address = f"{settings.host}:{settings.port}"
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    text = _("{address} : un programme y répond") if taken else _("{address} : libre")
    return [Finding(_("Adresse"), "ok", text.format(address=address))]
