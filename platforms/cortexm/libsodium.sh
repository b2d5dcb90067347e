#!/bin/sh
# libsodium.sh FOLDER: Debian's (or Ubuntu's) source of libsodium, as FOLDER/source.
#
# It comes through apt-get, which checks the archive's signature; neither root nor a deb-src line of
# the machine's own is needed. Elsewhere unpack a release and say make SODIUM=its folder.
set -eu
fail()
{
  echo "libsodium's source: $1; or unpack it yourself and say SODIUM=FOLDER" >&2
  exit 1
}
for tool in apt-get apt-cache dpkg-source; do
  command -v $tool >/dev/null || fail "$tool is not here: apt-get install -y dpkg-dev"
done
mkdir -p "$1/lists/partial" "$1/cache/archives/partial"
cd "$1"
rm -rf source libsodium*
signed=
for name in debian ubuntu; do
  key=/usr/share/keyrings/$name-archive-keyring.gpg
  [ -f $key ] && signed="[signed-by=$key]"
done
# Where the binary package comes from, the source lies too.
apt-cache policy libsodium-dev |
  sed -n "s|^ *[0-9]* \(http[^ ]*\) \([^ /]*\)/\([^ ]*\) .*|deb-src $signed \1 \2 \3|p" |
  sort -u >sources.list
[ -s sources.list ] || fail "apt knows no libsodium-dev: apt-get update"
apt()
{
  apt-get -qq -o Dir::Etc::sourcelist="$PWD/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD/cache" \
    -o APT::Sandbox::User="$(id -un)" "$@" >apt.log 2>&1 || fail "$(tail -n 3 apt.log)"
}
apt update
apt source libsodium
mv libsodium-*/ source
