"""Colours, one per meaning, and the Plotly template of every chart.

Colours are those of Okabe and Ito (2008), which colour-blind people can tell apart; recall has one hue, light to dark.
Draw with `st.plotly_chart(..., theme="streamlit")`, which gives charts the app's font. Its axis greys have too little
contrast (3.7 : 1 in the light theme), so text colours are set here, as in .streamlit/config.toml, one set per theme.
"""

from typing import Final, Literal

from ui.figures.figure import Figure

Mode = Literal["light", "dark"]

QUERY: Final = "#E69F00"
FOUND: Final = "#0072B2"
MISSED: Final = "#D55E00"
CANDIDATE: Final = "#56B4E9"
HERE: Final = "#009E73"
PINNED: Final = "#CC79A7"

INK: Final[dict[Mode, str]] = {"light": "#1E2126", "dark": "#E8E6E1"}  # as in .streamlit/config.toml
PAPER: Final[dict[Mode, str]] = {"light": "#FCFBF8", "dark": "#15171A"}
SOFT_INK: Final[dict[Mode, str]] = {"light": "#555A61", "dark": "#AEB1B5"}  # contrast 6.6 : 1 and 8.3 : 1
QUIET: Final = "rgba(128, 134, 142, 0.45)"  # lines in the background of either theme
HAIRLINE: Final = "rgba(128, 134, 142, 0.22)"

# The hue of recall is the blue of FOUND; higher recall contrasts more with the background.
_STOPS: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
_BLUES: Final[dict[Mode, tuple[str, ...]]] = {
    "light": ("#F1F4F5", "#CFE2EF", "#8FC0DE", "#3F93C6", "#0072B2", "#00436B"),
    "dark": ("#1D2227", "#15364B", "#0D5684", "#1F82BE", "#5FAEDD", "#B5DDF4"),
}
RECALL_SCALE: Final = {mode: list(zip(_STOPS, blues, strict=True)) for mode, blues in _BLUES.items()}

TEXT_SIZE: Final = 13
SMALL_TEXT: Final = 12

_AXIS: Final = {"showgrid": False, "zeroline": False, "showline": False, "ticks": "", "fixedrange": True}

_TEMPLATE: Final = {
    "layout": {
        "font": {"size": TEXT_SIZE},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "dragmode": False,  # scrolling by touch must not draw a zoom box
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "xaxis": _AXIS,
        "yaxis": {**_AXIS, "showgrid": True, "gridcolor": HAIRLINE},
        "separators": ". ",
    }
}


def new_figure(x_title: str, y_title: str, mode: Mode, *, height: int, right: int = 16, top: int = 8) -> Figure:
    """Return an empty chart with axis titles and fixed margins, so that new data never moves the frame."""
    label = {"bgcolor": PAPER[mode], "bordercolor": SOFT_INK[mode], "font": {"color": INK[mode], "size": TEXT_SIZE}}
    axes = {
        axis: {
            "title": {"text": title, "standoff": 8, "font": {"color": INK[mode], "size": TEXT_SIZE}},
            "automargin": False,
            "tickfont": {"color": SOFT_INK[mode], "size": SMALL_TEXT},
        }
        for axis, title in (("xaxis", x_title), ("yaxis", y_title))
    }
    return Figure(
        {
            "template": _TEMPLATE,
            "height": height,
            "font": {"color": INK[mode]},
            "margin": {"l": 52, "r": right, "t": top, "b": 52, "pad": 4},
            "hoverlabel": label,
            "paper_bgcolor": "rgba(0,0,0,0)",  # in place of the theme's opaque background
            "plot_bgcolor": "rgba(0,0,0,0)",
            **axes,
        }
    )
