#!/bin/sh
# usage: install.sh FOLDER PROGRAM...   makes an environment for each program in the folder, with versions that are fixed
set -u
cd "$1" || exit 1
shift
while read -r program wanted; do
  case " $* " in *" $program "*) ;; *) continue ;; esac
  [ -e "$program/done" ] && continue
  rm -rf "$program"
  # shellcheck disable=SC2086 # the rest of the line is a list
  if python3 -m venv "$program" >"$program.log" 2>&1 && "$program/bin/pip" install -q --disable-pip-version-check --no-compile certifi $wanted >>"$program.log" 2>&1; then
    cat authority.crt >>"$("$program/bin/python" -m certifi)"
    first=${wanted%% *} && first=${first%%[*}
    name=${first%%==*}
    echo "$program $("$program/bin/pip" show "$name" 2>/dev/null | sed -n 's/^Version: //p')" >"$program/version"
    [ "$program" = py-urllib ] && echo "$program $("$program/bin/python" -c 'import platform; print(platform.python_version())')" >"$program/version"
    touch "$program/done"
  else
    echo "missing: $program: $(tail -n 1 "$program.log")"
  fi
done <programs.txt
