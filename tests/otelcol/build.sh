#!/usr/bin/env bash
# Build the OpenTelemetry Collector of builder.yaml with the project's own builder and print where the program lies.
# Needs Go and the Go module proxy; does nothing when the program for this builder.yaml is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

builder=go.opentelemetry.io/collector/cmd/builder@v0.158.0
cache="$PWD/../../.cache/otelcol"
program="$cache/otelcol-$(cat builder.yaml build.sh | sha256sum | cut -c1-12)"

if [[ ! -x "$program" ]]; then
  command -v go >/dev/null || { echo 'build.sh needs Go: https://go.dev/dl' >&2; exit 1; }
  mkdir -p "$cache"
  work="$(mktemp -d "$cache/build.XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  cp builder.yaml "$work"
  cd "$work"
  export CGO_ENABLED=0
  go run "$builder" --config builder.yaml --skip-compilation >&2
  (cd sources && go build -trimpath -ldflags='-s -w' -o ../otelcol .) >&2
  mv otelcol "$program"  # whole or not at all, also with two builds at once
fi
realpath "$program"
