#!/usr/bin/env bash
# Pins every package with the hashes of its release, for Linux and macOS, x86_64 and arm64: constraints.txt is what is
# installed here, the requirements.txt of each layer the part of it that functions take along.
#
# `ops/lock.sh` adds and removes what pyproject.toml and the layers' requirements.in say, and leaves all other versions as
# they are; `ops/lock.sh --upgrade` takes the newest of each, `ops/lock.sh --upgrade-package NAME` of one.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url \
        --custom-compile-command "make update" "$@"
}

layers=(layer picture-layer stripe-layer)
everything=(pyproject.toml --extra dev "${layers[@]/%//requirements.in}" --output-file constraints.txt)
if [ $# -gt 0 ]; then
    # Nothing goes back: the newest boto3 would otherwise be had for a SAM CLI of a year ago.
    floors="$(mktemp)"
    trap 'rm -f "$floors"' EXIT
    sed -n 's/^\([^ =]*\)==\([^ ]*\).*/\1>=\2/p' constraints.txt >"$floors"
    lock "$@" "${everything[@]}" --constraints "$floors"
fi
lock "${everything[@]}"
# Anew each time: it follows from constraints.txt alone.
for layer in "${layers[@]}"; do
    lock "$layer/requirements.in" --constraints constraints.txt --no-annotate --upgrade \
        --output-file "$layer/requirements.txt"
done
