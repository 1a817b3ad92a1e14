#!/usr/bin/env bash
# Makes dist/explorer.js, dist/explorer.css, dist/LICENSES.txt and VERSIONS.md from src/ and the locked npm packages.
# Needs node 20 and npm. The other files in dist/ are written by hand and stay as they are.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r src build.mjs package.json package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs)

cp "$work"/out/explorer.js "$work"/out/explorer.css "$work"/out/LICENSES.txt dist/
cp "$work"/out/VERSIONS.md .
ls -l dist
