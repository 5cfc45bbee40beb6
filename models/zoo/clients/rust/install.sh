#!/bin/sh
# usage: install.sh FOLDER   builds the program of Rust's libraries
set -u
cd "$1" || exit 1
command -v cargo >/dev/null || { echo "missing: libraries of Rust: there is no cargo"; exit 1; }
cargo build -q --release >build.log 2>&1 || { echo "missing: libraries of Rust: $(tail -n 1 build.log)"; exit 1; }
cp target/release/zoo rust
for p in reqwest ureq; do cargo tree -q --depth 1 --prefix none | sed -n "s/^$p v\([^ ]*\).*/$p \1/p"; done >versions
