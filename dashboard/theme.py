"""Two themes, same layout: light for the desk, dark for rooms. Neutral greys of one hue, one accent, as on the map."""

from __future__ import annotations

from layers.colours import THEMES, Theme

ACCENT = {name: theme.accent for name, theme in THEMES.items()}

COMMON: dict[str, object] = {
    "theme.baseFontSize": 15,
    "theme.baseRadius": "4px",
    "theme.buttonRadius": "4px",
    "theme.showWidgetBorder": True,
    "theme.linkUnderline": False,
}


def streamlit_theme() -> dict[str, object]:
    """Streamlit's options for both themes, taken from the map's own neutrals."""
    return COMMON | {
        f"theme.{name}.{option}": value for name, theme in THEMES.items() for option, value in _options(theme).items()
    }


def _options(theme: Theme) -> dict[str, object]:
    return {
        "primaryColor": theme.accent,
        "linkColor": theme.accent,
        "backgroundColor": theme.panel,
        "secondaryBackgroundColor": theme.pattern_ground,
        "textColor": theme.ink,
        "borderColor": theme.line,
        "redColor": theme.alert,
        "orangeColor": theme.stale,
        "chartCategoricalColors": [theme.accent, theme.ink_minor],
    }
