"""Two themes, same layout: light for the desk, dark for rooms. Neutral greys of one hue, one accent."""

from __future__ import annotations

ACCENT = {"light": "#1f5fbf", "dark": "#7fb0ff"}

COMMON = {
    "BASE_FONT_SIZE": "15",
    "BASE_RADIUS": "4px",
    "BUTTON_RADIUS": "4px",
    "SHOW_WIDGET_BORDER": "true",
    "LINK_UNDERLINE": "false",
}
LIGHT = {
    "PRIMARY_COLOR": ACCENT["light"],
    "BACKGROUND_COLOR": "#fbfbfc",
    "SECONDARY_BACKGROUND_COLOR": "#f0f1f4",
    "TEXT_COLOR": "#1b1f27",
    "BORDER_COLOR": "#d9dce3",
    "LINK_COLOR": ACCENT["light"],
}
DARK = {
    "PRIMARY_COLOR": ACCENT["dark"],
    "BACKGROUND_COLOR": "#12151b",
    "SECONDARY_BACKGROUND_COLOR": "#1b2029",
    "TEXT_COLOR": "#e6e9ef",
    "BORDER_COLOR": "#343b48",
    "LINK_COLOR": ACCENT["dark"],
}


def streamlit_theme() -> dict[str, str]:
    """Streamlit's options, named as its environment variables without their prefix."""
    return {
        **{f"THEME_{name}": value for name, value in COMMON.items()},
        **{f"THEME_LIGHT_{name}": value for name, value in LIGHT.items()},
        **{f"THEME_DARK_{name}": value for name, value in DARK.items()},
    }
