#!/bin/sh
# The Debian package through a life: built without network, installed,
# upgraded, refused an upgrade, removed, installed again, purged; then its
# autopkgtest.  As root, in chroots made for it by debootstrap and removed at
# the end; in namespaces of its own, so that no process and no mount is left.
# usage: package.sh     MIRROR=URL SUITE=NAME; BASE=DIR a tree of debootstrap's
# to copy, DEBS=DIR packages of an earlier run (KEEP=1 keeps the directory), to
# build none; NOCHECK=1 leaves out make check and autopkgtest.
set -eu

cd "$(dirname "$0")/.."
SUITE=${SUITE:-bookworm}
# Where this machine gets its packages from.
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' \
	'Created-By: Packages' | head -n 1)}

say() {
	echo "package: $*"
}

fail() {
	say "failed: $*" >&2
	[ ! -s "$W/out" ] || tail -n 60 "$W/out" >&2
	exit 1
}

if [ "${1:-}" != --inside ]; then
	if [ "$(id -u)" != 0 ]; then
		say "needs root: it makes chroots and starts services in them" >&2
		exit 1
	fi
	W=$(mktemp -d /tmp/mpspkgXXXXXX)
	trap '[ -n "${KEEP:-}" ] || rm -rf --one-file-system "$W"' EXIT
	trap 'exit 130' HUP INT TERM
	code=0
	unshare --mount --pid --fork --kill-child --propagation private \
		"$0" --inside "$W" || code=$?
	exit "$code"
fi
W=$2
mount -t proc proc /proc

# --- chroots ---

make_root() { # NAME
	cp -a "$W/base" "$W/$1"
	mount -t proc proc "$W/$1/proc"
	mkdir -p "$W/$1/dev/shm"
	mount -t tmpfs tmpfs "$W/$1/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$W/$1/dev/pts"
	cp /etc/resolv.conf "$W/$1/etc/"
}

within() { # NAME COMMAND...
	in=$W/$1
	shift
	chroot "$in" env -i LC_ALL=C.UTF-8 HOME=/root TERM=dumb \
		DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"$@"
}

quietly() { # COMMAND...: its output only if it fails
	"$@" >"$W/out" 2>&1 || fail "exit code $?: $*"
}

apt() { # NAME COMMAND PACKAGE...
	root=$1
	shift
	within "$root" apt-get -qqy --no-install-recommends "$@" \
		>"$W/out" 2>&1 && return
	quietly within "$root" apt-get -qq update
	quietly within "$root" apt-get -qqy --no-install-recommends "$@"
}

is() { # WHAT WANTED
	got=$(eval "$1") || true
	[ "$got" = "$2" ] || fail "$1: \"$got\", not \"$2\""
}

# --- build ---

# build VERSION [OPTION...]: DEB_BUILD_OPTIONS; the results go to $W/debs.
build() {
	version=$1
	shift
	d=$W/build/root/mpsupd-$version
	mkdir -p "$d"
	tar -xzf mpsupd-*.tar.gz --strip-components 1 -C "$d"
	if [ "$version" != "$this" ]; then
		sed -i "s/^\(#define MPSUPD_VERSION\).*/\1 \"$version\"/" \
			"$d/src/core/proto.h"
		sed -i "1s/(.*)/($version)/" "$d/debian/changelog"
	fi
	apt build build-dep "/root/mpsupd-$version/"
	# A network with nothing but a loopback, as on a build host.
	quietly unshare --net sh -c 'ip link set lo up; exec chroot "$@"' sh \
		"$W/build" env -i LC_ALL=C.UTF-8 HOME=/nonexistent \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEB_BUILD_OPTIONS="parallel=2 $*" \
		sh -c "cd /root/mpsupd-$version && dpkg-buildpackage -us -uc"
	cp "$W/out" "$W/debs/build-$version.log"
	mv "$W"/build/root/mpsupd*_"$version"* "$W/debs/"
}

build_all() {
	make_root build
	apt build install build-essential
	say "building $this"
	build "$this" ${NOCHECK:+nocheck}
	grep -E '^[0-9]+ passed, ' "$W/debs/build-$this.log" ||
		[ -n "${NOCHECK:-}" ] || fail "no test was run"
	say "building $next"
	build "$next" nocheck
	say lintian
	quietly lintian -i -I --pedantic --allow-root \
		--fail-on error,warning "$W"/debs/mpsupd_"$this"_*.changes
	cat "$W/out"
}

this=$(sed -n 's/^#define MPSUPD_VERSION "\(.*\)"/\1/p' src/core/proto.h)
next=$this+1
mkdir "$W/debs"
make -s DEPS=no dist

say "the archive packs itself, and uninstall takes what install put"
mkdir "$W/source" "$W/root"
tar -xzf mpsupd-*.tar.gz --strip-components 1 -C "$W/source"
quietly make -C "$W/source" DEPS=no dist
tar -tzf mpsupd-*.tar.gz | sort >"$W/packed"
tar -tzf "$W"/source/mpsupd-*.tar.gz | sort >"$W/again"
diff "$W/packed" "$W/again" >"$W/out" || fail "it packs other files"
quietly make -C "$W/source" DEPS=no install DESTDIR="$W/root"
[ -x "$W/root/usr/local/sbin/mpsupd" ] || fail "mpsupd is not installed"
quietly make -C "$W/source" DEPS=no uninstall DESTDIR="$W/root"
is 'cd "$W/root" && find . -type f' ./etc/mpsupd/mpsupd.conf

if [ -n "${BASE:-}" ]; then
	cp -a "$BASE" "$W/base"
