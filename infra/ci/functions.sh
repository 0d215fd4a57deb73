# For the checks beside it, by `source`.

# eventually WHAT COMMAND...: until the command succeeds, five minutes at most, while `alive` does.
eventually() {
  local what=$1
  shift
  for _ in $(seq 300); do
    "$@" && return
    alive || break
    sleep 1
  done
  echo "not seen: $what" >&2
  return 1
}
alive() { true; }

# with_lists COMMAND...: again after fetching Debian's package lists, if it fails without.
with_lists() { "$@" 2>/dev/null || { apt-get -qq update && "$@"; }; }

# unpack PACKAGE FOLDER: of Debian, without installing it.
unpack() { (cd "$2" && with_lists apt-get -qq download "$1" && dpkg -x "$1"_*.deb . && rm "$1"_*.deb); }
