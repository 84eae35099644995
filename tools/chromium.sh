#!/bin/sh
# Chromium for the tests of the page, where it may be installed: Debian's, by apt, as root.
# Without it those tests skip and say so. Ends with 0 only where a browser is there.
set -eu

for name in chromium chromium-browser google-chrome chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        echo "there is a Chromium already: $(command -v "$name")"
        exit 0
    fi
done
if ! command -v apt-get >/dev/null 2>&1; then
    echo "there is no Chromium, and no apt-get to install one; install it as your system does, and run the tests again" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "there is no Chromium, and only root may install one: run 'sudo sh tools/chromium.sh'" >&2
    exit 1
fi
if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }; then
    echo "Chromium could not be installed; is a mirror of Debian's packages reachable from here?" >&2
    exit 1
fi
command -v chromium
