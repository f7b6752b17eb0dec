#!/bin/sh
# Chromium for the browser tests: found, or installed (Debian, as root), or named so that a person can install it.
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ -x "${ECHODECK_CHROMIUM:-}" ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing chromium for the browser tests"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null && exit 0
fi
echo "No Chromium: the browser tests will be skipped. Install it (apt-get install chromium, brew install --cask chromium)"
echo "or set ECHODECK_CHROMIUM to a Chromium or Chrome executable."
[ "${CI:-}" != true ]
