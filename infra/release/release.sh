#!/usr/bin/env bash
# Makes a release of the checked-out commit:
#
#   infra/release/release.sh [--snapshot] OUT      builds it into the new folder OUT
#   infra/release/release.sh [--snapshot] --check  builds it twice and compares every byte
#
# OUT holds hyperstream-VERSION.tar.gz (jar, libraries, launcher, licences), the list of parts
# (CycloneDX) and their licences, the changelog's part, what it was built with, SHA256SUMS and
# SHA512SUMS. Always built from a clean copy of the commit; a working tree with changes is refused,
# and so is a -SNAPSHOT version unless --snapshot allows it.
#
# --check builds at two paths of different length, with another umask, time zone, language, file
# times and number of threads, and names each file, and each entry of an archive, that differs.
#
# MVN is the Maven to run, with its options: MVN=./mvnw. Needs git, python3, GNU tar, gzip.
# How a release is made, step by step: docs/releasing.md.
set -euo pipefail
export LC_ALL=C
# Jars keep the modes of the files they are made of, as far as others may read them.
umask 022
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
usage() { sed -n '2,17s/^# \{0,1\}//p' "$here/release.sh"; }
fail() { echo "release: $*" >&2; exit 1; }

snapshot='' check='' out=''
for argument in "$@"; do
  case $argument in
    --help | -h) usage; exit 0 ;;
    --snapshot) snapshot=1 ;;
    --check) check=1 ;;
    -*) echo "release: unknown option $argument" >&2; usage >&2; exit 2 ;;
    *) [ -z "$out" ] || { usage >&2; exit 2; }; out=$argument ;;
  esac
done
[ -n "$check" ] && [ -n "$out" ] && { usage >&2; exit 2; }
[ -n "$check" ] || [ -n "$out" ] || { usage >&2; exit 2; }

changes=$(git -C "$root" status --porcelain)
[ -z "$changes" ] || fail "the working tree has changes; commit them or put them aside:
$changes"
commit=$(git -C "$root" rev-parse HEAD)
version=$(python3 "$here/version.py" --check)
registry=$(python3 "$here/version.py" --property apicurio.version)
case $version in
  *-SNAPSHOT) [ -n "$snapshot" ] \
    || fail "$version is no release; set a version with infra/release/version.py, or give --snapshot" ;;
esac
[ -z "$out" ] || [ ! -e "$out" ] || fail "$out exists already"

work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT

# copy TO [TAR-OPTION...]: the commit's files, nothing else.
copy() {
  mkdir -p "$1"
  git -C "$root" archive "$commit" | tar -x -C "$1" "${@:2}"
}

# assemble SOURCE OUT: everything of a release out of a copy that was built.
assemble() {
  local source=$1 out=$2 name=hyperstream-$version stamp
  local archive=apicurio-registry-app-$registry-all.tar.gz
  local target=$source/stream-app/target stage=$out/stage/$name
  mkdir -p "$stage/bin"
  cp "$target/hyperstream.jar" "$stage/$name.jar"
  cp -r "$target/lib" "$source/LICENSE" "$source/NOTICE" "$stage/"
  cp "$target/hyperstream.cdx.json" "$out/$name.cdx.json"
  python3 "$source/infra/release/licences.py" "$out/$name.cdx.json" >"$stage/THIRD-PARTY.txt"
  cp "$stage/THIRD-PARTY.txt" "$out/$name-third-party.txt"
  python3 "$source/infra/release/version.py" --changes >"$out/$name-changes.md"
  cp "$source/hyperstream" "$stage/bin/"
  sed -e "s/@VERSION@/$registry/" -e "s/@SHA256@/$(sha256sum <"$target/$archive" | cut -d ' ' -f 1)/" \
    "$source/infra/release/fetch-registry" >"$stage/bin/fetch-registry"
  chmod 755 "$stage"/bin/*
  stamp=$(python3 "$source/infra/release/version.py" --property project.build.outputTimestamp)
  tar -c -C "$out/stage" --format=gnu --sort=name --mtime="$stamp" --owner=0 --group=0 \
    --numeric-owner --mode='u=rwX,go=rX' "$name" | gzip -n >"$out/$name.tar.gz"
  rm -r "$out/stage"
  {
    echo "commit $commit"
    javac --version
    # Read to its end: Maven does not bear a pipe that closes.
    "${maven[@]}" --version | grep -i -o 'apache maven [0-9.]*' | tail -n 1
  } >"$out/$name-build.txt"
  (cd "$out" && sha256sum -- "$name"* >SHA256SUMS && sha512sum -- "$name"* >SHA512SUMS)
}

# build SOURCE OUT [MAVEN-OPTION...]
build() {
  local source=$1 out=$2
  (
    cd "$source"
    "${maven[@]}" -ntp -q -DskipTests "${@:3}" package
    # The registry is not ours to hand on; whoever wants it fetches the archive that is used here.
    "${maven[@]}" -ntp -q -N dependency:copy -DoutputDirectory=stream-app/target \
      -Dartifact="io.apicurio:apicurio-registry-app:$registry:tar.gz:all"
  )
  [ -f "$source/stream-app/target/hyperstream.cdx.json" ] \
    || fail "the build made no list of parts; its plugin does nothing when Maven is offline (-o)"
  mkdir -p "$out"
  assemble "$source" "$out"
}
read -ra maven <<<"${MVN:-mvn}"

if [ -n "$check" ]; then
  echo "first build of $version"
  copy "$work/a"
  (TZ=UTC build "$work/a" "$work/first")
  echo "second build"
  long="$work/another folder/with a longer name"
  umask 002
  copy "$long" --touch
  (TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 \
    MAVEN_OPTS="${MAVEN_OPTS:-} -Duser.language=de -Duser.country=DE -Duser.timezone=Pacific/Kiritimati" \
    build "$long" "$work/second" -T2)
  python3 "$here/compare.py" "$work/first" "$work/second"
else
  copy "$work/source"
  build "$work/source" "$work/out"
  mkdir -p "$(dirname "$out")"
  mv "$work/out" "$out"
  cat "$out/SHA256SUMS"
fi