else
	say "making a chroot with debootstrap ($SUITE)"
	quietly debootstrap --variant=minbase "$SUITE" "$W/base" "$MIRROR"
fi
if [ -n "${DEBS:-}" ]; then
	cp "$DEBS"/* "$W/debs/"
else
	build_all
fi

# --- a host ---

make_root host
host() {
	within host "$@"
}
deb() { # VERSION
	(cd "$W/debs" && ls "mpsupd_$1"_*.deb)
}
install_deb() { # VERSION: its output in $W/out
	cp "$W/debs/$(deb "$1")" "$W/host/tmp/"
	say "dpkg -i $(deb "$1")"
	quietly host dpkg -i "/tmp/$(deb "$1")"
	sed 's/^/    /' "$W/out"
}
said() {
	grep -qF -e "$1" "$W/out" || fail "not said: $1"
}
not_said() {
	if grep -iE -e "$1" "$W/out" >"$W/said"; then
		fail "said: $(cat "$W/said")"
	fi
}
version_running() {
	host mpsupd --json status | sed 's/.*"version":"\([^"]*\)".*/\1/'
}
alive() {
	case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' \
		"/proc/$1/status" 2>/dev/null) in
	'' | Z | X) return 1 ;;
	esac
}
# The same daemon, the same program, and it was never started again.
untouched() {
	is 'host mpsupd pid' "$keeper"
	is 'host mpsupd pid web' "$web"
	is 'host mpsupd --json status web | grep -o "\"restarts\":[0-9]*"' \
		'"restarts":0'
}
files() {
	host find / -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/cache/*' \
		! -path '/var/lib/apt/*' ! -path '/var/log/apt/*' \
		! -path '/var/log/dpkg.log' ! -path '/tmp/*' | sort
}

# No init runs here to say at which runlevel services are started: they are.
printf '#!/bin/sh\nexit 104\n' >"$W/host/usr/sbin/policy-rc.d"
chmod 755 "$W/host/usr/sbin/policy-rc.d"
apt host satisfy "$(dpkg-deb -f "$W/debs/$(deb "$this")" Depends)"
files >"$W/before"
install_deb "$this"
not_said 'mpsupd:.*(error|warn|cannot|fail)'
quietly host service mpsupd status
is version_running "$this"
is "host mpsupd --json status | grep -c '\"programs\":\[\]'" 1
is "grep -cE ' (warn|error|critical) ' $W/host/var/log/mpsupd/mpsupd.log" 0
quietly host service mpsupd stop
is 'host service mpsupd status >/dev/null 2>&1 || echo $?' 3
quietly host service mpsupd start
quietly host service mpsupd status

cat >"$W/host/etc/mpsupd/conf.d/web.conf" <<'E'
[program:web]
command = sh -c 'while :; do date; sleep 0.2; done'
E
quietly host service mpsupd reload
quietly host mpsupd wait -t 20 --for RUNNING web
web=$(host mpsupd pid web)
keeper=$(host mpsupd pid)

say "an upgrade restarts nothing"
install_deb "$next"
said "upgraded to version $next"
untouched
is version_running "$next"
is "host readlink /proc/$keeper/exe" /usr/sbin/mpsupd

say "nor does one while a file is broken"
cp "$W/host/etc/mpsupd/mpsupd.conf" "$W/good"
echo '[broken' >>"$W/host/etc/mpsupd/mpsupd.conf"
install_deb "$next"
untouched
cp "$W/good" "$W/host/etc/mpsupd/mpsupd.conf"

say "one that the daemon refuses: others may write to the file"
host dpkg-statoverride --add root root 0757 /usr/sbin/mpsupd
install_deb "$this"
said "others can write to it; nothing changed"
said "the previous version"
untouched
is version_running "$next"
host dpkg-statoverride --remove /usr/sbin/mpsupd
install_deb "$this"
untouched
is version_running "$this"

say "a daemon that was killed: its program is adopted"
s=$(host mpsupd --json status | sed 's/.*"supervisor_pid":\([0-9]*\).*/\1/')
kill -KILL "$keeper" "$s"
while alive "$keeper" || alive "$s"; do sleep 0.1; done
install_deb "$next"
is 'host mpsupd pid web' "$web"
is version_running "$next"
keeper=$(host mpsupd pid)

say "dpkg -r"
quietly host dpkg -r mpsupd
alive "$keeper" && fail "the keeper is left"
alive "$web" && fail "the program is left"
[ -f "$W/host/etc/mpsupd/conf.d/web.conf" ] || fail "conf.d is lost"
install_deb "$next"
quietly host mpsupd wait -t 20 --for RUNNING web
web=$(host mpsupd pid web)

say "dpkg -P"
quietly host dpkg -P mpsupd
alive "$web" && fail "the program is left"
files >"$W/after"
diff "$W/before" "$W/after" >"$W/out" || fail "purge leaves files"

[ -z "${NOCHECK:-}" ] || { say ok; exit 0; }
say autopkgtest
apt host install autopkgtest
mkdir "$W/host/root/source"
tar -xzf mpsupd-*.tar.gz --strip-components 1 -C "$W/host/root/source"
cp "$W/debs/$(deb "$this")" "$W/host/root/"
# A chroot is no container, but this one is thrown away as well.
quietly host autopkgtest --ignore-restrictions=isolation-container \
	--no-built-binaries "/root/$(deb "$this")" /root/source -- null
grep -E '^(autopkgtest|[0-9]+ passed)|PASS|FAIL|SKIP' "$W/out"
say ok
