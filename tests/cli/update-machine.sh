# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine and releases for it, in this folder; to be sourced by bash -eu. The machine runs version 1:
# machine/ is its root, disk.raw its disk, esp/ its ESP. releases/ has versions 1 and 2, signed by
# release.crt, of which its update.conf knows.
PATH=$PATH:/usr/sbin:/sbin
for program in mke2fs openssl; do
	command -v $program >/dev/null || { echo "$program is missing"; exit 77; }
done
openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=release -keyout release.key \
	-out release.crt 2>/dev/null
"$INGOT_SOURCE/tests/cli/bare-recipe" appliance appliance <<-END
	RootSize=8M
	[Boot]
	Tries=3
END
mkdir -p appliance/tree/etc/deep
for f in kept changed deep/own; do echo 1 >"appliance/tree/etc/$f"; done
ingot build -q appliance >/dev/null
cp appliance/build/appliance_1_x86-64.raw disk.raw
ingot extract -p esp disk.raw -o esp
mkdir -p machine/usr/lib machine/etc/ingot
printf '[Update]\nSource=releases\nKey=release.crt\n' >machine/etc/ingot/update.conf
ingot cat disk.raw usr/lib/os-release >machine/usr/lib/os-release
echo 00112233445566778899aabbccddeeff >machine/etc/machine-id
ingot release releases appliance/build --key release=release.key >/dev/null
echo "more" >appliance/tree/etc/more
for f in changed deep/own; do echo 2 >"appliance/tree/etc/$f"; done
ingot build -q --set Image.Version=2 appliance >/dev/null
ingot release releases appliance/build --key release=release.key >/dev/null
