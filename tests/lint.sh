#!/bin/sh
# What can be found without running anything: layering, headers, static
# analysis, scripts, manuals, and that the keys are the same everywhere.
# BUILD=DIR where mpsupd is.  Ends with `lint: ok`.
set -u

cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build-lint}
[ -x "$BUILD/mpsupd" ] || BUILD=build
tmp=$(mktemp -d /tmp/mpslintXXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' HUP INT TERM
bad=0

wrong() { # TEXT; details on stdin
	echo "lint: $1"
	sed 's/^/    /'
	bad=1
}

# expect_none TEXT COMMAND...: it must print nothing.
expect_none() {
	text=$1
	shift
	"$@" >"$tmp/out" 2>&1
	[ ! -s "$tmp/out" ] || wrong "$text" <"$tmp/out"
}

# --- layering ---

includes() { # FOLDER PATTERN-OF-WHAT-IS-ALLOWED
	grep -nE '^[[:space:]]*#[[:space:]]*include "' "src/$1"/*.[ch] |
		grep -vE "include \"($2)/"
}
expect_none "src/lib includes other folders" includes lib lib
expect_none "src/core includes other folders" includes core 'core|lib'
expect_none "src/keeper includes other folders" includes keeper 'keeper|lib'
pure() {
	grep -nE '^[[:space:]]*#[[:space:]]*include <(ev\.h|unistd\.h|sys/)' \
		src/core/*.[ch] | grep -v '<sys/queue\.h>'
}
expect_none "src/core touches the system" pure
allocates() {
	grep -nE '\b(malloc|calloc|realloc|strdup|asprintf|getpw|getgr|syslog|setlocale)[a-z_]*\(' \
		src/keeper/*.c
}
expect_none "the keeper allocates or asks for names" allocates
careless() {
	grep -nE '\b(strcpy|strcat|sprintf|gets|alloca|system|popen|tmpnam)\(' \
		src/*/*.[ch]
}
expect_none "a function that is not used here" careless

# --- each header stands alone ---

headers() {
	for h in src/*/*.h; do
		echo "#include \"${h#src/}\"" >"$tmp/h.c"
		${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Isrc -Wall -Wextra \
			-fsyntax-only "$tmp/h.c" || echo "$h"
	done
}
expect_none "a header needs another one before it" headers

# --- static analysis ---

# cppcheck reads no system headers, but must know these macros; and it does
# not see that uthash sets the loop variable.
cppcheck_all() {
	queue=$(echo '#include <sys/queue.h>' | ${CC:-cc} -E - |
		sed -n 's/.*"\(.*sys\/queue\.h\)".*/\1/p' | head -n 1)
	cppcheck -q -j 2 --std=c11 --inline-suppr --error-exitcode=1 \
		--enable=warning,portability,performance -Isrc -D_GNU_SOURCE \
		--suppress=missingIncludeSystem --suppress=unknownMacro \
		--suppress=normalCheckLevelMaxBranches \
		--suppress='*:/usr/include/*' --include="$queue" \
		--suppress=uninitvar:src/core/shlex.c \
		--template='{file}:{line}: {severity}: {message} [{id}]' src
}
expect_none "cppcheck" cppcheck_all
scripts() {
	shellcheck -x -P tests/e2e -P tests/fault \
		-e SC1091,SC2013,SC2015,SC2016,SC2034,SC2154,SC2317,SC3045 \
		tests/*.sh tests/e2e/*.sh tests/fault/*.sh tests/fuzz/*.sh \
		tests/soak/*.sh .ci/run src/cli/completion.bash \
		debian/tests/e2e debian/tests/service debian/postinst \
		debian/postrm debian/mpsupd.init
}
expect_none "shellcheck" scripts
long_lines() {
	awk 'length($0) > 100 { print FILENAME ":" FNR ": " length($0) }' \
		src/*/*.[ch]
	grep -nE '[[:space:]]+$' src/*/*.[ch] tests/*.sh tests/*/*.sh Makefile
}
expect_none "long lines or blanks at their end" long_lines

# --- the version: one in the program, and the package's ---

version() {
	program=$(sed -n 's/^#define MPSUPD_VERSION "\(.*\)"/\1/p' \
		src/core/proto.h)
	package=$(sed -n '1s/^mpsupd (\(.*\)) .*/\1/p' debian/changelog)
	[ "$program" = "$package" ] || echo "src/core/proto.h: $program," \
		"debian/changelog: $package"
}
expect_none "the versions differ" version

# --- manuals ---

manuals() {
	for f in man/*.[1-9]; do
		mandoc -T lint -W warning "$f"
	done
}
expect_none "mandoc" manuals

# --- the table of keys, the manual and the example name the same keys ---

# Served keys of the daemon's and a program's section, by the program itself.
printf '[mpsupd]\nrundir = %s\n[program:x]\ncommand = true\n' "$tmp" \
	>"$tmp/c.ini"
if "$BUILD/mpsupd" -c "$tmp/c.ini" dump-config >"$tmp/dump" 2>"$tmp/err" &&
	"$BUILD/mpsupd" -c "$tmp/c.ini" dump-config --json >"$tmp/json"; then
	python3 - "$tmp/json" >"$tmp/keys" <<'E'
import json, sys
d = json.load(open(sys.argv[1]))
not_keys = {"config", "name", "group", "program", "argv", "group_priority",
            "process_num"}
for section in d["mpsupd"], d["processes"][0]:
    for key in section:
        if key not in not_keys:
            print(key)
E
	sort -u -o "$tmp/keys" "$tmp/keys"
else
	wrong "dump-config" <"$tmp/err"
fi
# Rows of the table that are not marked as of a later version.
undumped() {
	sed -n 's/^	{"\([a-z_]*\)", .*/\1/p' src/core/confkey.c | sort -u |
		comm -13 - "$tmp/keys" | grep -vE '^(stdout|stderr)_'
}
expect_none "dump-config shows keys that the table does not have" undumped
undocumented() {
	sed 's/\\-/-/g' man/mpsupd.conf.5 | tr -c 'a-z_0-9' '\n' | sort -u |
		comm -13 - "$tmp/keys" |
		grep -v '^stderr_' # "the same for stderr": with stdout_'s
}
expect_none "keys that man/mpsupd.conf.5 does not explain" undocumented
items() { # .It key headings of the manual that are no keys at all
	sed -n 's/^\.It Ic \([a-z_]*\).*/\1/p' man/mpsupd.conf.5 | sort -u \
		>"$tmp/items"
	sed -n 's/.*{"\([a-z_]*\)", *\("[a-z_]*"\|NULL\), SECT.*/\1/p
		s/.*\(LATER\|OTHER\)("\([a-z_]*\)".*/\2/p
		s/.*{name "\(_[a-z_]*\)".*/stdout\1\nstderr\1/p' \
		src/core/confkey.c | sort -u |
		comm -13 - "$tmp/items"
}
expect_none "man/mpsupd.conf.5 explains keys that do not exist" items
unexampled() {
	tr -c 'a-z_0-9' '\n' <conf/mpsupd.conf | sort -u |
		comm -13 - "$tmp/keys"
}
expect_none "keys that conf/mpsupd.conf does not show" unexampled

# The example is valid, with all that it shows switched on, too.
example() {
	sed "s,^;*[[:space:]]*rundir.*,," conf/mpsupd.conf >"$tmp/example.ini"
	"$BUILD/mpsupd" -c "$tmp/example.ini" check >"$tmp/said" 2>&1 ||
		cat "$tmp/said"
}
expect_none "conf/mpsupd.conf is refused" example

[ $bad = 0 ] && echo "lint: ok"
exit $bad
