#!/usr/bin/env python3
"""compare.py A B: whether two folders hold the same bytes; names what differs.

Where an archive differs (.tar.gz, .tgz, .jar, .zip) it is looked into, so that what is named is the
entry: out.tar.gz!/lib/model-store.jar!/META-INF/MANIFEST.MF. Exits with 0 if nothing differs, else 1.
"""
import io
import pathlib
import sys
import tarfile
import zipfile


def tar_entries(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            about = (oct(entry.mode), entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname, entry.type, entry.linkname)
            file = archive.extractfile(entry) if entry.isfile() else None
            yield entry.name, about, file.read() if file else b""


def zip_entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            about = (entry.date_time, oct(entry.external_attr), entry.compress_type, entry.extra, entry.comment)
            yield entry.filename, about, archive.read(entry)


def entries(name, data):
    if name.endswith((".tar.gz", ".tgz")):
        return tar_entries(data)
    if name.endswith((".jar", ".zip")):
        return zip_entries(data)
    return None


def differences(name, a, b):
    """Of two files with different bytes."""
    left, right = entries(name, a), entries(name, b)
    if left is None:
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        yield f"{name}: {len(a)} and {len(b)} bytes, the first difference at {at}"
        return
    left, right = list(left), list(right)
    first, second = {e[0]: e for e in left}, {e[0]: e for e in right}
    found = False
    for entry in sorted(first.keys() | second.keys()):
        if entry not in first or entry not in second:
            yield f"{name}!/{entry}: only in the {'second' if entry not in first else 'first'}"
            found = True
            continue
        (_, about_a, data_a), (_, about_b, data_b) = first[entry], second[entry]
        if about_a != about_b:
            yield f"{name}!/{entry}: {about_a} and {about_b}"
            found = True
        if data_a != data_b:
            yield from (f"{name}!/{what}" for what in differences(entry, data_a, data_b))
            found = True
    if not found:
        order = [e[0] for e in left] != [e[0] for e in right]
        yield f"{name}: the same entries, {'in another order' if order else 'packed in another way'}"


def files(folder):
    return {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}


def compare(a, b):
    """Each difference, as a line; and the number of files."""
    left, right = files(pathlib.Path(a)), files(pathlib.Path(b))
    found = []
    for name in sorted(left.keys() | right.keys()):
        if name not in left or name not in right:
            found.append(f"{name}: only in the {'second' if name not in left else 'first'}")
            continue
        data_a, data_b = left[name].read_bytes(), right[name].read_bytes()
        if data_a != data_b:
            found += differences(name, data_a, data_b)
    return found, len(left.keys() | right.keys())


def main(a, b):
    found, count = compare(a, b)
    for line in found:
        print(line)
    if count == 0:
        print("nothing to compare")
        return 1
    print(f"{count} files: " + (f"{len(found)} differences" if found else "the same bytes"))
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
