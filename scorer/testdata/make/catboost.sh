#!/bin/sh
# Makes ../libraries/catboost-*: one virtual environment for each version of the library, under $1 (default: a new folder).
#
#     ./catboost.sh [FOLDER]
#
# Needs python3.11, for which all of these versions have wheels.
set -eu
cd "$(dirname "$0")"
venvs=${1:-$(mktemp -d)}
for pins in "catboost==1.2 numpy==1.26.4 pandas==2.0.3" "catboost==1.2.5 numpy==1.26.4 pandas==3.0.6" \
	"catboost==1.2.8 numpy==1.26.4 pandas==3.0.6" "catboost==1.2.10 numpy==2.4.6 pandas==3.1.1"; do
	venv="$venvs/$(echo "$pins" | cut -d' ' -f1)"
	python3.11 -m venv "$venv"
	# shellcheck disable=SC2086 # several arguments are meant
	"$venv/bin/pip" install -q $pins
	"$venv/bin/python" train_catboost.py
done
