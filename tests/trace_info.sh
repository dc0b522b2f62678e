#!/bin/sh
# trace_info.sh KVCAST SOURCE - what `kvcast trace info` prints about the sample, to the letter, and how it refuses.
set -u
kvcast=$1
source=$2
failures=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$source/traces/samples/licence-agents.jsonl.gz" "$work/sample" && cd "$work" || exit 1

fail()
{
	echo "trace_info.sh: $*"
	failures=$((failures + 1))
}

expect()
{
	diff expected got >difference || {
		fail "$1 printed something else:"
		cat difference
	}
}

cat >expected <<'END'
trace    sample
         372 requests in 16.4 min, 100 sessions
         blocks of 16 tokens, cut when it was loaded, the partial last one too

tokens                        total      min      p50     mean      p90      max
  of a prompt             3,186,397     7662     8203   8565.6     9899    13374
  of an answer              101,168       29      216    272.0      531     1288
turns of a session              372        1        3      3.7        8       17

blocks   199,329 looked up, 6,608 different ones, 4,620 of these more than once

best hit rates (a cache that never forgets)   tokens    blocks  requests   full
  partial tail kept, nothing again (replay)   96.77 %   96.68 %   96.84 %      0
  partial tail kept, last token again         96.77 %   96.68 %   96.84 %      0
  full blocks, nothing again                  96.77 %   96.85 %   96.84 %      0
  full blocks, last token again (engines)     96.77 %   96.85 %   96.84 %      0

seconds                   number      p10      p50     mean      p90      max
  until reuse            192,721      0.1      0.9      5.5     15.2    451.0
  to think                   272      5.5     21.3     33.3     67.5    448.0

class                            requests   prompt tokens    share   best hits
compliance-auditor                    159       1,407,596  44.18 %     96.14 %
contract-analyst                       62         537,889  16.88 %     97.05 %
support-engineer                       46         373,875  11.73 %     97.62 %
training-coach                         30         249,573   7.83 %     97.24 %
security-reviewer                      23         191,561   6.01 %     97.30 %
technical-writer                       14         115,352   3.62 %     97.37 %
risk-officer                           10          79,108   2.48 %     97.99 %
mediator                                9          78,481   2.46 %     96.45 %
translator                              9          74,078   2.32 %     97.22 %
historian                               5          40,388   1.27 %     95.28 %
release-manager                         4          30,819   0.97 %     99.16 %
procurement-adviser                     1           7,677   0.24 %     99.00 %

Quantiles are linear between order statistics (type 7).
END
"$kvcast" trace info sample >got || fail "the sample gave exit code $?"
expect "the sample"

"$kvcast" trace info --json - <sample >got || fail "--json gave exit code $?"
for field in '"trace": "-"' '"block_tokens": 16' '"requests": 372' '"sessions": 100' '"blocks": 199329' \
	'"distinct_blocks": 6608' '"hit_blocks": 192721' '"partial_tail": "skip"' '"class": "compliance-auditor"'; do
	grep -qF -- "$field" got || fail "--json has no $field"
done

echo 'kvcast: nowhere cannot be opened: No such file or directory.' >expected
"$kvcast" trace info nowhere >out 2>got
[ $? -eq 1 ] || fail "an absent file gave exit code $?"
[ -s out ] && fail "a refusal wrote to stdout"
expect "an absent file"
echo 'kvcast: --block: 0 is out of range; expected 1 to 4294967295.' >expected
"$kvcast" trace info --block 0 sample >out 2>got
expect "--block 0"
"$kvcast" trace info 2>got
[ $? -eq 2 ] || fail "no trace gave exit code $?"
"$kvcast" trace info --help | awk 'length($0) > 80 { print "trace_info.sh: --help: " $0; wide = 1 } END { exit wide }' ||
	failures=$((failures + 1))
exit $((failures > 0))
