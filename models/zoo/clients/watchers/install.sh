#!/bin/sh
# usage: install.sh FOLDER   installs feedparser; the rest are Debian's packages
set -u
cd "$1" || exit 1
[ -e feedparser/done ] && exit 0
python3 -m venv feedparser && feedparser/bin/pip install -q --disable-pip-version-check --no-compile feedparser==6.0.14 &&
  echo "feedparser 6.0.14" >feedparser/version && touch feedparser/done || echo "missing: feedparser"
