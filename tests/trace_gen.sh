#!/bin/sh
# trace_gen.sh KVCAST SOURCE - the command line of `kvcast trace gen`, and whether the sample is what it makes.
set -u
kvcast=$1
source=$2
failures=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail()
{
	echo "trace_gen.sh: $*"
	failures=$((failures + 1))
}

# refuse CODE SENTENCE ARGUMENT...: that exit code, nothing on stdout, and a line of stderr that reads SENTENCE.
refuse()
{
	code=$1
	sentence=$2
	shift 2
	"$kvcast" trace gen "$@" >out 2>err
	got=$?
	[ $got -eq "$code" ] || fail "trace gen $* gave exit code $got, not $code"
	[ -s out ] && fail "trace gen $* wrote to stdout"
	grep -qxF "$sentence" err || fail "trace gen $* said \"$(cat err)\", not \"$sentence\""
	[ -e refused.jsonl ] && fail "trace gen $* left a file"
}

echo 'Whoever borrows the ladder writes the day into the book.' >rules

refuse 2 'kvcast trace gen: a manual is missing: --manual FILE, a text that the agents share'
refuse 2 "kvcast trace gen: \`rules' is no option; manuals are named with --manual" rules
refuse 1 'kvcast: --sessions: 0 is out of range; expected 1 to 10000000.' --manual rules --sessions 0 -o refused.jsonl
refuse 1 "kvcast: --emit: 'xml' is no form of a trace; expected segments or prompt." --manual rules --emit xml -o refused.jsonl
refuse 1 "kvcast: --agents: 'many' does not begin with a number; a count is a whole number such as 1000, 10k, 1e6 or 2M, or inf." \
	--manual rules --agents many -o refused.jsonl
refuse 1 "kvcast: --think: fixed: value: '20' has no unit; a duration is a number with ns, us, ms, s, m, h or d, such as 250ms, or inf." \
	--manual rules --think 20 -o refused.jsonl

"$kvcast" trace gen --help >help 2>err || fail "--help gave exit code $?"
awk 'length($0) > 80 { print "trace_gen.sh: --help has a line of " length($0) " columns: " $0; wide = 1 } END { exit wide }' help ||
	failures=$((failures + 1))
for option in manual manual-tokens agents agents-file popularity template sessions turns question answer think arrivals seed \
	emit block output quiet; do
	grep -q -- "--$option[= ]" help || fail "--help does not tell of --$option"
done

"$kvcast" trace gen --manual rules --sessions 5 --quiet >trace 2>err || fail "plain use gave exit code $?"
[ -s err ] && fail "--quiet said: $(cat err)"
[ "$(head -c 30 trace)" = '{"kvcast":1,"block_tokens":16,' ] || fail "the trace begins with $(head -c 30 trace)"
"$kvcast" trace gen --manual - --sessions 5 <rules 2>/dev/null | sed 's/stdin/rules/g' | cmp - trace ||
	fail "standard input gives another trace"
"$kvcast" trace gen --manual rules --sessions 5 -o trace.gz >out 2>err || fail "writing a file gave exit code $?"
gzip -dc trace.gz | cmp - trace || fail "-o FILE.gz gives another trace"
[ "$(wc -l <err)" -eq 2 ] || fail "the summary has not two lines: $(cat err)"

manual=/usr/share/common-licenses/GPL-3
if [ "$(cksum <$manual 2>/dev/null)" != "2501997530 35149" ]; then
	echo "trace_gen.sh: $manual is absent or of another edition, so the sample was not made again."
else
	"$kvcast" trace gen --manual $manual --quiet -o again.jsonl || fail "making the sample gave exit code $?"
	gzip -dc "$source/traces/samples/licence-agents.jsonl.gz" | cmp - again.jsonl ||
		fail "the sample is not what its command makes"
fi
exit $((failures > 0))
