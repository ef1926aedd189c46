"""Text of a page or a figure: every word in order, the data of components, and each chart's numbers, a few of many."""

import base64
import json
import math
import re
from collections import Counter

import numpy as np
import pyarrow as pa
from google.protobuf.json_format import MessageToDict

DIGITS = re.compile(r"-?\d+\.\d{4,}(?:e[+-]?\d+)?")  # more than are the same on every processor
FEW = 12  # values that a list may have to be written as a whole
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
# Fields that hold style, addresses or scripts, or nothing that the page decides.
NOT_SHOWN = {
    *("id", "url", "deferredFileId", "jsContent", "cssContent", "formId", "widthConfig", "heightConfig"),
    *("flexContainer", "gapConfig"),
    *("elementType", "tag", "wrap", "arrowData", "setValue", "hasMin", "hasMax", "verticalAlignment", "spec", "json"),
    *("mixed", "config", "theme", "componentName", "registeredHandlerNames", "isolateStyles", "codeText", "stateType"),
}
SKIPPED = {"html", "empty", "logo", "skeleton"}
COORDINATES = {"x", "y"}  # of a component: computed, so that their last digits may differ
# Of a layout: what `palette.new_figure` sets in every chart.
IN_EVERY_LAYOUT = {"template", "font", "hoverlabel", "paper_bgcolor", "plot_bgcolor"}
IN_EVERY_AXIS = {"automargin", "tickfont"}
# Of traces and layouts: how they look, not what they say.
LOOK = {"hovertemplate", "cliponaxis", "line", "marker", "textfont", "margin", "fillcolor", "colorbar", "colorscale"}
PLACED = ("text", "x", "y", "x0", "x1", "y0", "y1")  # of annotations and shapes
JOINED = ("x", "y", "text")  # of traces that look the same
LONGEST = 240  # characters of a dictionary on one line
FINGERPRINTS = {"collection", "id"}  # of a dataset, which change with the library that writes its files
ARROW = "__streamlit_arrow_ref__"


def page(app, without=(), *, frame=False):
    """Return the text of a page that has run, but for containers of these keys; with `frame`, of the sidebar too."""
    assert not app.exception, app.exception
    roots = [app._tree.children[i] for i in ((0, 1, 3) if frame else (0,)) if i in app._tree.children]
    return "\n".join(line for root in roots for line in _block(root, "", without)) + "\n"


def figure(drawn, *, whole=False):
    """Return the text of a Plotly figure; with `whole`, with what every figure's layout has, too."""
    spec = json.loads(drawn.to_json())
    lines = _data(_by_name(spec["layout"]), " ", "") if whole else ()
    return "\n".join([*_figure(spec, ""), *lines]) + "\n"


def file(name, data):
    """Return the text of a file that a page offers: its lines, or the patterns and numbers of many."""
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    lines = DIGITS.sub(lambda match: number(float(match[0])), text).splitlines()
    return f"file {name}\n {_texts(lines)}\n" if len(lines) > FEW else "\n ".join([f"file {name}", *lines]) + "\n"


def _block(block, indent, without):
    for child in block.children.values():
        fields = _fields(child)
        if hasattr(child, "children"):
            if fields.get("key") in without:
                continue
            if fields:
                yield _line(indent, child.type, fields)
            yield from _block(child, indent + " " if fields else indent, without)
        elif child.type not in SKIPPED:
            yield from _element(child, fields, indent)


def _element(element, fields, indent):
    proto = element.proto
    if element.type == "bidi_component":
        yield f"{indent}component {proto.component_name}"
        yield from _data(_component_data(proto), indent + " ", "")
        return
    if element.type in {"table", "arrow_data_frame"}:
        yield f"{indent}{element.type}"
        table = element.value
        for row in [tuple(table.columns), *table.itertuples(index=False)]:
            yield f"{indent} {' | '.join(map(str, row))}"
        return
    value = getattr(element, "value", None)
    if isinstance(value, str | int | float | list | tuple) and value is not False and value != fields.get("body"):
        fields["value"] = value
    yield _line(indent, element.type, fields)
    if element.type == "plotly_chart":
        yield from _figure(_without_look(json.loads(proto.spec)), indent + " ")


