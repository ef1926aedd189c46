import numpy as np

from lsh.analysis import machine


def test_the_machine_is_described_with_what_times_depend_on():
    text = machine.summary()
    assert "processor" in text
    assert f"numpy {np.__version__}" in text
    assert "numba" in text


def test_the_processor_is_the_model_name_that_linux_gives(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    assert machine.processor()  # from the platform module: there is no such file
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast CPU @ 2 GHz: server\nflags\t: sse avx\n")
    assert machine.processor() == "Fast CPU @ 2 GHz: server"
    assert machine.cpu_fields()["flags"] == "sse avx"
