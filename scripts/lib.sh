# shellcheck shell=bash
# What every script here starts with: strict mode, the project's root as working directory, packages
# and presets. Sourced, never run.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR="$PWD" # one cache for several checkouts

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# What is installed for a purpose, all in one place. Debian 12 has llhttp as the sources that come
# with node-llhttp, Debian 13 as a library.
packages() {
  case $1 in
    build)
      echo g++ cmake ninja-build pkg-config ccache libuv1-dev libwslay-dev libyaml-cpp-dev libssl-dev \
        libhiredis-dev libspdlog-dev zlib1g-dev libsimdjson-dev nlohmann-json3-dev libgtest-dev libgmock-dev
      if grep -q '^VERSION_ID="12"' /etc/os-release; then echo node-llhttp; else echo libllhttp-dev; fi
      ;;
    demo) echo python3 curl ;;
    lint) echo clang-format clang-tidy shellcheck git python3 ;;
    test)
      echo python3 python3-pytest python3-pytest-xdist python3-websockets python3-boto3 python3-yaml \
        ca-certificates curl git openssl procps chromium fonts-dejavu-core redis-server redis-sentinel valkey-server haproxy
      # Node.js and Go may have come from elsewhere than from Debian.
      command -v node >/dev/null || echo nodejs
      command -v npm >/dev/null || echo npm
      command -v go >/dev/null || echo golang-go
      ;;
    fuzz) echo clang libclang-rt-dev ;;
    bench) echo python3 curl procps ;;
    *) die "no such purpose: $1 (build, demo, lint, test, fuzz, bench)" ;;
  esac
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "There is no sudo here: run scripts/setup as root first."
  fi
}

# Debian 12 has Valkey in its backports, from which nothing is taken that Debian 12 has itself.
add_backports() {
  local file=/etc/apt/sources.list.d/bookworm-backports.sources
  grep -q '^VERSION_ID="12"' /etc/os-release && [ ! -e "$file" ] || return 0
  as_root tee "$file" >/dev/null <<'END'
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
}

# Installs what these purposes need and this machine lacks. Asks the network for nothing when all is there.
need() {
  local purpose package lacking=()
  for purpose in "$@"; do
    for package in $(packages "$purpose"); do
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || lacking+=("$package")
    done
  done
  [ ${#lacking[@]} -gt 0 ] || return 0
  say "installing ${lacking[*]}"
  [[ " ${lacking[*]} " != *" valkey-server "* ]] || add_backports
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${lacking[@]}"
}

# Builds a preset of CMakePresets.json; further arguments are targets.
build_preset() {
  local preset=$1
  shift
  cmake --preset "$preset" --log-level=WARNING && cmake --build --preset "$preset" ${@:+--target "$@"}
}
