#!/usr/bin/env bash
# Unpacks an XRootD server into a folder of its own, from the package archive that this machine uses:
#
#     tests/xrootd/install.sh PREFIX
#
# Needs apt and dpkg, but no root rights, and changes nothing else. A second call does nothing.
set -euo pipefail

prefix="$(realpath -m -- "$1")"

fail() {
    printf 'install.sh: %s\n' "$@" >&2
    exit 1
}

runs() { LD_LIBRARY_PATH="$prefix/lib" "$prefix/bin/xrootd" -v >/dev/null 2>&1; }

! runs || exit 0
[ ! -e "$prefix" ] || fail "$prefix is there, but holds no XRootD that runs; remove it"
for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || fail "needs $tool, so a Debian or Ubuntu machine"
done

mkdir -p -- "$(dirname -- "$prefix")"
work="$(mktemp -d -- "$prefix.XXXXXX")"
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,debs,root,tree}

# a private apt: the system's lists stay as they are; what it has installed is not fetched again
apt() {
    apt-get -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
        -o APT::Install-Recommends=false -o Acquire::Languages=none -o APT::Sandbox::User=root \
        -o Debug::NoLocking=1 "$@"
}
apt -qq update || fail "the package archive cannot be read (above)"
wanted=(xrootd-server xrootd-server-plugins xrootd-plugins)
# reinstall: servers that the system has are unpacked here all the same
closure="$(apt -s install --reinstall "${wanted[@]}" | awk '/^Inst (lib|xrootd)/ {print $2}')"
grep -qx xrootd-server <<<"$closure" || fail "the archive of this machine has no package xrootd-server"
mapfile -t packages <<<"$closure"
(cd "$work/debs" && apt -qq download "${packages[@]}") || fail "packages cannot be downloaded (above)"
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/root"; done

mkdir "$work/tree/bin"
cp -a "$work"/root/usr/bin/{xrootd,cmsd} "$work/tree/bin/"
cp -a "$work"/root/usr/lib/*-linux-gnu "$work/tree/lib"
chmod -R a+rX "$work/tree" # root's servers run as another user
mv -T -- "$work/tree" "$prefix"
runs || fail "the server in $prefix does not run"
