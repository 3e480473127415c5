package krb5

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// source unpacks the source package from which the installed libraries were built.
func source(t *testing.T) string {
	t.Helper()
	version := strings.TrimSpace(world.Run(t, "dpkg-query", "-W", "-f", "${source:Version}",
		"libkrb5-3"))
	cache := filepath.Join(world.Root, "build/_suites/krb5-"+version)
	if _, err := os.Stat(cache); err != nil {
		download(t, "krb5="+version, cache)
	}
	dir := filepath.Join(t.TempDir(), "krb5")
	world.Run(t, "sh", "-ec", `dpkg-source --no-check --extract "$1"/*.dsc "$2" 2>&1`, "sh",
		cache, dir)
	return filepath.Join(dir, "src")
}

// download lets apt look for sources where it looks for the distribution's packages.
func download(t *testing.T, name, to string) {
	t.Helper()
	if out, err := world.Try(5*time.Minute, "sh", "-ec", `
		list=/etc/apt/sources.list.d/debian.sources
		if test -e $list; then
			sed 's/^Types:.*/Types: deb-src/' $list >/etc/apt/source.sources
			from=/etc/apt/source.sources
		else
			sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >/etc/apt/source.list
			from=/etc/apt/source.list
		fi
		rm -rf "$2.part"
		mkdir -p "$2.part"
		cd "$2.part"
		get() {
			apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=$from \
				-o Dir::Etc::sourceparts=- "$@"
		}
		get update
		get source --download-only "$1"
		mv "$2.part" "$2"`, "sh", name, to); err != nil {
		t.Fatalf("the source of %s is neither below build/_suites nor available from the "+
			"package registry: %v\n%s", name, err, out)
	}
}

const tree = "/home/alice/krb5"

// buildTree makes a tree that the tests take for a built Kerberos: their sources, with links to
// installed programs. The sources use little that is not in the public headers, so
// testdata/k5-int.h is enough to compile them; configuring all of Kerberos would take minutes.
func buildTree(t *testing.T, src string) {
	t.Helper()
	header, err := filepath.Abs("testdata/k5-int.h")
	if err != nil {
		t.Fatal(err)
	}
	world.Run(t, "sh", "-ec", `
		src=$1 tree=$2 header=$3
		mkdir -p "$tree/lib/krb5/krb" "$tree/lib/krb5/ccache" "$tree/tests" "$tree/util"
		cp "$src"/lib/krb5/ccache/t_cc* "$tree/lib/krb5/ccache"
		cp "$src"/tests/t_ccache.py "$src"/tests/conccache.c "$src"/tests/kcmserver.py \
			"$tree/tests"
		cp "$src"/util/k5test.py "$tree/util"
		touch "$tree/config.status"
		echo 'env, have_lmdb, tls_impl = {}, "no", "no"' >"$tree/runenv.py"
		ln -s "$(dirname "$(dpkg -L krb5-kdc | grep '/kdb$')")" "$tree/plugins"
		while read -r place; do
			mkdir -p "$tree/${place%/*}"
			ln -s "$(command -v "${place##*/}")" "$tree/$place"
		done <<-END
			kdc/krb5kdc
			kadmin/cli/kadmin.local
			kadmin/dbutil/kdb5_util
			kadmin/ktutil/ktutil
			clients/kinit/kinit
			clients/klist/klist
			clients/kswitch/kswitch
			clients/kvno/kvno
			clients/kdestroy/kdestroy
		END
		for program in lib/krb5/ccache/t_cc lib/krb5/ccache/t_cccol \
			lib/krb5/ccache/t_cccursor tests/conccache; do
			cp "$header" "$tree/${program%/*}"
			for name in cc-int autoconf k5-platform; do
				echo '#include "k5-int.h"' >"$tree/${program%/*}/$name.h"
			done
			gcc -w -o "$tree/$program" "$tree/$program.c" -lkrb5 -lcom_err
		done
		# The same tests on the persistent keyring, which nobody else uses here.
		cd "$tree/tests"
		sed "s/'KEYRING:session:' + cname/'KEYRING:persistent:%d' % os.getuid()/" \
			t_ccache.py >t_ccache-persistent.py
		cd "$tree/lib/krb5/ccache"
		sed "s/'KEYRING:session:' + cname/'KEYRING:persistent:%d' % os.getuid()/" \
			t_cccol.py >t_cccol-persistent.py
		grep -c "KEYRING:persistent:%d" "$tree"/tests/t_ccache-persistent.py \
			t_cccol-persistent.py
		chown -R alice: "$tree"`, "sh", src, tree, header)
}
