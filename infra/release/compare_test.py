#!/usr/bin/env python3
"""That compare.py sees each kind of difference a build can make, and names it."""
import io
import pathlib
import tarfile
import tempfile
import unittest
import zipfile

from compare import compare


def jar(entries, time=(2026, 1, 1, 0, 0, 0)):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in entries:
            archive.writestr(zipfile.ZipInfo(name, time), text)
    return data.getvalue()


def tar(entries, mode=0o644, mtime=0):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), mode, mtime
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


class CompareTest(unittest.TestCase):
    def differences(self, a, b):
        with tempfile.TemporaryDirectory() as folder:
            for side, content in (("a", a), ("b", b)):
                for name, data in content.items():
                    path = pathlib.Path(folder, side, name)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
            return compare(pathlib.Path(folder, "a"), pathlib.Path(folder, "b"))[0]

    def test_the_same(self):
        same = {"r.tar.gz": tar([("lib/a.jar", jar([("A", "1")]))]), "x/y.txt": b"1"}
        self.assertEqual(self.differences(same, dict(same)), [])

    def test_a_byte_of_a_file(self):
        self.assertEqual(self.differences({"a.txt": b"one"}, {"a.txt": b"ore"}),
                         ["a.txt: 3 and 3 bytes, the first difference at 1"])

    def test_a_file_that_is_missing(self):
        self.assertEqual(self.differences({"a": b"", "b": b""}, {"a": b""}), ["b: only in the first"])

    def test_a_byte_in_a_jar_in_an_archive(self):
        a = {"r.tar.gz": tar([("lib/a.jar", jar([("A", "1"), ("B", "1")]))])}
        b = {"r.tar.gz": tar([("lib/a.jar", jar([("A", "1"), ("B", "2")]))])}
        self.assertEqual(self.differences(a, b),
                         ["r.tar.gz!/lib/a.jar!/B: 1 and 1 bytes, the first difference at 0"])

    def test_an_entry_that_is_missing(self):
        self.assertEqual(self.differences({"a.jar": jar([("A", "1")])}, {"a.jar": jar([("A", "1"), ("B", "")])}),
                         ["a.jar!/B: only in the second"])

    def test_times(self):
        found = self.differences({"a.jar": jar([("A", "1")])}, {"a.jar": jar([("A", "1")], (2026, 1, 2, 0, 0, 0))})
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0], r"^a\.jar!/A: .*2026, 1, 1.* and .*2026, 1, 2")

    def test_rights(self):
        found = self.differences({"a.tgz": tar([("A", b"1")])}, {"a.tgz": tar([("A", b"1")], mode=0o600)})
        self.assertEqual(len(found), 1)
        self.assertRegex(found[0], r"^a\.tgz!/A: .*0o644.* and .*0o600")

    def test_order(self):
        self.assertEqual(
            self.differences({"a.jar": jar([("A", ""), ("B", "")])}, {"a.jar": jar([("B", ""), ("A", "")])}),
            ["a.jar: the same entries, in another order"])


if __name__ == "__main__":
    unittest.main()
