#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Builds the Debian package. Needs what the build needs, and dpkg-dev.
#
#     packaging/deb.sh BUILD OUTPUT [SUFFIX]
#
# BUILD is a build tree (made when missing), OUTPUT the folder for the package. SUFFIX goes behind the
# version. The tree's prefix does not matter: no program knows its own.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=$1
output=$2
suffix=${3:-}

[ -f "$build/build.ninja" ] || meson setup "$build" "$root" >&2
ninja -C "$build" dataplane/strowger-dataplane control/strowger-control control/strowgerctl \
    control/cli/strowgerctl dataplane/sip/strowger-sipdump >&2

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tree=$stage/strowger
DESTDIR=$stage/installed meson install -C "$build" --no-rebuild --quiet \
    --tags runtime,man,systemd,completion,doc >&2
prefix=$(meson introspect "$build" --buildoptions |
    python3 -c 'import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
mkdir -p "$tree"
mv "$stage/installed$prefix" "$tree/usr"
sed -i "s|=$prefix/|=/usr/|" "$tree"/usr/lib/systemd/system/*.service
strip --strip-unneeded "$tree"/usr/sbin/* "$tree"/usr/bin/*
gzip -9n "$tree"/usr/share/man/man*/*

version=$(sed -n "s/^    version: '\([^']*\)',/\1/p" "$root/meson.build" | head -1)$suffix
arch=$(dpkg --print-architecture)

doc=$tree/usr/share/doc/strowger
mv "$doc/LICENSE" "$doc/copyright"
printf 'strowger (%s) stable; urgency=medium\n\n  * As of this version.\n\n -- %s  %s\n' "$version" \
    "$(sed -n 's/^Maintainer: //p' "$root/packaging/debian/control.in")" \
    "$(date -Ru -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y "$root/meson.build")}")" |
    gzip -9n >"$doc/changelog.gz"

# dpkg-shlibdeps wants a source package around it.
mkdir -p "$stage/debian" "$tree/DEBIAN"
printf 'Source: strowger\n\nPackage: strowger\nArchitecture: any\n' >"$stage/debian/control"
shlibs=$(cd "$stage" && dpkg-shlibdeps -O "$tree"/usr/sbin/* "$tree"/usr/bin/* 2>/dev/null |
    sed -n 's/^shlibs:Depends=//p')
[ -n "$shlibs" ] || { echo "dpkg-shlibdeps found no dependencies" >&2; exit 1; }

sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SHLIBS@/$shlibs/" \
    -e "s/@SIZE@/$(du -sk "$tree" | cut -f1)/" \
    "$root/packaging/debian/control.in" >"$tree/DEBIAN/control"
for script in postinst prerm postrm; do
    install -m 755 "$root/packaging/debian/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

mkdir -p "$output"
package=$output/strowger_${version}_$arch.deb
dpkg-deb --root-owner-group --build "$tree" "$package" >&2
echo "$package"
