#!/bin/sh
# golden_fleets.sh KVCAST SOURCE [--update | --small] - fleets' golden table, SOURCE/tests/golden/fleets.csv, line by line.
#
# A line that begins with $ is a sweep over SOURCE/traces/samples or SOURCE/../shared/traces, whose rows follow it: whole
# numbers only, compared exactly. They are our own output, pinned so that a change is seen; a commit that changes one says which
# behaviour changed and why the new number is right. --update writes them anew. A sweep whose trace is not here is skipped, with
# --small also those of traces that are not samples.
set -u
kvcast=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$2" && pwd)
mode=${3-}
table=$source/tests/golden/fleets.csv
columns="vary_replicas vary_router requests hit_tokens ledger_hit_gpu_tokens ledger_hit_host_tokens ledger_hit_disk_tokens
	evicted_blocks preemptions rejected_requests link_disk_read_bytes"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
skipped=0

# find NAME: the trace's path, or nothing.
find()
{
	for folder in "$source/traces/samples" "$source/../shared/traces"; do
		[ "$mode" = --small ] && [ "$folder" != "$source/traces/samples" ] && continue
		[ -r "$folder/$1" ] && echo "$folder/$1" && return
	done
}

# run TRACE OPTION...
run()
{
	trace=$1
	shift
	"$kvcast" sweep "$trace" --engine vllm --model llama-3.1-8b "$@" --csv --quiet >"$work/rows" || exit 1
	# shellcheck disable=SC2086
	sh "$source/tests/cli/pick" $columns <"$work/rows"
}

# Rows of a sweep that is not run stay as they are.
while IFS= read -r line; do
	case $line in
	'$ '*)
		printf '%s\n' "$line"
		set -- ${line#??}
		path=$(find "$1")
		keep=
		if [ "$path" ]; then
			shift
			run "$path" "$@" </dev/null
		else
			keep=1
			skipped=$((skipped + 1))
			echo "golden_fleets: there is no $1 here; its rows are skipped." >&2
		fi
		;;
	'#'* | '') printf '%s\n' "$line" ;;
	*) [ "$keep" ] && printf '%s\n' "$line" ;;
	esac
done <"$table" >"$work/actual"
if [ "$mode" = --update ]; then
	cp "$work/actual" "$table"
elif ! diff -u "$table" "$work/actual"; then
	echo "golden_fleets: the table differs (- as written, + as it is now)."
	exit 1
fi
echo "golden_fleets: $(grep -c '^[0-9]' "$work/actual") rows, $skipped sweeps skipped."
