#!/bin/sh
# usage: install.sh FOLDER PROGRAM...   installs the libraries that drive browsers: Python's, Node's and Go's, and geckodriver
set -u
cd "$1" || exit 1
shift
while read -r program wanted; do
  case " $* " in *" $program "*) ;; *) continue ;; esac
  [ -e "$program/done" ] && continue
  rm -rf "$program"
  # shellcheck disable=SC2086 # the rest of the line is a list
  if python3 -m venv "$program" >"$program.log" 2>&1 && "$program/bin/pip" install -q --disable-pip-version-check --no-compile $wanted >>"$program.log" 2>&1; then
    first=${wanted%% *}
    echo "$program $("$program/bin/pip" show "${first%%==*}" 2>/dev/null | sed -n 's/^Version: //p')" >"$program/version"
    touch "$program/done"
  else
    echo "missing: $program: $(tail -n 1 "$program.log")"
  fi
done <programs.txt
if ! cmp -s done package.json; then
  if PUPPETEER_SKIP_DOWNLOAD=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund >npm.log 2>&1; then
    cp package.json done
  else
    echo "missing: packages of Node: $(tail -n 1 npm.log)"
  fi
fi
node -e '
const p = JSON.parse(require("fs").readFileSync("package.json")).dependencies;
const names = { playwright: "playwright-core", patchright: "patchright-core", puppeteer: "puppeteer-core", "puppeteer-shell": "puppeteer-core",
  "puppeteer-stealth": "puppeteer-extra-plugin-stealth", "rebrowser-puppeteer": "rebrowser-puppeteer-core", "crawlee-playwright": "crawlee" };
for (const n of Object.keys(names)) console.log(n, p[names[n]]);' >versions
if command -v go >/dev/null; then
  for file in main.go go.mod go.sum; do cp "go/$file.txt" "go/$file"; done
  (cd go && GOWORK=off go build -o ../drive . >../go.log 2>&1) || echo "missing: chromedp, rod: $(tail -n 1 go.log)"
  (cd go && GOWORK=off go list -m -f '{{.Path}} {{.Version}}' all 2>/dev/null) | sed -n 's|^github.com/chromedp/chromedp |chromedp |p; s|^github.com/go-rod/rod |rod |p' >>versions
else
  echo "missing: chromedp, rod: there is no go"
fi
case " $* " in *" selenium-firefox "*) gecko=wanted ;; *) gecko= ;; esac
if [ -n "$gecko" ] && ! [ -x geckodriver ]; then
  if command -v geckodriver >/dev/null; then
    ln -s "$(command -v geckodriver)" geckodriver
  elif command -v cargo >/dev/null && cargo install -q --root geckodriver.cargo geckodriver >geckodriver.log 2>&1; then
    ln -s geckodriver.cargo/bin/geckodriver geckodriver
  else
    echo "missing: geckodriver for selenium-firefox: neither a program of that name nor cargo"
  fi
fi
