# sweeps.sh - what resume.sh and ranks.sh have in common: a sweep of many points, and looking at its rows. To be sourced, with
# the arguments KVCAST and SOURCE.
kvcast=$1
trace=licence-agents.jsonl.gz
failures=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$2/traces/samples/$trace" "$work" && cd "$work" || exit 1

fail()
{
	echo "$name: $*"
	failures=$((failures + 1))
}

# The arguments of a sweep of 468 points.
points="sweep $trace --evict all --ttl none,static:ttl=5m,adaptive --capacity 100,300,1000,3000 --csv --quiet --jobs 1"

rows_in()
{
	if [ -e "$1" ]; then grep -c '"row"' "$1"; else echo 0; fi
}

# wait_for_rows FILE NUMBER PID: until that many are there, or the process is not.
wait_for_rows()
{
	while [ "$(rows_in "$1")" -lt "$2" ] && kill -0 "$3" 2>/dev/null; do
		sleep 0.01
	done
}

# interrupted FILE: the job that wrote it ended early; a torn row is added, as a kill in the middle of a write would leave.
interrupted()
{
	rows=$(rows_in "$1")
	[ "$rows" -ge 30 ] || fail "$1 has $rows rows; expected at least 30 before the kill."
	[ "$rows" -lt 468 ] || fail "$1 has all rows; expected the kill to come before that."
	cp "$1" "$1.before"
	printf '{"sweep": 0, "point": 467, "row": "licence-agents.js' >>"$1"
}

# completed FILE CSV: the rest was added to the rows that were there, and the CSV is that of a sweep that was not interrupted.
completed()
{
	cmp expected.csv "$2" || fail "$2 is not what a sweep without interruption prints."
	[ "$(rows_in "$1")" -eq 468 ] || fail "$1 has $(rows_in "$1") rows; expected 468."
	cmp -n "$(wc -c <"$1.before")" "$1" "$1.before" || fail "$1 does not begin with the rows from before the kill."
}
