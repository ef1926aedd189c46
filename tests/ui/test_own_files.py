"""A collection of one's own files begins with a file, not with an excerpt to measure with."""

import json

import numpy as np
import soundfile

from data_prep.schema import About, ClipBatch, Label
from data_prep.writer import write_dataset


def test_the_first_sound_and_a_surprise_are_whole_files(home, app, tmp_path):
    n, rng = 60, np.random.default_rng(4)
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for i in range(n):
        soundfile.write(sounds / f"{i}.wav", 0.1 * rng.standard_normal(1600), 16_000)
    clips = ClipBatch(
        clip_id=[f"f{i}" for i in range(n)] + [f"f{i}~middle" for i in range(20)],
        split=["train"] * n + ["validation"] * 20,
        media=[f"{i}.wav" for i in range(n)] + [f"{i}.wav" for i in range(20)],
        start_s=np.zeros(n + 20),
        end_s=np.full(n + 20, 0.1),
        labels=[[0]] * (n + 20),
        n_frames=np.ones(n + 20, int),
        features=rng.standard_normal((n + 20, 16)).astype(np.float32),
    )
    about = About("Mine", "a test", "none", "file", media_folder=str(sounds))
    write_dataset(home / "sample", about, [Label("folder/", "drum")], [clips])

    def shown():
        protos = [element.proto for element in app.get("bidi_component")]
        return json.loads(next(p.json for p in protos if p.component_name == "earshot.query"))["clip"]["id"]

    app.run()
    assert not app.exception
    assert not shown().endswith("~middle")
    next(button for button in app.button if button.label == "Surprise me").click().run()
    assert not shown().endswith("~middle")
