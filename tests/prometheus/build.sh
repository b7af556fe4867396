#!/usr/bin/env bash
# Build the Prometheus whose image compose.yaml names, out of the Go module proxy, and print where the program lies.
# Needs Go; does nothing when the program of this version is there already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version="$(sed -n 's|.*image: prom/prometheus:v||p' compose.yaml)"
cache="$PWD/.cache/prometheus"
program="$cache/prometheus-$version-$(sha256sum < tests/prometheus/build.sh | cut -c1-12)"

if [[ ! -x "$program" ]]; then
  command -v go >/dev/null || { echo 'build.sh needs Go: https://go.dev/dl' >&2; exit 1; }
  IFS=. read -r major minor patch <<<"$version" # 3.13.1 is the module's v0.313.1
  module="github.com/prometheus/prometheus@v0.$major$(printf %02d "$minor").$patch"
  source="$(go mod download -json "$module" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')"
  mkdir -p "$cache"
  work="$(mktemp -d "$cache/build.XXXXXX")"
  trap 'rm -rf "$work"' EXIT
  cd "$source"
  # Without service discovery, which is most of it, but for the one that compose.yaml uses.
  GOWORK=off CGO_ENABLED=0 go build -trimpath -tags remove_all_sd,enable_dns_sd -o "$work/prometheus" \
    -ldflags="-s -w -X github.com/prometheus/common/version.Version=$version" ./cmd/prometheus >&2
  mv "$work/prometheus" "$program" # whole or not at all, also with two builds at once
fi
realpath "$program"
