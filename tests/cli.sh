#!/bin/sh
# cli.sh KVCAST SOURCE [--update] - what the program says, to the byte: runs the transcripts SOURCE/tests/cli/*.t.
#
# A transcript is a list of commands, each followed by what came of it:
#
#   $ kvcast run nothing.jsonl        a command for sh, in a folder of its own that holds the traces of tests/cli and `pick`
#   > ...                             a line of its standard output
#   ! ...                             a line of its standard error
#   ? 1                               its exit code, where it is not 0
#
# Lines that begin with # and empty lines are kept. --update writes the transcripts anew, to be reviewed as a diff.
set -u
kvcast=$(cd "$(dirname "$1")" && pwd)
source=$(cd "$2" && pwd)
update=${3-}

LC_ALL=C
PATH=$kvcast:$PATH
export LC_ALL PATH
unset ARGP_HELP_FMT

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# play TRANSCRIPT: prints it as it would have to be.
play()
{
	rm -rf "$work/folder"
	mkdir "$work/folder"
	cp "$source"/tests/cli/*.jsonl "$source"/tests/cli/pick "$work/folder"
	cp "$source"/traces/samples/licence-agents.jsonl.gz "$work/folder"
	while IFS= read -r line; do
		case $line in
		'$ '*)
			printf '%s\n' "$line"
			(cd "$work/folder" && exec sh -c "${line#??}") >"$work/stdout" 2>"$work/stderr" </dev/null
			code=$?
			sed 's/^/> /' "$work/stdout"
			sed 's/^/! /' "$work/stderr"
			[ $code -eq 0 ] || echo "? $code"
			;;
		'> '* | '! '* | '? '* | '>' | '!') ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$1"
}

failures=0
for transcript in "$source"/tests/cli/*.t; do
	play "$transcript" >"$work/actual"
	cmp -s "$transcript" "$work/actual" && continue
	if [ "$update" = --update ]; then
		cp "$work/actual" "$transcript"
		echo "cli.sh: wrote tests/cli/${transcript##*/}"
		continue
	fi
	echo "cli.sh: tests/cli/${transcript##*/} differs (- as written, + as it is now):"
	diff -u "$transcript" "$work/actual" | sed 1,2d
	failures=$((failures + 1))
done
[ $failures -eq 0 ] && exit 0
echo "cli.sh: $failures transcripts differ. Where the new words are right: sh tests/cli.sh KVCAST . --update, and review the diff."
exit 1
