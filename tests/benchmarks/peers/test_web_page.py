"""The web page of results: the figure's lines and labels, and the text around it."""

import re

import pytest

from benchmarks.peers import web_page
from benchmarks.peers.measure import Point, Results
from benchmarks.peers.web_page import _label_heights, _style, draw, write_page

MACHINE = {"cpu": "Some <processor>", "cores": 2, "python": "3.11", "packages": {"numpy": "2"}, "load": 0.1}


def point(method, recall, qps, **changes):
    values = {"build": {"bits": 8}, "search": {"probes": 2}, "recall_error": 0.01, "queries": 20, "median_qps": 1.0}
    values |= {"batch_qps": None, "build_s": 1.25, "index_mb": 1234.56, "resident_mb": 30.4, "peak_mb": 40.6}
    return Point(method=method, recall=recall, qps=qps, **(values | changes))


POINTS = [
    point("lsh-sketch", 0.9567, 1234.5),
    point("lsh-sketch", 0.6, 5000.0),  # the lowest recall that is shown
    point("lsh-sketch", 0.59, 9000.0),
    point("lsh-sketch", 0.8, 1000.0),  # not on the front
    point("exact", 1.0, 50.0, build={}, search={}),
    point("annoy", 0.7, 1300.0),
    point("hnswlib", 0.5, 9999.0),  # nothing of it is shown
]


def results(skipped):
    return Results(MACHINE | {"load_after": 0.2}, "made & <sold>", "cosine", 12_345, 16, 10, POINTS, skipped)


def test_each_method_is_a_line_along_its_front_with_its_name_at_the_end():
    figure = draw(results({}))
    lines = {trace.name: trace for trace in figure.data}
    assert list(lines) == ["lsh-sketch", "exact", "annoy"]
    shown = {name: list(zip(line.x, line.y, strict=True)) for name, line in lines.items()}
    assert shown == {
        "lsh-sketch": [(0.6, 5000.0), (0.9567, 1234.5)],
        "exact": [(1.0, 50.0)],
        "annoy": [(0.7, 1300.0)],
    }
    for name, width in (("lsh-sketch", 3), ("exact", 1.5), ("annoy", 1.5)):
        line = lines[name]
        assert (line.line.color, line.marker.symbol, line.line.dash) == _style(name, list(lines))
        assert (line.line.width, line.marker.size, line.mode) == (width, 8, "lines+markers")
        assert line.hovertemplate == f"<b>{name}</b><br>%{{text}}<extra></extra>"
    assert lines["lsh-sketch"].text[1] == (
        "recall 95.7%, 1,234 queries/s<br>index lsh-sketch, bits 8, probes 2<br>1,234.6 MB"
    )
    heights = _label_heights({"lsh-sketch": [POINTS[0]], "exact": [POINTS[4]], "annoy": [POINTS[5]]})
    labels = {label.text: label for label in figure.layout.annotations}
    assert {name: (label.x, label.y) for name, label in labels.items()} == {
        name: (recall, pytest.approx(heights[name]))
        for name, recall in {"lsh-sketch": 0.9567, "exact": 1.0, "annoy": 0.7}.items()
    }
    assert {(label.showarrow, label.xanchor, label.xshift, label.font.size) for label in labels.values()} == {
        (False, "left", 8, 12)
    }
    assert {name: label.font.color for name, label in labels.items()} == {
        name: line.line.color for name, line in lines.items()
    }
    layout = figure.layout
    assert (layout.height, layout.showlegend, tuple(layout.xaxis.range)) == (700, False, (0.6, 1.06))
    assert (layout.yaxis.type, layout.yaxis.dtick, layout.yaxis.title.text) == ("log", 1, "queries per second")
    assert layout.xaxis.title.text == "recall@10: share of the true neighbours found"
    assert layout.margin.to_plotly_json() == {"l": 70, "r": 20, "t": 20, "b": 60}


def test_no_two_methods_of_the_page_look_alike():
    names = ["lsh-sketch", "lsh-tables", "exact", "numpy", *(f"peer-{i}" for i in range(40))]
    styles = [_style(name, names) for name in names]
    assert len(set(styles)) == len(names)
    assert styles[:2] == [("#0072B2", "circle", "solid"), ("#0072B2", "circle-open", "solid")]
    assert {style[0] for style in styles[:2]} == {_style("lsh", ["lsh"])[0]}
    assert [style[2] for style in styles[:4]] == ["solid", "solid", "dot", "dot"]
    assert not {style[0] for style in styles[:4]} & {style[0] for style in styles[4:]}
    assert styles[4:] == [_style(name, names[4:]) for name in names[4:]]  # the others change nothing
    assert len({style[0] for style in styles[4:10]}) == 6
    assert len({style[1] for style in styles[4:11]}) == 7


def test_labels_are_a_share_of_the_decades_apart():
    ends = {"a": 100.0, "b": 101.0, "c": 10_000.0}
    heights = _label_heights({name: [point(name, 0.5, 9.0), point(name, 0.9, qps)] for name, qps in ends.items()})
    assert heights == pytest.approx({"a": 2, "b": 2 + 0.045 * 2, "c": 4})
    near = _label_heights({name: [point(name, 0.9, 0.01)] for name in "abc"})  # the share is of one decade at least
    assert near == pytest.approx({"a": -2, "b": -2 + 0.045, "c": -2 + 0.09})
    assert _label_heights({}) == {}


@pytest.mark.parametrize("skipped", [{}, {"faiss": "not <installed>", "scann": "no wheel"}])
def test_the_page_has_the_problem_the_machine_and_what_was_not_measured(tmp_path, monkeypatch, skipped):
    monkeypatch.setattr(web_page.go.Figure, "to_html", lambda figure, **options: f"[{sorted(options.items())}]")
    write_page(results(skipped), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>made &amp; &lt;sold&gt;: speed by recall</title>" in text
    body = text.partition("<body>")[2]
    assert body.startswith(
        "<h1>made &amp; &lt;sold&gt;: speed by recall</h1><p>12,345 vectors of 16 features, cosine distance, "
        "recall@10, one query at a time on one thread. Up and to the right is better. Some &lt;processor&gt;, 2 "
        "cores, Python 3.11, numpy 2; load 0.1 before, 0.2 after.</p>[[('config', {'displaylogo': False}), "
        "('full_html', False), ('include_plotlyjs', True)]]"
    )
    missing = re.findall(r"<p>Not measured: (.*?)</p>", body)
    assert missing == (["faiss: not &lt;installed&gt;; scann: no wheel."] if skipped else [])
    assert body.endswith("</body></html>\n")
