#!/usr/bin/env python3
"""licences.py BOM: the licences of what a release consists of, for people, out of its CycloneDX list.

One line per part: group:artifact:version, its licences as it names them, where it comes from. Fails
if a part names none. Whether they are allowed is checked by the build (SupplyChainIT).
"""
import json
import sys

OURS = "io.hyperstream"
HEAD = """Third-party software in Hyperstream {version}

Each part lies unmodified in lib/, with its own licence and notice files in its jar; Confluent's
three in lib/confluent-client. The libraries in lib/pytorch-native-cpu are PyTorch's and of those
it is built with. The weights of BAAI's encoder are those of its makers, in another file format, in
lib/bge-small-en-v1.5. Licences are named as the parts name them.
"""
# Within a part of ours.
INSIDE = {
    "confluent-client": [
        ("io.confluent:kafka-schema-registry-client", "Apache-2.0", "https://github.com/confluentinc/schema-registry"),
        ("io.confluent:kafka-schema-serializer", "Apache-2.0", "https://github.com/confluentinc/schema-registry"),
        ("io.confluent:kafka-avro-serializer", "Apache-2.0", "https://github.com/confluentinc/schema-registry"),
    ],
    "bge-small-en-v1.5": [("BAAI:bge-small-en-v1.5", "MIT", "https://huggingface.co/BAAI/bge-small-en-v1.5")],
    "all-minilm-l6-v2": [
        ("sentence-transformers:all-MiniLM-L6-v2", "Apache-2.0", "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"),
    ],
}


def licences(component):
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        name = entry.get("expression") or licence.get("id") or licence.get("name")
        if name:
            yield name


def url(component):
    references = {r["type"]: r["url"] for r in component.get("externalReferences", [])}
    for kind in ("website", "vcs", "distribution", "issue-tracker"):
        if kind in references:
            return references[kind]
    return f"https://central.sonatype.com/artifact/{component['group']}/{component['name']}"


def main(path):
    with open(path, encoding="utf-8") as file:
        bom = json.load(file)
    rows, silent = [], []
    for component in bom["components"]:
        if component.get("group") == OURS:
            rows += INSIDE.get(component["name"], [])
            continue
        name = f"{component['group']}:{component['name']}:{component['version']}"
        found = " or ".join(dict.fromkeys(licences(component)))
        if not found:
            silent.append(name)
        rows.append((name, found, url(component)))
    if silent:
        sys.exit("no licence is named by " + ", ".join(silent))
    print(HEAD.format(version=bom["metadata"]["component"]["version"]))
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for name, found, where in sorted(set(rows)):
        print(f"{name:<{widths[0]}}  {found:<{widths[1]}}  {where}".rstrip())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
