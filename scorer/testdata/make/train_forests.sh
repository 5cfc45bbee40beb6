#!/usr/bin/env bash
# Trains the LightGBM and XGBoost fixtures of package scorer anew and lets the libraries explain them, with every version that the
# tests compare with: a virtual environment for each, in the folder given or in a new one. Needs Python 3.11, for which all of these
# have wheels.
#
#     ./train_forests.sh [FOLDER]
#     ./train_forests.sh explain [FOLDER]    # explains the models that are there, without training
#     ./train_forests.sh categories [FOLDER] # trains those with pandas category columns alone
#     ./train_forests.sh old [FOLDER]        # trains those of XGBoost before 1.3 alone, which needs Python 3.8 as python3.8
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
part=all
case "${1:-}" in
  explain | categories | old) part=$1; shift ;;
esac
venvs=${1:-$(mktemp -d)}

install() { # name, Python, packages
  [ -x "$venvs/v-$1/bin/python" ] || { "$2" -m venv "$venvs/v-$1" && "$venvs/v-$1/bin/pip" install -q --no-cache-dir "${@:3}"; }
}

make() { # name, script, packages
  install "$1" python3 "${@:3}"
  [ "$part" = explain ] || "$venvs/v-$1/bin/python" "$here/$2"
  "$venvs/v-$1/bin/python" "$here/explain_forests.py"
}

categories() { # name, packages
  install "cat-$1" python3 "${@:2}"
  "$venvs/v-cat-$1/bin/python" "$here/train_categories.py"
}

old() {
  local v
  for v in 1.0.2 1.1.1 1.2.1; do
    install "xgb-$v" python3.8 xgboost==$v numpy==1.21.6 scipy==1.7.3
    "$venvs/v-xgb-$v/bin/python" "$here/train_old_xgboost.py" "$venvs/old.json"
  done
  install xgb-3.2.0 python3 xgboost-cpu==3.2.0 numpy==1.26.4 scipy==1.17.1
  "$venvs/v-xgb-3.2.0/bin/python" "$here/train_old_xgboost.py" "$venvs/old.json"
}

if [ "$part" != explain ]; then
  if [ "$part" != old ]; then
    categories lgb-3.3.5 lightgbm==3.3.5 numpy==1.23.5 scipy==1.10.1 scikit-learn==1.2.2 pandas==1.5.3
    categories lgb-4.6.0 lightgbm==4.6.0 numpy==1.26.4 scipy==1.17.1 pandas==2.3.3
    for v in 3.1.1 3.2.0; do
      categories xgb-$v xgboost-cpu==$v numpy==1.26.4 scipy==1.17.1 pandas==2.3.3 pyarrow==17.0.0
    done
  fi
  [ "$part" = categories ] || old
fi
[ "$part" = all ] || [ "$part" = explain ] || exit 0

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
