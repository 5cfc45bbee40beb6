#!/bin/sh
# usage: install.sh FOLDER PROGRAM...   makes an environment for each program of Python; those of Node are with Node's libraries
set -u
cd "$1" || exit 1
shift
while read -r program wanted; do
  # curl_cffi is four programs
  case " $*" in *" $program"*) ;; *) continue ;; esac
  [ -e "$program/done" ] && continue
  rm -rf "$program"
  # shellcheck disable=SC2086 # the rest of the line is a list
  if python3 -m venv "$program" >"$program.log" 2>&1 && "$program/bin/pip" install -q --disable-pip-version-check --no-compile certifi $wanted >>"$program.log" 2>&1; then
    cat authority.crt >>"$("$program/bin/python" -m certifi)"
    first=${wanted%% *}
    echo "$program $("$program/bin/pip" show "${first%%==*}" 2>/dev/null | sed -n 's/^Version: //p')" >"$program/version"
    touch "$program/done"
  else
    echo "missing: $program: $(tail -n 1 "$program.log")"
  fi
done <programs.txt
[ -e curl_cffi/version ] || exit 0
for p in chrome firefox safari raw; do echo "curl_cffi-$p $(cut -d ' ' -f 2 curl_cffi/version)"; done >versions