def _component_data(proto):
    """Return the data of a component, with its Arrow tables as lists by column, and without fingerprints."""
    if proto.WhichOneof("data") != "mixed":
        data = json.loads(proto.json or "null")
        data = data[0] if isinstance(data, list) else data  # only the map's data are no list
    else:
        tables = {name: pa.ipc.open_stream(blob.data).read_all() for name, blob in proto.mixed.arrow_blobs.items()}
        data = json.loads(proto.mixed.json)
        data = {
            key: tables[value[ARROW]].to_pydict() if isinstance(value, dict) and ARROW in value else value
            for key, value in data.items()
        }
    for part in (data, data.get("map", {})) if isinstance(data, dict) else ():
        for key in FINGERPRINTS & set(part):
            part[key] = "fingerprint"
    return _filled(data)


def _filled(data):
    """Return data without what is empty or False in dictionaries."""
    if isinstance(data, dict):
        return {key: _filled(value) for key, value in data.items() if value or (value == 0 and value is not False)}
    return [_filled(one) for one in data] if isinstance(data, list) else data


def _fields(element):
    """Return what Streamlit was told of an element, with its key."""
    if getattr(element, "proto", None) is None:
        return {}
    told = MessageToDict(element.proto)
    key = re.sub(r"^\$\$ID-[0-9a-f]+-", "", told.get("id", ""))
    fields = {name: value for name, value in told.items() if name not in NOT_SHOWN and value not in ({}, "", False)}
    return ({"key": key} if key not in {"", "None"} else {}) | fields


def _line(indent, kind, fields):
    body = str(fields.pop("body", ""))
    more = " ".join(f"{name}={_inline(value)}" for name, value in fields.items())
    return f"{indent}{kind} {more} {body}".rstrip().replace("\n", f"\n{indent}   ")


def _inline(value):
    return number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)


def _figure(spec, indent):
    traces = _by_name(spec["data"])
    if len(traces) > FEW:
        traces = _together(traces)
    for trace in traces:
        yield f"{indent}trace {trace.get('type')} {trace.get('name', '')}"
        yield from _data({k: v for k, v in trace.items() if k not in {"type", "name"}}, indent + " ", "")
    yield f"{indent}layout"
    for name, value in spec["layout"].items():
        if name in {"xaxis", "yaxis"}:
            axis = {k: v for k, v in value.items() if k not in IN_EVERY_AXIS}
            yield from _data(axis | {"title": value.get("title", {}).get("text")}, indent + " ", name)
        elif name not in IN_EVERY_LAYOUT:
            yield from _data(_by_name(value), indent + " ", name)


def _by_name(data):
    """Return data with the keys of its dictionaries in order."""
    if isinstance(data, dict):
        return {key: _by_name(data[key]) for key in sorted(data)}
    return [_by_name(one) for one in data] if isinstance(data, list) else data


def _without_look(spec):
    """Return what a figure on a page shows without colours and sizes, which the snapshots of figures have."""
    traces = [{key: value for key, value in trace.items() if key not in LOOK} for trace in spec["data"]]
    layout = {key: value for key, value in spec["layout"].items() if key not in LOOK}
    for name in ("annotations", "shapes"):
        layout[name] = [{key: one[key] for key in PLACED if key in one} for one in layout.get(name, ())]
    return {"data": traces, "layout": layout}


def _together(traces):
    """Return traces; the points of those that look the same are listed together."""
    joined = {}
    for trace in traces:
        lists = {key: value for key in JOINED if isinstance(value := _decoded(trace.get(key)), list)}
        look = {key: value for key, value in trace.items() if key not in {"name", *lists}}
        names, all_lists, _ = joined.setdefault(json.dumps(look), ([], {key: [] for key in lists}, look))
        names.append(str(trace.get("name")))
        for key, value in lists.items():
            all_lists[key] += value
    return [look | lists | {"name": ", ".join(names)} for names, lists, look in joined.values()]


