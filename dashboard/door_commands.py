"""`hexacross token`: who may feed the live door; `hexacross feed`: feed one."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from dashboard.console import REFUSED_LINES, answer_json, answers, messages, progress_bar
from dashboard.french_help import FrenchTyper
from dashboard.i18n import _, set_language, translate_error
from dashboard.settings import settings_from
from geo.errors import HexacrossError

if TYPE_CHECKING:
    from dashboard.feed import Summary

token_app = FrenchTyper(help="Les clés de ceux qui envoient des événements en direct : une par source.")

SHOWN_REFUSALS = 20  # on a terminal; `--json` has more, the server's quarantine all

AsJson = Annotated[bool, typer.Option("--json", help="Répondre en JSON, pour un script.")]


def _tokens_file() -> Path:
    settings = settings_from()
    set_language(settings.language)
    return Path(settings.tokens)


@token_app.command()
def create(
    source: Annotated[str, typer.Argument(help="Source des événements envoyés avec cette clé.", metavar="SOURCE")],
    marking: Annotated[
        list[str] | None,
        typer.Option(help="Mention permise : public, internal, restricted ; la première vaut quand rien n'est dit."),
    ] = None,
) -> None:
    """Créer une clé et la dire, une seule fois : seule son empreinte est gardée."""
    path = _tokens_file()
    from dashboard.door_tokens import create_token
    from data.readers.canonical import DEFAULT_MARKING

    answers.print(create_token(path, source, tuple(marking or [DEFAULT_MARKING])), markup=False)
    messages.print(_("Notez cette clé : elle ne sera plus montrée."))


@token_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Dire les clés données, sans les clés elles-mêmes."""
    path = _tokens_file()
    from dashboard.door_tokens import read_tokens

    tokens = read_tokens(path)
    if as_json:
        answer_json(
            {
                "tokens": [
                    {"name": one.name, "source": one.source, "markings": one.markings, "created": one.created,
                     "revoked": one.revoked or None}
                    for one in tokens
                ]
            }
        )  # fmt: skip
        return
    for one in tokens:
        state = _("retirée le {day}").format(day=one.revoked[:10]) if one.revoked else _("valable")
        answers.print(f"{one.name}  {one.source}  {', '.join(one.markings)}  {one.created[:10]}  {state}", markup=False)
    if not tokens:
        messages.print(_("Aucune clé : hexacross token create SOURCE"), markup=False)


@token_app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Nom de la clé, comme « token list » le dit.", metavar="CLÉ")],
) -> None:
    """Retirer une clé : elle ne vaut plus dès la demande suivante."""
    path = _tokens_file()
    from dashboard.door_tokens import revoke_token

    token = revoke_token(path, name)
    answers.print(_("{name} ({source}) : retirée.").format(name=token.name, source=token.source), markup=False)


def feed(
    file: Annotated[
        str,
        typer.Argument(
            help="Fichier NDJSON, un objet par ligne (.gz accepté) ; - : l'entrée standard.", metavar="FICHIER|-"
        ),
    ],
    url: Annotated[
        str | None, typer.Option(help="Serveur ; sinon HEXACROSS_URL, sinon cette machine.", metavar="http://…")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="Clé ; sinon HEXACROSS_TOKEN, que les autres comptes de la machine ne voient pas."),
    ] = None,
    patience: Annotated[int, typer.Option(min=0, help="Secondes sans réponse avant d'abandonner.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Envoyer des événements à un serveur, jusqu'à ce qu'il ait accusé réception de chacun."""
    settings = settings_from()
    set_language(settings.language)
    from dashboard.feed import Feeder, FeedError, batches, numbered

    address = url or settings.url or f"http://127.0.0.1:{settings.port}"
    failure = ""
    with (
        Feeder(address, token or settings.token, patience, report=_tell_away) as feeder,
        _opened(file) as lines,
        progress_bar(_("Envoi")) as report,
    ):
        try:
            for batch in batches(numbered(lines)):
                feeder.send(batch)
                report(feeder.summary.lines, None)
        except (FeedError, KeyboardInterrupt) as error:
            failure = translate_error(error) if isinstance(error, FeedError) else _("Interrompu.")
    _print_summary(feeder.summary, failure, as_json)
    if failure:
        raise typer.Exit(1)
    if feeder.summary.refused:
        raise typer.Exit(REFUSED_LINES)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """The input's bytes, decompressed if they are gzipped."""
    if file == "-":
        yield sys.stdin.buffer
        return
    from data.readers.formats import check_readable, damage_told, is_gzip

    path = Path(file)
    check_readable(path)
    with damage_told(path), cast("IO[bytes]", gzip.open(path) if is_gzip(path) else path.open("rb")) as lines:
        yield lines


def _tell_away(error: HexacrossError) -> None:
    messages.print(translate_error(error), style="yellow", markup=False)


def _print_summary(summary: Summary, failure: str, as_json: bool) -> None:
    from dashboard import format as fmt

    if as_json:
        answer_json({**asdict(summary), "error": failure or None})
        return
    for refusal in summary.refusals[:SHOWN_REFUSALS]:
        reasons = " ; ".join(f"{fault['field']} : {fault['reason']}" for fault in refusal.faults)
        messages.print(_("ligne {line} refusée : {reasons}").format(line=refusal.line, reasons=reasons), markup=False)
    text = _("{lines} lignes envoyées : {accepted} acceptées, {repeated} répétées, {refused} refusées")
    counts = ("lines", "accepted", "repeated", "refused")
    answers.print(text.format(**{name: fmt.number(getattr(summary, name)) for name in counts}), markup=False)
    if failure:
        messages.print(failure, style="red", markup=False)
