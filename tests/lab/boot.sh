#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Boots systemd in a root that is prepared, as process 1 of namespaces that are new already
# (tests/lab/machine.py). Ends with an error when the kernel refuses a step, which the last line of
# output tells.
#
#     boot.sh ROOT
set -eu
root=$1
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C chroot "$root" \
    /usr/lib/systemd/systemd --system --unit=bare.target --log-target=journal --show-status=no
