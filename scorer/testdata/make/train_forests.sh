#!/usr/bin/env bash
# Trains the LightGBM and XGBoost fixtures of package scorer anew and lets the libraries explain them, with every version that the
# tests compare with: a virtual environment for each, in the folder given or in a new one. Needs Python 3.11, for which all of these
# have wheels.
#
#     ./train_forests.sh [FOLDER]
#     ./train_forests.sh explain [FOLDER]    # explains the models that are there, without training
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
train=yes
if [ "${1:-}" = explain ]; then
  train=no
  shift
fi
venvs=${1:-$(mktemp -d)}

make() { # name, script, packages
  local python=$venvs/v-$1/bin/python
  [ -x "$python" ] || { python3 -m venv "$venvs/v-$1" && "$venvs/v-$1/bin/pip" install -q --no-cache-dir "${@:3}"; }
  [ "$train" = no ] || "$python" "$here/$2"
  "$python" "$here/explain_forests.py"
}

for v in 2.3.1 3.3.5; do
  make lgb-$v train_lightgbm.py lightgbm==$v numpy==1.23.5 scipy==1.10.1 scikit-learn==1.2.2
done
for v in 4.0.0 4.6.0; do
  make lgb-$v train_lightgbm.py lightgbm==$v numpy==1.26.4 scipy==1.17.1
done
make xgb-1.7.6 train_xgboost.py xgboost==1.7.6 numpy==1.26.4 scipy==1.11.4
for v in 2.1.4 3.0.5 3.1.1 3.2.0; do
  make xgb-$v train_xgboost.py xgboost-cpu==$v numpy==1.26.4 scipy==1.17.1
done
