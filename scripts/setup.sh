#!/usr/bin/env bash
# Installs what building needs and is not there yet, with `tests` also what the tests need.
# Debian and Ubuntu only; for other systems it says what to install.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { command -v "$1" >/dev/null 2>&1 || { echo "Missing: $1. $2" >&2; exit 1; }; }
need cargo "Install Rust 1.95 or newer with rustup."
need node "Install Node.js 20.19 or newer."
need npm "It comes with Node.js."

build_packages=(libwebkit2gtk-4.1-dev pkg-config gcc)
test_packages=()
if [ "${1:-}" = tests ]; then
    mapfile -t test_packages < tests/setup/apt-packages.txt
fi

if command -v dpkg-query >/dev/null 2>&1; then
    missing=()
    for package in "${build_packages[@]}" "${test_packages[@]}"; do
        [ -n "$package" ] || continue
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || echo absent)
        [ "$state" = installed ] || missing+=("$package")
    done
    if [ "${#missing[@]}" -gt 0 ]; then
        echo "Installing: ${missing[*]}"
        as_root=()
        [ "$(id -u)" = 0 ] || as_root=(sudo)
        "${as_root[@]}" apt-get update -qq
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq \
            --no-install-recommends "${missing[@]}" >/dev/null
    fi
else
    echo "This is not Debian: packages are not installed for you. See README, \"Other systems\"." >&2
fi

stamp=ui/node_modules/.installed-lock
if ! cmp -s ui/package-lock.json "$stamp"; then
    (cd ui && npm ci --no-audit --no-fund --loglevel=error)
    cp ui/package-lock.json "$stamp"
fi
