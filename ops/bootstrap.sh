#!/usr/bin/env bash
# Makes .venv with Python 3.13 and the packages of constraints.txt, where that has not been done yet.
#
# `ops/bootstrap.sh --find` only prints the Python that it would use, `--packages` only installs into .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# A `python3.13` on PATH can be a version manager's shim that fails unless told which version: only trying it tells.
works() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1
}

candidates() {
    local name folder
    for name in python3.13 python3 python; do command -v "$name" || true; done
    for folder in \
        "$(pyenv root 2>/dev/null || true)/versions" "${PYENV_ROOT:-$HOME/.pyenv}/versions" \
        "${ASDF_DATA_DIR:-$HOME/.asdf}/installs/python" \
        "${MISE_DATA_DIR:-$HOME/.local/share/mise}/installs/python"; do
        ls -d "$folder"/3.13*/bin/python3.13 2>/dev/null || true
    done
    if command -v uv >/dev/null; then uv python find --no-project 3.13 2>/dev/null || true; fi
}

find_python() {
    local python
    while read -r python; do
        if works "$python"; then
            printf '%s\n' "$python"
            return
        fi
    done < <(candidates)
    if command -v uv >/dev/null; then
        say "Python 3.13 is not here yet: uv fetches it ..."
        if uv python install 3.13 >&2 && python="$(uv python find --no-project 3.13)" && works "$python"; then
            printf '%s\n' "$python"
            return
        fi
    fi
    say "CloudRetail needs Python 3.13 with its venv module, the version that its functions run on. None was found."
    say "Install it in one of these ways, then try again:"
    say "  pyenv:          pyenv install 3.13"
    say "  uv:             uv python install 3.13"
    say "  macOS:          brew install python@3.13"
    say "  Debian, Ubuntu: apt-get install python3.13 python3.13-venv (where the release has it)"
    return 1
}

install_packages() {
    local uv
    pip() { .venv/bin/python -m pip --disable-pip-version-check install -qq "$@"; }
    if ! uv="$(command -v uv)" || ! "$uv" --version >/dev/null 2>&1; then
        # pip brings uv, and uv the rest, in a tenth of pip's time. Both take only what has the hash that is written down.
        awk '/^uv==/ {mine = 1} mine {print} mine && !/\\$/ {exit}' constraints.txt >.venv/uv.txt
        pip --require-hashes -r .venv/uv.txt
        uv=.venv/bin/uv
    fi
    uv() { "$uv" pip "$@" --quiet --python .venv/bin/python; }
    if uv sync --require-hashes constraints.txt; then
        uv install --no-deps --no-build-isolation -e .
    else
        # pip's own configuration may name a mirror, of which uv knows nothing.
        say "uv could not install them: pip tries, which takes two minutes ..."
        .venv/bin/python -m ensurepip >/dev/null # uv may have taken away the one that was there.
        pip --require-hashes -r constraints.txt
        pip --no-deps --no-build-isolation -e .
    fi
    uv check
}

if [ "${1:-}" = --find ]; then
    find_python
    exit
fi

if [ "${1:-}" = --packages ]; then
    install_packages
    exit
fi

if [ ! -w . ]; then
    say "This folder cannot be written to: $PWD"
    say "Packages, pages and what a shop keeps while it runs are put into it. Work on a copy that is yours:"
    say "  cp -R \"$PWD\" ~/cloudretail"
    exit 1
fi

if [ ! -x .venv/bin/python ] || ! works .venv/bin/python; then
    python="$(find_python)"
    say "Making .venv with $python ..."
    "$python" -m venv --clear .venv
fi

# Done again only once one of these files has changed.
wanted="$(cat pyproject.toml constraints.txt | cksum)"
if [ "$(cat .venv/installed 2>/dev/null || true)" != "$wanted" ]; then
    ops/quietly.sh "Installing the packages (a minute at most, the first time)" ops/bootstrap.sh --packages
    printf '%s\n' "$wanted" >.venv/installed
fi
