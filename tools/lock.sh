#!/bin/sh
# Writes requirements.txt (what the app and Community Cloud install), requirements-dev.txt (the same and what tests
# need) and requirements-bench.txt (the same as the first and the libraries that benchmarks measure) from
# pyproject.toml. Every package is pinned, for every platform. A file is replaced only when each pin has a wheel for
# each Python on Linux x86-64. Usage: tools/lock.sh path/to/uv
set -eu
uv=$1
pythons="3.11 3.12 3.13 3.14"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# lock FILE EXTRA [option of the wheel check ...]
lock() {
    file=$1 extra=$2
    shift 2
    new=$work/$file
    {
        printf '# Made by `make lock` from pyproject.toml: change that, not this.\n'
        printf '# On Linux x86-64 tensorflow-cpu stands in for tensorflow: the same library, 300 MB smaller.\n'
        "$uv" pip compile --quiet pyproject.toml --universal --python-version 3.11 \
            --no-emit-index-url --no-header --annotation-style line --extra "$extra" $constraint
    } > "$new"
    for python in $pythons; do
        "$uv" pip compile --quiet "$new" --no-deps --python-version "$python" \
            --python-platform x86_64-manylinux_2_28 --only-binary :all: "$@" --output-file "$work/wheels-$python-$file"
    done
    cp "$new" "$file"
}

constraint=
lock requirements.txt app
constraint="--constraint requirements.txt"
lock requirements-dev.txt dev
lock requirements-bench.txt bench --no-binary annoy --no-binary hnswlib  # these two are compiled when installed
