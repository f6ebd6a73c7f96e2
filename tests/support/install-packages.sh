#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Installs the Debian packages of the named groups (see packages.list) that are missing, and says
# which and why. Does nothing, and needs no root and no network, when none is missing.
#
#     install-packages.sh build lab
set -eu

list=$(dirname "$0")/packages.list
missing=
for group in "$@"; do
    for name in $(awk -v group="$group" '$1 == group { print $2 }' "$list"); do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' && continue
        missing="$missing $name"
        echo "missing: $name ($(awk -v name="$name" \
            '$2 == name { $1 = $2 = ""; sub(/^ +/, ""); print; exit }' "$list"))"
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "install them as root (apt-get install$missing), or run this with sudo" >&2
    exit 1
fi

# A SIP server that nobody asked for must not start on this machine: the lab runs its own.
policy=/usr/sbin/policy-rc.d
held=
release() { [ -z "$held" ] || rm -f "$policy"; }
trap release EXIT
trap 'exit 130' INT TERM
case "$missing " in
*" kamailio "*)
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        held=yes
    fi
    ;;
esac

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null
# shellcheck disable=SC2086 # a list of words
apt-get install -yq --no-install-recommends $missing </dev/null
if [ -n "$held" ] && command -v systemctl >/dev/null; then
    echo "kamailio's own service stays off; the lab starts its proxies itself"
    systemctl disable kamailio </dev/null >/dev/null 2>&1 || true
fi
