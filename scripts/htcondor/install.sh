#!/usr/bin/env bash
# Unpacks HTCondor into a folder of its own, from the Debian (or Ubuntu) archive that this machine uses already:
#
#     scripts/htcondor/install.sh [PREFIX]        default: $DEEPSF_SOFTWARE/htcondor
#
# Needs no root rights and changes nothing else. The programs find each other by absolute paths, so the folder
# cannot be moved. Needs apt, dpkg, and patchelf, which setup.sh installs. A second call does nothing.
# DEEPSF_DEBIAN_ARCHIVE names an archive where the machine's own apt sources know no Debian one.
set -euo pipefail

here="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)"
software="${DEEPSF_SOFTWARE:-$(cd -- "$here/../.." && pwd)/.software}"
prefix="$(realpath -m -- "${1:-$software/htcondor}")"
suite=trixie # Debian 12 has no HTCondor; the C library comes along, so the suite need not be the machine's own

fail() {
    printf 'install.sh: %s\n' "$@" >&2
    exit 1
}

if CONDOR_CONFIG=/dev/null "$prefix/bin/condor_version" >/dev/null 2>&1; then
    echo "HTCondor is in $prefix already"
    exit 0
fi
[ ! -e "$prefix" ] || fail "$prefix is there, but holds no HTCondor that runs; remove it"
for tool in apt-get dpkg dpkg-deb; do
    command -v "$tool" >/dev/null || fail "needs $tool, so a Debian or Ubuntu machine; elsewhere use a pool of your site"
done
PATH="$PATH:$software/venv/bin"
command -v patchelf >/dev/null || fail "needs patchelf: source setup.sh first, it installs it"

mkdir -p -- "$(dirname -- "$prefix")"
work="$(mktemp -d -- "$prefix.XXXXXX")"
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,etc/sources.d,debs,root}
: >"$work/state/status"

# --- a private apt: the system's own lists and packages stay as they are
apt_options=(-o Dir::State="$work/state" -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache"
    -o APT::Install-Recommends=false -o Acquire::Languages=none -o APT::Sandbox::User=root -o Debug::NoLocking=1
    -o APT::Get::AllowUnauthenticated=false)
# shellcheck disable=SC2016  # apt's own placeholders
archive="${DEEPSF_DEBIAN_ARCHIVE:-$(apt-get indextargets --format '$(REPO_URI)|$(CREATED_BY)' |
    sed -n 's/|Packages$//p' | grep -E '/debian/?$' | head -n 1 || true)}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -n "$archive" ] && [ -r "$keyring" ]; then
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$archive" "$suite" >"$work/etc/sources.list"
    apt_options+=(-o Dir::Etc::sourcelist="$work/etc/sources.list" -o Dir::Etc::sourceparts="$work/etc/sources.d")
fi # else the machine's own sources: Ubuntu has HTCondor in universe
apt() { apt-get "${apt_options[@]}" "$@"; }

echo "fetching HTCondor"
apt -qq update || fail "the package archive cannot be read (above)"
closure="$(apt -s install condor 2>/dev/null | awk '/^Inst / {print $2}' || true)"
grep -qx condor <<<"$closure" || fail "the archive of this machine has no package condor" \
    "install the package debian-archive-keyring and set DEEPSF_DEBIAN_ARCHIVE to the address of a Debian archive"
# what only services, scripts and Python tools need stays behind
unused='^lib(python3|boost-python|apt-pkg|pam-|perl|db5|text|.*-perl|systemd-shared|munge-dev|cryptsetup|devmapper|kmod'
unused+='|nss-|semanage|sepol|fdisk|smartcols|bpf|argon|json-c|tss)'
mapfile -t packages < <(grep -E '^(condor$|zlib1g|lib)' <<<"$closure" | grep -vE "$unused")
(cd "$work/debs" && apt -qq download "${packages[@]}") || fail "packages cannot be downloaded (above)"
for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/root"; done

# --- bin, sbin, libexec, lib; then every program gets the libraries of its own
tree="$work/prefix"
mkdir -p "$tree"/{bin,sbin,libexec,lib}
for folder in bin sbin; do
    find "$work/root/usr/$folder" -maxdepth 1 -name 'condor_*' -exec cp -a -t "$tree/$folder" {} +
done
cp -a "$work/root/usr/libexec/condor/." "$tree/libexec/"
[ ! -d "$work/root/usr/lib/condor" ] || cp -a "$work/root/usr/lib/condor/." "$tree/lib/"
find "$work/root/usr/lib" -maxdepth 1 -name 'lib*.so*' -exec cp -a -t "$tree/lib" {} +
"$(command -v python3)" "$here/relocate.py" "$tree" "$prefix" "$work/root"

mv -T -- "$tree" "$prefix"
CONDOR_CONFIG=/dev/null "$prefix/bin/condor_version" >/dev/null || fail "the programs in $prefix do not run"
echo "HTCondor $(CONDOR_CONFIG=/dev/null "$prefix/bin/condor_version" | awk 'NR == 1 {print $2}') is in $prefix"
