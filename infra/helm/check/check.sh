#!/usr/bin/env bash
# Lints and renders the chart with Helm itself and checks what comes out; needs Maven and a JDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
lib=$(mktemp -d)
trap 'rm -rf "$lib"' EXIT
mvn -ntp -q -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory="$lib"
java -cp "$lib/*" Check.java ../hyperstream
