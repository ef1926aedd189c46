#!/bin/sh
# Writes requirements.txt (what the app and Community Cloud install), requirements-dev.txt (the same and the development
# tools) and requirements-bench.txt (the same and the peers that benchmarks measure) from pyproject.toml, every package
# pinned for every platform. Usage: tools/lock.sh path/to/uv
set -eu
uv=$1

lock() {
    out=$1
    shift
    {
        printf '# Made by `make lock` from pyproject.toml: change that, not this.\n'
        printf '# On Linux x86-64 tensorflow-cpu stands in for tensorflow: the same library, 300 MB smaller.\n'
        "$uv" pip compile --quiet pyproject.toml --universal --python-version 3.11 \
            --no-emit-index-url --no-header --annotation-style line "$@"
    } > "$out.new"
    mv "$out.new" "$out"
}

lock requirements.txt
lock requirements-dev.txt --extra dev --constraint requirements.txt
lock requirements-bench.txt --extra bench --constraint requirements.txt
