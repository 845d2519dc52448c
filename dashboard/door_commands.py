"""`hexacross token`: who may feed the live door."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dashboard.console import answer_json, answers, messages
from dashboard.french_help import FrenchTyper
from dashboard.i18n import _, set_language
from dashboard.settings import settings_from

token_app = FrenchTyper(help="Les clés de ceux qui envoient des événements en direct : une par source.")

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
