"""Typer's own words in French."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer import rich_utils
from typer.core import TyperCommand, TyperGroup

rich_utils.ARGUMENTS_PANEL_TITLE = "Arguments"
rich_utils.OPTIONS_PANEL_TITLE = "Options"
rich_utils.COMMANDS_PANEL_TITLE = "Commandes"
rich_utils.ERRORS_PANEL_TITLE = "Erreur"
rich_utils.DEFAULT_STRING = "[par défaut : {}]"
rich_utils.REQUIRED_LONG_STRING = "[obligatoire]"
rich_utils.RICH_HELP = "Essayez [blue]'{command_path} {help_option}'[/] pour l'aide."

Command = TypeVar("Command", bound=Callable[..., Any])
HELP = "Afficher cette aide."


class FrenchCommand(TyperCommand):
    """A command whose `--help` speaks French."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = HELP
        return option


class FrenchGroup(TyperGroup):
    """A group of commands whose `--help` speaks French."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = HELP
        return option


class FrenchTyper(typer.Typer):
    """A Typer application whose commands are all French ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            cls=FrenchGroup,
            no_args_is_help=True,
            add_completion=False,
            pretty_exceptions_enable=False,
            subcommand_metavar="COMMANDE…",
            context_settings={"help_option_names": ["-h", "--help"]},
            **options,
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[Command], Command]:
        """Register a command, as Typer does."""
        decorate: Callable[[Command], Command] = super().command(name, cls=FrenchCommand, **options)
        return decorate
