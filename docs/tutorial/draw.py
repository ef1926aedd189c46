"""Figures of the tutorial: curves and points as an SVG file, without any package."""

from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent / "figures"
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 340, 60, 50, 16, 170
COLOURS = ("#0b5fa5", "#a33b00", "#1b6e3c", "#6a3d9a", "#5a5a5a")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4")


def angle_law(angles, counted):
    """Draw the share of hyperplanes with the same bit by the angle in degrees, both float[n], beside the law."""
    x_axis = ("angle between the two clips, degrees", 0, 180, 30)
    y_axis = ("share of hyperplanes with the same bit", 0, 1, 0.2)
    draw("angle-law", x_axis, y_axis, {"law: 1 - θ/180°": ([0, 180], [1, 0])}, {"counted": (angles, counted)})


def s_curve(hit_probability):
    """Draw a function of p, L and K by the angle, for four settings; p = 1 - angle / 180."""
    angles, settings = range(0, 181, 2), [(1, 1), (1, 8), (16, 8), (32, 16)]
    lines = {
        f"L = {n_tables}, K = {n_bits}": (angles, [hit_probability(1 - x / 180, n_tables, n_bits) for x in angles])
        for n_tables, n_bits in settings
    }
    draw("s-curve", ("angle from the query, degrees", 0, 180, 30), ("chance to be a candidate", 0, 1, 0.2), lines)


def recall_looked_at(recall, looked_at):
    """Draw recall by the share of clips looked at, both float[L, K], with a line along L for each of five K."""
    lines = {f"K = {k}": (100 * looked_at[:, k - 1], recall[:, k - 1]) for k in (6, 8, 10, 12, 16)}
    draw("recall-looked-at", ("clips looked at, %", 0, 40, 10), ("recall", 0, 1, 0.2), lines)


def draw(name, x_axis, y_axis, lines, points=None):
    """Write `<name>.svg`.

    x_axis, y_axis: (title, lowest, highest, step between two ticks). lines, points: {label: (x values, y values)}.
    """
    (x_title, x0, x1, x_step), (y_title, y0, y1, y_step) = x_axis, y_axis
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(x, y):
        return LEFT + (x - x0) / (x1 - x0) * (right - LEFT), bottom - (y - y0) / (y1 - y0) * (bottom - TOP)

    def text(x, y, words, anchor="middle", more=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
    for i in range(round((x1 - x0) / x_step) + 1):
        x, _ = at(x0 + i * x_step, y0)
        parts += [f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#dddddd"/>', text(x, bottom + 18, f"{x0 + i * x_step:g}")]
    for i in range(round((y1 - y0) / y_step) + 1):
        _, y = at(x0, y0 + i * y_step)
        parts += [f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#dddddd"/>']
        parts += [text(LEFT - 8, y + 4, f"{y0 + i * y_step:g}", "end")]
    parts += [text((LEFT + right) / 2, HEIGHT - 10, x_title)]
    parts += [text(16, (TOP + bottom) / 2, y_title, more=f' transform="rotate(-90 16 {(TOP + bottom) / 2:.1f})"')]
    points = points or {}
    for i, (label, (xs, ys)) in enumerate((lines | points).items()):
        colour, dash, y = COLOURS[i % 5], DASHES[i % 5], TOP + 14 + 22 * i
        places = [at(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        sample = [(right + 14, y - 4), (right + 38, y - 4)]
        if label in points:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in [*places, sample[1]]]
        else:
            for line in (places, sample):
                path = "L".join(f"{x:.1f} {y:.1f}" for x, y in line)
                parts.append(
                    f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
                )
        parts.append(text(right + 46, y, label, "start"))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    FOLDER.joinpath(f"{name}.svg").write_text("\n".join([head, *parts, "</svg>", ""]), encoding="utf-8")
