#!/bin/sh
# usage: install.sh FOLDER   builds the program of Java's libraries
set -u
cd "$1" || exit 1
mvn -q -B compile dependency:build-classpath -Dmdep.outputFile=classpath >build.log 2>&1 || { echo "missing: libraries of Java: $(grep -m 1 ERROR build.log)"; exit 1; }
java=$(java -version 2>&1 | sed -n '1s/.*"\(.*\)".*/\1/p')
for p in java-httpclient java-httpclient-http1 java-urlconnection; do echo "$p $java"; done >versions
version() { sed -n "s|.*<artifactId>$1</artifactId><version>\(.*\)</version>.*|$2 \1|p" pom.xml >>versions; }
version okhttp okhttp
version httpclient5 apache-httpclient5
version httpclient apache-httpclient4
version jsoup jsoup
version htmlunit htmlunit
