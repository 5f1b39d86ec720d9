#!/usr/bin/env bash
# Lists the licence of every package: of what is deployed first, then of what only this machine needs.
set -euo pipefail
cd "$(dirname "$0")/.."

layer="$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' layer/requirements.txt picture-layer/requirements.txt stripe-layer/requirements.txt)"
# Some packages have their licence's whole text where its name belongs.
python() { pip-licenses --from=mixed --order=license --format=markdown "$@" | cut -c -120; }
node() {
    (cd frontend && npm query "$1") | command node --input-type=module --eval '
        let text = "";
        for await (const part of process.stdin) text += part;
        const rows = JSON.parse(text).filter(({ name }) => name && name !== "storefront").map(
            ({ name, version, license }) => `| ${name} | ${version} | ${license ?? "?"} |`);
        console.log(["| Name | Version | License |", "| --- | --- | --- |", ...new Set(rows)].join("\n"));'
}

printf '## The functions take along\n\n'
# shellcheck disable=SC2086 # Each name is a word of its own.
python --packages $layer
printf '\n## The storefront takes along\n\n'
node .prod
printf '\n## Only to develop, Python\n\n'
# shellcheck disable=SC2086
python --ignore-packages cloudretail $layer
printf '\n## Only to develop, Node\n\n'
node .dev
