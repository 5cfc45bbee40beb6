#!/bin/sh
# usage: install.sh FOLDER   builds the program of Go's libraries
set -u
cd "$1" || exit 1
command -v go >/dev/null || { echo "missing: libraries of Go: there is no go"; exit 1; }
for file in main.go go.mod go.sum; do cp "$file.txt" "$file"; done
GOWORK=off go build -o golang . >build.log 2>&1 || { echo "missing: libraries of Go: $(tail -n 1 build.log)"; exit 1; }
GOWORK=off go list -m -f '{{.Path}} {{.Version}}' all 2>/dev/null | sed -n \
  -e 's|^github.com/valyala/fasthttp |go-fasthttp |p' -e 's|^github.com/go-resty/resty/v2 |go-resty |p' -e 's|^github.com/gocolly/colly/v2 |go-colly |p' >versions
version=$(GOWORK=off go list -m -f '{{.Version}}' github.com/bogdanfinn/tls-client)
for p in chrome firefox safari; do echo "tls-client-$p $version" >>versions; done
for p in go-net-http go-net-http1; do echo "$p $(go env GOVERSION)" >>versions; done
