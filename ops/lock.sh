#!/usr/bin/env bash
# Pins every package with the hashes of its release, for Linux and macOS, x86_64 and arm64: constraints.txt is what is
# installed here, layer/requirements.txt the part of it that the functions take along.
#
# `ops/lock.sh` adds and removes what pyproject.toml and layer/requirements.in say, and leaves all other versions as they
# are; `ops/lock.sh --upgrade` takes the newest of each, `ops/lock.sh --upgrade-package NAME` of one.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url \
        --custom-compile-command "make update" "$@"
}

everything=(pyproject.toml --extra dev layer/requirements.in --output-file constraints.txt)
if [ $# -gt 0 ]; then
    # Nothing goes back: the newest boto3 would otherwise be had for a SAM CLI of a year ago.
    floors="$(mktemp)"
    trap 'rm -f "$floors"' EXIT
    sed -n 's/^\([^ =]*\)==\([^ ]*\).*/\1>=\2/p' constraints.txt >"$floors"
    lock "$@" "${everything[@]}" --constraints "$floors"
fi
lock "${everything[@]}"
# Anew each time: it follows from constraints.txt alone.
lock layer/requirements.in --constraints constraints.txt --no-annotate --upgrade --output-file layer/requirements.txt