def _data(data, indent, name):
    """Yield a line for each value of nested dictionaries and lists; what is short stands on the line of its name."""
    data = _as_columns(_decoded(data))
    if isinstance(data, dict) and name and len(_value(data)) > LONGEST:
        yield f"{indent}{name}"
        indent, name = f"{indent} ", ""
    if isinstance(data, dict) and not name:
        for key, value in data.items():
            yield from _data(value, indent, str(key))
    elif isinstance(data, list) and any(isinstance(one, dict) for one in data):
        for number, one in enumerate(data):
            yield from _data(one, indent, f"{name}[{number}]")
    else:
        yield f"{indent}{name}: {_value(data, exact=name not in COORDINATES)}".replace("\n", " ")


def _as_columns(data):
    """Return a long list of dictionaries with the same keys as a list for each key; anything else as it is."""
    if (
        isinstance(data, list)
        and len(data) > FEW
        and all(isinstance(one, dict) and set(one) == set(data[0]) for one in data)
    ):
        return {"rows": len(data), **{key: [one[key] for one in data] for key in data[0]}}
    return data


def _decoded(data):
    """Return a typed array, as Plotly sends it, as a list; anything else as it is."""
    if isinstance(data, dict) and "bdata" in data:
        values = np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"])
        shape = [int(n) for n in str(data["shape"]).split(",")] if "shape" in data else [-1]
        return values.reshape(shape).tolist()
    return data


def _value(data, *, exact=True):
    """Return a value as text; a long list as its length, a few of its values, and sums that each value changes."""
    data = _decoded(data)
    if isinstance(data, dict):
        items = ((key, _value(value, exact=key not in COORDINATES)) for key, value in data.items())
        return f"{{{' '.join(f'{key}={value}' for key, value in items)}}}"
    if isinstance(data, list):
        return _list(data, exact=exact)
    if isinstance(data, float) or (isinstance(data, int) and not isinstance(data, bool) and not exact):
        return number(data)
    return json.dumps(data, ensure_ascii=False)


def _list(data, *, exact):
    if any(isinstance(one, list) for one in data):
        flat = [value for one in data for value in (one if isinstance(one, list) else [one])]
        return f"{len(data)} rows of {_list(flat, exact=exact)}"
    if data and all(isinstance(one, int | float) and not isinstance(one, bool) for one in data):
        return numbers(data)
    if len(data) <= FEW or not all(isinstance(one, str) for one in data):
        return "[" + " · ".join(_value(one, exact=exact) for one in data) + "]"
    return _texts(data)


def _texts(texts):
    """Return many texts as the patterns in which only numbers differ, with their numbers."""
    groups = Counter(NUMBER.sub("#", text) for text in texts)
    found = numbers([float(match) for text in texts for match in NUMBER.findall(text)])
    patterns = [f"{count} of {json.dumps(pattern, ensure_ascii=False)}" for pattern, count in groups.items()]
    kinds = f"{' · '.join(patterns[:2])}{f' … {len(patterns)} patterns' if len(patterns) > 2 else ''}"
    ends = (json.dumps(texts[i], ensure_ascii=False) for i in (0, -1))
    return f"{len(texts)} texts: {' … '.join(ends)} · {kinds} · {found}"


def number(value, scale=0.0):
    """Return a number with 4 significant digits; one that is nothing beside `scale` as 0."""
    if value is None or not math.isfinite(value):
        return str(value)
    return f"{0.0 if abs(value) <= max(1e-5 * scale, 1e-9) else value:#.4g}"


def numbers(values):
    """Return a list of numbers as text: each of a few, else how many, some of them, their sum, and one by position."""
    known = np.array([np.nan if value is None else value for value in values], float)
    sizes = np.abs(known[np.isfinite(known)])
    scale = float(sizes.max(initial=0.0))
    if len(values) <= FEW:
        return "[" + " ".join(number(value, scale) for value in known.tolist()) + "]"
    some = " ".join(number(float(known[i]), scale) for i in (0, 1, len(known) // 2, -2, -1))
    finite = np.where(np.isfinite(known), known, 0.0)
    power = math.floor(math.log10(sizes.sum())) if scale else 0
    sums = finite.sum(), (finite * np.arange(1, len(finite) + 1)).sum() / len(finite)
    total, placed = (f"{float(one) / 10.0**power:.5f}e{power:+03d}" for one in sums)
    missing = len(known) - len(sizes)
    return f"{len(known)} numbers{f' ({missing} missing)' if missing else ''}: {some} … sum {total} placed {placed}"
