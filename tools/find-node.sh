# Sourced by other scripts. Wants $root, the checkout, and the values of tools/versions.env.

# version_at_least HAVE WANT: true when the dotted number HAVE is WANT or later.
version_at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t . -k 1,1n -k 2,2n -k 3,3n | head -n 1)" = "$2" ]
}

# Prints the Node to use: the one that `make setup` installed, else a recent enough one of the machine.
find_node() {
  installed=$root/.tools/node24/node_modules/.bin/node
  if [ -x "$installed" ]; then
    printf '%s\n' "$installed"
    return 0
  fi
  own=$(command -v node) || return 1
  version_at_least "$("$own" -p process.versions.node)" "$NODE_FLOOR" || return 1
  printf '%s\n' "$own"
}
