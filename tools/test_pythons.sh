#!/bin/sh
# Runs the fast part of the test suite on each supported Python that is found, as python3.X on the PATH or below
# ~/.pyenv; each has its own environment in .venvs. Usage: tools/test_pythons.sh [3.12 ...]; see `make test-pythons`.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 3.11 3.12 3.13 3.14
fast="tests/earshot_common tests/lsh tests/package tests/data_prep tests/meta"

find_python() {
    for candidate in "python$1" "$HOME/.pyenv/versions/$1".*/bin/python; do
        if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$1" ]; then
            command -v "$candidate"
            return
        fi
    done
}

tested=
for version in "$@"; do
    python=$(find_python "$version")
    if [ -z "$python" ]; then
        echo "Python $version: not found, not tested"
        continue
    fi
    echo "Python $version: $python"
    venv=.venvs/$version
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
    "$venv/bin/python" -m pytest -q -n 2 --no-loadscope-reorder $fast
    tested="$tested $version"
done
[ -n "$tested" ] || { echo "no supported Python was found"; exit 1; }
echo "tested on Python$tested"
