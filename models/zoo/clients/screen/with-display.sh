#!/bin/sh
# usage: with-display.sh NUMBER COMMAND...   runs a command with a screen of its own
set -u
export DISPLAY=":$1"
lock="/tmp/.X$1-lock"
socket="/tmp/.X11-unix/X$1"
shift
rm -f "$lock" "$socket" # of a run that was ended: no other has this number
Xvfb "$DISPLAY" -screen 0 1280x900x24 -nolisten tcp >/dev/null 2>&1 &
screen=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  xdotool getmouselocation >/dev/null 2>&1 && break
  sleep 0.3
done
openbox >/dev/null 2>&1 &
"$@"
status=$?
kill "$screen"
wait "$screen"
rm -f "$lock" "$socket"
exit "$status"
