#!/bin/sh
# usage: trust.sh FOLDER...   makes certificate stores that trust the zoo's authority, as Chromium and Firefox read them
for folder in "$@"; do
  mkdir -p "$folder"
  certutil -d "sql:$folder" -N --empty-password
  certutil -d "sql:$folder" -A -t C,, -n zoo -i /etc/ssl/certs/ca-certificates.crt
done
