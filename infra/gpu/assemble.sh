#!/usr/bin/env bash
# Makes a folder with everything to run Hyperstream's benchmarks on a Linux machine with an NVIDIA
# GPU and without network:
#
#   infra/gpu/assemble.sh OUT [WHEELS]
#
# Needs a built application (mvn -DskipTests package) and a JDK with jlink. WHEELS is a folder with
# PyTorch's wheels; on a machine that reaches download.pytorch.org:
#
#   pip download torch==2.7.1+cu128 --index-url https://download.pytorch.org/whl/cu128 \
#     --python-version 3.12 --platform manylinux_2_28_x86_64 --only-binary :all: -d WHEELS
#
# (about 3.5 GB; they are on no Maven repository). Without WHEELS the folder is complete but for
# OUT/site, and run.sh takes a torch 2.7.1+cu128 that is installed there: PYTORCH_LIBRARY_PATH.
set -euo pipefail
[ $# -ge 1 ] && [ $# -le 2 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$(realpath -m "$1")
wheels=${2:+$(realpath "$2")}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=$root/stream-app/target

[ -f "$target/hyperstream.jar" ] || { echo "build first: mvn -ntp -DskipTests package" >&2; exit 1; }
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
  echo "$out is not empty" >&2
  exit 1
fi
mkdir -p "$out/app/lib"

cp "$target/hyperstream.jar" "$out/app/"
# The CPU's natives would win over the GPU's, so they stay behind.
find "$target/lib" -name '*.jar' ! -name 'pytorch-native-cpu-*' -exec cp {} "$out/app/lib/" \;
unzip -l "$out"/app/lib/pytorch-jni-*.jar | grep -q 'linux-x86_64/cu128/libdjl_torch.so' \
  || { echo "pytorch-jni has no natives for cu128" >&2; exit 1; }

jlink=${JAVA_HOME:+$JAVA_HOME/bin/}jlink
"$jlink" --output "$out/jre" --strip-java-debug-attributes --no-header-files --no-man-pages \
  --add-modules java.se,jdk.crypto.ec,jdk.httpserver,jdk.jfr,jdk.management,jdk.net,jdk.security.auth,jdk.unsupported,jdk.zipfs

if [ -n "$wheels" ]; then
  mkdir "$out/site"
  for wheel in "$wheels"/*.whl; do
    # Shared libraries only, where the wheel has them: they find each other by relative paths.
    case $(basename "$wheel") in
      torch-2.7.1+cu128-*) unzip -q "$wheel" 'torch/lib/*.so*' -x '*libtorch_python*' -d "$out/site" ;;
      nvidia_*) unzip -q "$wheel" 'nvidia/*/lib/*.so*' -d "$out/site" ;;
    esac
  done
  [ -f "$out/site/torch/lib/libtorch_cuda.so" ] \
    || { echo "no torch-2.7.1+cu128 wheel in $wheels" >&2; exit 1; }
fi

cp "$root/infra/gpu/run.sh" "$out/"
cp -r "$root/model-store/src/test/resources/fixtures" "$out/fixtures"
(cd "$out" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
du -sh "$out"
