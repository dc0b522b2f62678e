#!/bin/sh
# dev.sh SOURCE - how ./dev sets a machine up, on a made-up machine where nothing is installed and apt-get only takes notes.
set -u

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$1/dev" "$work/dev"
cd "$work" || exit 1
mkdir bare
for tool in bash cat dirname env grep mkdir nproc sed tr; do
	ln -s "$(command -v $tool)" "bare/$tool"
done
all="build-essential cmake pkg-config zlib1g-dev libgsl-dev libjansson-dev libxxhash-dev libcmocka-dev gnuplot-nox"
failures=0

# expect CODE TEXT PROGRAMS... -- ARGUMENT...: ./dev with these stand-ins exits with CODE and says TEXT.
expect()
{
	code=$1
	text=$2
	shift 2
	rm -rf build notes path
	cp -R bare path
	while [ "$1" != -- ]; do
		printf '#!/bin/sh\n%s\n' "${1#*=}" >"path/${1%%=*}"
		chmod +x "path/${1%%=*}"
		shift
	done
	shift
	PATH=$work/path ./dev "$@" >said 2>&1 </dev/null
	found=$?
	[ $found -eq "$code" ] && grep -qF -- "$text" said && return
	echo "dev.sh: ./dev $* exited with $found, but $code was expected, and this among what it says: $text"
	sed 's/^/  said: /' said
	failures=$((failures + 1))
}

notes()
{
	[ "$(cat notes)" = "$1" ] && return
	echo "dev.sh: these calls were expected:"
	printf '%s\n' "$1" "and these were made:" "$(cat notes)"
	failures=$((failures + 1))
}

apt="apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300"
noting='printf "%s\n" "${0##*/} $*" >>notes; [ "$DEBIAN_FRONTEND" = noninteractive ]'

expect 0 "test [TIER]" -- help
expect 2 "there is no command sing" -- sing
expect 1 "there is no tier slow" -- test slow
expect 1 "by Debian's names, and there is no apt-get to install them with: $all." -- test
expect 1 "Only root can install them, and there is no sudo." "apt-get=exit 0" "id=echo 1000" -- test
expect 1 "is still not found: $all." "apt-get=$noting" "id=echo 0" -- test
grep -qxF "Installing with apt-get: $all" said || { echo "dev.sh: it does not say what it installs"; failures=1; }
notes "$apt update
$apt install --no-install-recommends $all"
# With sudo, as somebody else; cmake is there, and is not asked for.
expect 1 "is still not found" "apt-get=$noting" "id=echo 1000" "cmake=exit 0" 'sudo=echo sudo >>notes; exec "$@"' -- test
notes "sudo
$apt update
sudo
$apt install --no-install-recommends $(echo "$all" | sed 's/ cmake//')"
# No network: the lists are not fetched, and nothing is installed.
expect 1 "apt-get could not install $all." "apt-get=echo no route to host; exit 100" "id=echo 0" -- test
grep -qF "no route to host" said || { echo "dev.sh: it does not show what apt-get said"; failures=1; }

[ $failures -eq 0 ] && echo "dev.sh: set-up does what it should."
exit $((failures > 0))
