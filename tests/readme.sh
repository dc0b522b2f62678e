#!/bin/sh
# readme.sh ROOT KVCAST [--update]: the README's tables of policies are what `kvcast policies --markdown` prints.
set -eu
root=$1 kvcast=$2 mode=${3:-check}
readme=$root/README.md
begin='<!-- policies: written by `tests/readme.sh --update`, held by the test `readme` -->'
end='<!-- /policies -->'
grep -qxF "$begin" "$readme" && grep -qxF "$end" "$readme" || {
	echo "readme.sh: README.md lacks the marks between which the policies stand." >&2
	exit 1
}
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
{
	awk -v begin="$begin" '{ print } $0 == begin { exit }' "$readme"
	"$kvcast" policies --markdown
	awk -v end="$end" '$0 == end { on = 1 } on' "$readme"
} >"$fresh"
if [ "$mode" = --update ]; then
	cat "$fresh" >"$readme"
elif ! diff -u "$readme" "$fresh"; then
	echo "readme.sh: README.md and the registry differ; run: sh tests/readme.sh . build/release/kvcast --update" >&2
	exit 1
fi
