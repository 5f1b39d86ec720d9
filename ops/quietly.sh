#!/usr/bin/env bash
# ops/quietly.sh WHAT COMMAND...: says what is done, on a terminal with the seconds that it takes, and what the command says
# only where it fails.
set -euo pipefail

what="$1"
said="$(mktemp)"
ticking=
end() {
    if [ -n "$ticking" ]; then
        kill "$ticking" 2>/dev/null || true
        printf '\r%s ... %s s\n' "$what" "$SECONDS" >&2
    fi
    rm -f "$said"
}
trap end EXIT

if [ -t 2 ]; then
    while :; do
        printf '\r%s ... %s s' "$what" "$SECONDS" >&2
        sleep 1
    done &
    ticking=$!
else
    printf '%s ...\n' "$what" >&2
fi
"${@:2}" >"$said" 2>&1 || {
    code=$?
    cat "$said" >&2
    exit "$code"
}
