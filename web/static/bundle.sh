#!/usr/bin/env bash
# Makes govuk.css from src/govuk.scss and the locked npm packages. Needs node 20 and npm. app.css is written by hand.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r src package.json package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --omit=optional --no-audit --no-fund &&
  node_modules/.bin/sass --load-path=node_modules --style=compressed --no-source-map --no-charset src/govuk.scss govuk.css)

if grep -niE 'url\(|@font-face|@import|GDS Transport|crown-' "$work/govuk.css" | cut -c1-200 | grep .; then
  echo 'govuk.css must not refer to other files, fonts or the crown' >&2
  exit 1
fi
cp "$work/govuk.css" .
ls -l govuk.css
