# SPDX-License-Identifier: BSD-3-Clause
"""Makes a C array of a file: embed.py NAME INPUT OUTPUT."""

import sys

name, source, target = sys.argv[1:]
with open(source, "rb") as f:
    data = f.read()
with open(target, "w", encoding="ascii") as f:
    f.write(f"/* Made of {source.split('/')[-1]}. */\nstatic const unsigned char {name}[] = {{\n")
    for at in range(0, len(data), 16):
        f.write("\t" + ", ".join(str(b) for b in data[at:at + 16]) + ",\n")
    f.write("};\n")
