#!/usr/bin/env python3
"""The version, which stands in each pom, in the Helm chart and in the changelog.

  version.py 0.2.0              sets it; the changelog's [Unreleased] becomes this version's part
  version.py 0.3.0-SNAPSHOT     sets it, leaves the changelog
  version.py --check            prints it; fails if a place says another one
  version.py --changes          prints the changelog's part for it
  version.py --property NAME    prints a property of the parent pom
"""
import datetime
import pathlib
import re
import sys
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
POM = "{http://maven.apache.org/POM/4.0.0}"
POMS = ["pom.xml", "infra/test-support/pom.xml", "schemas/confluent-client/pom.xml", "schemas/pom.xml",
        "model-store/pom.xml", "model-store/onnx-converter/pom.xml", "model-store/pretrained/pom.xml",
        "model-store/bge-small/pom.xml", "model-store/minilm/pom.xml", "model-store/onnx-bench/pom.xml",
        "stream-app/pom.xml"]
CHART = "infra/helm/hyperstream/Chart.yaml"
CHANGELOG = "CHANGELOG.md"
UNRELEASED = "## [Unreleased]\n"


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def write(path, text):
    (ROOT / path).write_text(text, encoding="utf-8")


def pom_version(path):
    project = xml.etree.ElementTree.fromstring(read(path))
    version = project.find(POM + "version")
    return (project.find(f"{POM}parent/{POM}version") if version is None else version).text


def is_snapshot(version):
    return version.endswith("-SNAPSHOT")


def check():
    version = pom_version(POMS[0])
    found = {path: pom_version(path) for path in POMS}
    found[CHART] = re.search(r"^appVersion: (.*)$", read(CHART), re.M).group(1)
    others = [f"{path} says {said}" for path, said in found.items() if said != version]
    if others:
        sys.exit(f"the version is {version}, but {', '.join(others)}; set it with infra/release/version.py")
    changes()
    return version


def changes():
    version = pom_version(POMS[0])
    heading = UNRELEASED.strip() if is_snapshot(version) else f"## [{version}]"
    part = re.search(rf"^{re.escape(heading)}.*?(?=^## \[|\Z)", read(CHANGELOG), re.M | re.S)
    if part is None or not part.group().strip().partition("\n")[2].strip():
        sys.exit(f"{CHANGELOG} says nothing under '{heading}'")
    return part.group().strip()


def set_version(new):
    old = pom_version(POMS[0])
    for path in POMS:
        # The first that says so is the project's or its parent's.
        write(path, read(path).replace(f"<version>{old}</version>", f"<version>{new}</version>", 1))
    chart = re.sub(r"^appVersion: .*$", f"appVersion: {new}", read(CHART), flags=re.M)
    if not is_snapshot(new):
        chart = re.sub(r"^version: .*$", f"version: {new}", chart, flags=re.M)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        write(CHANGELOG, read(CHANGELOG).replace(UNRELEASED, f"{UNRELEASED}\n## [{new}] - {today}\n", 1))
    write(CHART, chart)
    check()


def main(arguments):
    match arguments:
        case ["--check"]:
            print(check())
        case ["--changes"]:
            print(changes())
        case ["--property", name]:
            print(xml.etree.ElementTree.fromstring(read(POMS[0])).find(f"{POM}properties/{POM}{name}").text)
        case [version] if re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?", version):
            set_version(version)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
