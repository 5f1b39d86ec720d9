#!/usr/bin/env bash
# ops/beside.sh "COMMAND" "COMMAND": runs both at the same time. The first gets what the second leaves of the processors; what
# it says is shown in one piece, once it has ended. If it fails, the second is ended.
set -euo pipefail

said="$(mktemp)"
# Each is a process group of its own, so that it ends with all that it has started.
set -m
nice bash -c "$1" >"$said" 2>&1 &
first=$!
bash -c "$2" &
second=$!
end() {
    { kill -- -"$first" -"$second" || true; wait; } 2>/dev/null
    rm -f "$said"
}
trap end EXIT

code=0
wait "$first" || code=$?
printf '\n'
cat "$said"
[ "$code" = 0 ] || exit "$code"
wait "$second"
