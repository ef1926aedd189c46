"""Description of the processor."""

import numpy as np

from lsh.analysis import machine


def test_the_machine_is_described_with_what_times_depend_on():
    text = machine.summary()
    assert "processor" in text
    assert f"numpy {np.__version__}" in text
    assert "numba" in text


def test_the_processor_is_what_linux_gives_model_name_family_and_popcount(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    assert machine.processor()  # from the platform module: there is no such file
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast CPU @ 2 GHz: server\nflags\t: sse avx\n")
    assert machine.processor() == "Fast CPU @ 2 GHz: server"
    with (tmp_path / "cpuinfo").open("a") as file:
        file.write("cpu family\t: 6\nmodel\t: 9\nflags\t: sse avx512_vpopcntdq\n")
    assert machine.processor() == "Fast CPU @ 2 GHz: server (family 6, model 9), AVX-512 VPOPCNTDQ"
