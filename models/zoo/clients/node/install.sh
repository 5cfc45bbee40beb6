#!/bin/sh
# usage: install.sh FOLDER   installs the packages of package.json in the folder
set -u
cd "$1" || exit 1
if ! [ -e done ] || ! cmp -s done package.json; then
  npm install --silent --no-audit --no-fund >install.log 2>&1 || { echo "missing: packages of Node: $(tail -n 1 install.log)"; exit 1; }
  cp package.json done
fi
node -e '
const packages = JSON.parse(require("fs").readFileSync("package.json")).dependencies;
for (const n of Object.keys(packages)) console.log(n, packages[n]);
console.log("impit-firefox", packages.impit);
for (const n of ["node-fetch-builtin", "node-https", "node-http2"]) console.log(n, process.version);' >versions
