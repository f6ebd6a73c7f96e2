# SPDX-License-Identifier: BSD-3-Clause
"""Cleans up after a lab whose process was killed.

Started by the lab with a pipe as its standard input. The kernel closes the other end when the lab's
process ends in whatever way; then all that its record in the registry names is removed. A lab that
ended well has no record left, and nothing is to be done.
"""

import os
import signal
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lab import registry  # noqa: E402


def main(path):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    try:
        entry = registry.Entry.load(path)
    except FileNotFoundError:
        return
    registry.remove(entry)


if __name__ == "__main__":
    main(sys.argv[1])
