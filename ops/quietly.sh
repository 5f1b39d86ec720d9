#!/usr/bin/env bash
# ops/quietly.sh WHAT COMMAND...: says what is done, and what the command says only where it fails.
set -euo pipefail

printf '%s ...\n' "$1" >&2
said="$(mktemp)"
trap 'rm -f "$said"' EXIT
"${@:2}" >"$said" 2>&1 || {
    code=$?
    cat "$said" >&2
    exit "$code"
}
