"""What pages show: numbers, lists and figures read from an AppTest, and the texts of numbers."""

import base64
import json
import re

import numpy as np


def number(value, digits=2, most=4):
    """Write a number with two significant digits, or `digits`, and at most `most` decimals."""
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".split("e")[1])
    return f"{value:,.{min(max(digits - 1 - exponent, 0), most)}f}"


def percent(share, digits=2):
    """Write a fraction as a percentage."""
    return "< 0.01 %" if 0 < share < 1e-4 else f"{number(100 * share, digits, 2)} %"


def signed_points(change):
    """Write a change of a fraction in percentage points."""
    if abs(change) < 1e-4:
        return "0 points"
    return f"{'+' if change > 0 else ''}{number(100 * change, 2, 2)} points"


def points(change):
    """Write the size of a change of a fraction in percentage points."""
    return f"{100 * abs(change):.1f} points"


def degrees(angle):
    """Write an angle."""
    return f"{number(abs(angle))}°"


def whole(text):
    """Return a whole number written with commas."""
    return int(text.replace(",", ""))


class Tally:
    """Compares figures, and counts how many were compared and how many were undecided.

    An undecided figure is a range, (low, high), from what is certain to what is possible.
    """

    def __init__(self):
        self.compared = self.undecided = 0
        self.near = []  # the share of each index's projections that are undecided

    def projections(self, index):
        """Count the undecided projections of an index by hand."""
        self.near.append(index.undecided)

    def text(self, shown, value, write, slack=0.0):
        """Compare a text with a value, or a range, written by `write`; slack: what float32 may add or take away."""
        low, high = value if isinstance(value, tuple) else (value, value)
        self.compared += 1
        self.undecided += write(low) != write(high)
        accepted = {write(at) for at in (low - slack, low, high, high + slack)}
        if low != high and shown not in accepted:
            first, read, last = (float(re.sub(r"[^\d.+-]", "", text)) for text in (write(low), shown, write(high)))
            assert first <= read <= last, f"{shown} is shown, {accepted} expected"
        else:
            assert shown in accepted, f"{shown} is shown, {accepted} expected"

    def count(self, shown, value):
        """Compare a whole number with one, or with a range."""
        low, high = value if isinstance(value, tuple) else (value, value)
        self.compared += 1
        self.undecided += low != high
        assert low <= shown <= high, f"{shown} is shown, {low} to {high} expected"

    def counts(self, shown, low, high):
        """Compare arrays of numbers with those between two arrays; a billionth is the rounding of float64."""
        shown, low, high = np.broadcast_arrays(shown, low, high)
        self.compared += shown.size
        self.undecided += int((low != high).sum())
        wrong = np.argwhere((shown < low - 1e-9) | (shown > high + 1e-9))
        places = [(place, shown[place], low[place], high[place]) for place in map(tuple, wrong[:5].tolist())]
        assert not len(wrong), f"{len(wrong)} of {shown.size} figures differ; place, shown, low and high: {places}"

    def close(self, shown, expected, slack):
        """Compare numbers that float32 has rounded."""
        self.compared += np.size(shown)
        np.testing.assert_allclose(shown, expected, rtol=0, atol=slack)

    def same(self, shown, expected):
        """Compare two lists or texts."""
        self.compared += 1
        assert shown == expected

    def __str__(self):
        near = f"{1e6 * np.mean(self.near):.1f} in a million projections are" if self.near else "no projection is"
        return f"{self.compared:,} figures compared, {self.undecided:,} of them undecided; {near} undecided"


def plain(text):
    """Return a text without Markdown's escapes and with common spaces."""
    return text.replace("\\", "").replace("\u00a0", " ")


def said(app):
    """Return all sentences of a page."""
    return "\n".join(plain(element.value) for element in (*app.markdown, *app.caption, *app.info))


def find(pattern, app):
    """Return the groups of the first sentence that fits a pattern."""
    found = re.search(pattern, said(app), re.DOTALL)
    assert found, f"no sentence fits {pattern!r} in:\n{said(app)}"
    return found.groups()


def metrics(app):
    """Return the values of the metrics strip by label."""
    return {metric.label: plain(metric.value) for metric in app.metric}


def component(app, name, titled=""):
    """Return the data of a JavaScript component; titled: the name that a list of clips has."""
    protos = [element.proto for element in app.get("bidi_component")]
    found = [json.loads(proto.json)[0] for proto in protos if proto.component_name == f"earshot.{name}"]
    return next(data for data in found if not titled or data.get("name") == titled)


def tables(app):
    """Return the tables of a page as lists of records, with common spaces."""
    return [table.value.map(lambda cell: plain(str(cell))).to_dict("records") for table in app.table]


def figure(app, begins):
    """Return the layout and the traces, by name, of the figure whose alternative text begins so."""
    spec = next(json.loads(c.proto.spec) for c in app.get("plotly_chart") if c.proto.alt.startswith(begins))
    return spec["layout"], {trace.get("name", trace["type"]): trace for trace in spec["data"]}


def values(data):
    """Return numbers of a trace as an array: a list, or base64 with dtype and shape."""
    if not isinstance(data, dict):
        return np.array(data, np.float64)
    flat = np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"])
    return flat.reshape([int(n) for n in str(data.get("shape", len(flat))).split(",")])
