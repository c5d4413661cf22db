#!/bin/sh
# Installs the Debian packages that the named groups need and that are
# missing, with apt, as root or through sudo, and says which.
# usage: deps.sh GROUP...      DEPS=no: install nothing, only complain
set -eu

packages_of() {
	case $1 in
	build) echo "gcc libc6-dev make libev-dev libinih-dev libjansson-dev uthash-dev" ;;
	check) echo "check libsubunit-dev procps python3 nginx-light redis-server tzdata" ;;
	fault) echo "strace" ;;
	demo) echo "procps python3 nginx-light redis-server" ;;
	valgrind) echo "valgrind libc6-dbg" ;;
	lint) echo "cppcheck shellcheck mandoc" ;;
	cover) echo "gcovr" ;;
	fuzz) echo "clang-14 libclang-rt-14-dev" ;;
	deb) echo "build-essential debhelper dpkg-dev" ;;
	package) echo "debootstrap lintian" ;;
	bench) echo "python3 supervisor runit s6" ;;
	*) echo "deps.sh: unknown group $1" >&2; exit 2 ;;
	esac
}

command -v dpkg-query >/dev/null || exit 0 # not Debian: the compiler will tell

wanted=
for group in "$@"; do
	wanted="$wanted $(packages_of "$group")"
done
missing=
for p in $wanted; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed) ;;
	*) case " $missing " in *" $p "*) ;; *) missing="$missing $p" ;; esac ;;
	esac
done
[ -n "$missing" ] || exit 0
if [ "${DEPS:-}" = no ]; then
	echo "deps: missing, not installed because of DEPS=no:$missing" >&2
	exit 0
fi

sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: missing:$missing; install them as root" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "deps: installing with apt:$missing"
# A freshly installed server must not start as a service of the host.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
	trap '$sudo rm -f $policy' EXIT INT TERM
fi
apt() {
	# shellcheck disable=SC2086 # a list of packages
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq \
		-o DPkg::Lock::Timeout=300 "$@" >/tmp/mpsupd-deps.$$ 2>&1
}
# shellcheck disable=SC2086
if ! apt install -y --no-install-recommends $missing &&
	! { apt update && apt install -y --no-install-recommends $missing; }; then
	cat /tmp/mpsupd-deps.$$ >&2
	rm -f /tmp/mpsupd-deps.$$
	echo "deps: apt failed; the packages wanted are:$missing" >&2
	exit 1
fi
rm -f /tmp/mpsupd-deps.$$
