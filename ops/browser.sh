#!/usr/bin/env bash
# Makes sure that there is a browser for the tests that drive the storefront, and prints where it is.
#
# `ops/browser.sh --find` only looks for it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

installed() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if command -v "$name"; then return; fi
    done
    # The one that Playwright has fetched earlier.
    .venv/bin/python -c '
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    path = pathlib.Path(playwright.chromium.executable_path)
print(path) if path.exists() else sys.exit(1)' 2>/dev/null
}

if installed; then exit; fi
if [ "${1:-}" = --find ]; then exit 1; fi

say "Installing a browser for the tests ..."
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq >&2
    # Ubuntu's package of that name is only a pointer to a snap, which does not start in a container.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >&2 || true
    if command -v chromium && chromium --version >/dev/null 2>&1; then exit; fi
fi
if .venv/bin/python -m playwright install chromium >&2 && installed; then exit; fi

say "The tests drive the storefront in a browser, and none could be installed."
say "Install Chromium or Chrome, so that it is on the PATH, then try again."
exit 1
