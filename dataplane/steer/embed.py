#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A file as two C symbols: NAME, its first byte, and NAME_end, the byte after its last.

    embed.py FILE NAME OUTPUT
"""

import sys


def main():
    path, name, output = sys.argv[1:]
    with open(path, "rb") as f:
        data = f.read()
    rows = [", ".join(str(byte) for byte in data[i:i + 16]) for i in range(0, len(data), 16)]
    with open(output, "w", encoding="utf-8") as f:
        f.write("/* Made by the build. */\n"
                f"extern const unsigned char {name}[], *const {name}_end;\n"
                f"const unsigned char {name}[{len(data)}] __attribute__((aligned(8))) = {{\n"
                + ",\n".join(rows) + "};\n"
                f"const unsigned char *const {name}_end = {name} + sizeof({name});\n")


main()
