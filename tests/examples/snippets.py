#!/usr/bin/env python3
"""usage: snippets.py [--update]

Compares the code in README.md and sdk/TUTORIAL.md with the examples that it comes from; --update copies it from there.
A block of code stands below a comment that names its source: <!-- examples/tasks.cc#nursery --> is what stands between
the lines `// [nursery]` and `// [/nursery]`, without their indentation; without a name it is the whole file. Only
examples with an expected output count: those are compiled and run by the tests."""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXTS = [ROOT / "README.md", ROOT / "sdk" / "TUTORIAL.md"]
BLOCK = re.compile(r"(?:<!-- (?P<file>\S+?)(?:#(?P<name>\S+))? -->\n)?```cpp\n(?P<code>.*?)```\n", re.DOTALL)


class Wrong(Exception):
    pass


def snippet(file, name):
    path = ROOT / file
    if not path.with_suffix(".expected").exists():
        raise Wrong(f"{file} is no example with an expected output")
    text = path.read_text()
    if name is not None:
        found = re.search(rf"^ *// \[{name}\]\n(.*?)^ *// \[/{name}\]\n", text, re.DOTALL | re.MULTILINE)
        if found is None:
            raise Wrong(f"{file} has no lines // [{name}] and // [/{name}]")
        text = textwrap.dedent(found.group(1))
    return re.sub(r"^ *// \[/?\w+\]\n", "", text, flags=re.MULTILINE)


def check(document, update):
    """What is wrong with its blocks of code."""
    wrong = []
    text = document.read_text()

    def current(block):
        line = text.count("\n", 0, block.start()) + 1
        try:
            if block["file"] is None:
                raise Wrong("no comment says which example this code comes from")
            code = snippet(block["file"], block["name"])
        except Wrong as e:
            wrong.append(f"{document}:{line}: {e}")
            return block.group(0)
        if code != block["code"] and not update:
            wrong.append(f"{document}:{line}: differs from {block['file']}; tests/examples/snippets.py --update copies it")
        start, end = block.span("code")
        whole = block.group(0)
        return whole[: start - block.start()] + code + whole[end - block.start() :]

    updated, blocks = BLOCK.subn(current, text)
    if blocks == 0:
        wrong.append(f"{document} has no code")
    if updated != text and update:
        document.write_text(updated)
    return wrong


def main():
    if sys.argv[1:] not in ([], ["--update"]):
        sys.exit(__doc__)
    update = "--update" in sys.argv
    sys.exit("\n".join(error for document in TEXTS for error in check(document, update)) or None)


main()
