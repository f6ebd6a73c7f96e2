# SPDX-License-Identifier: BSD-3-Clause
"""The lab: hosts from network namespaces, real peers, both of Strowger's processes.

    from lab import Lab
    with Lab("calls") as lab:
        lab.start_farm()
        lab.start_strowger()
        calls = lab.call(calls=1000, rate=200)
        print(calls.wait())

Everything a lab made is gone after the `with`, also when its process was killed (see watchdog.py).
docs/lab.md tells more.
"""

import os

from lab.lab import Lab, LabError  # noqa: F401

# Kamailio, tcpdump and ethtool are not on the path of everybody who is root.
os.environ["PATH"] += os.pathsep + os.pathsep.join(("/usr/sbin", "/sbin"))
