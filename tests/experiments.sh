#!/bin/sh
# experiments.sh KVCAST SOURCE - gpu/experiments/run.sh without a GPU: the simulator stands in for kvcast-gpu, so that forecast and
# "measurement" agree to the last digit, whatever the traces and options are.
set -u
kvcast=$1 source=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
run=$source/gpu/experiments/run.sh out=$work/out
failures=0

fail()
{
	echo "experiments.sh: $*"
	failures=$((failures + 1))
}

cat >"$work/kvcast-gpu" <<END
#!/bin/bash
echo "\$*" >>"$work/calls"
products= options=()
for option; do
	[ "\$option" != --products ] || products=next
	case \$products\$option in next*.csv) products=\$option ;; esac
done
# As kvcast-gpu does it: what is there is taken, what is not is made.
[ -f "\$products" ] || echo made >>"\$products" || exit 1
case \$1 in
calibrate) exec cp "$work/calls" "\${@: -1}" ;;
bench) mkdir -p "\${@: -1}" && exec touch "\${@: -1}/report.md" ;;
esac
shift
while [ \$# -gt 0 ]; do
	case \$1 in
	--disk-folder | --archive-folder | --products) shift ;;
	--steps) shift; : >"\$1" ;;
	*) options+=("\$1") ;;
	esac
	shift
done
exec "$kvcast" run "\${options[@]}" --calib h200-llama-3.1-8b
END
chmod +x "$work/kvcast-gpu"

sh "$run" traces "$kvcast" "$work/nothing" "$out" || fail "traces were not made"
sh "$run" measure "$work/kvcast-gpu" "$out" alone load edges breakeven >"$work/said" 2>"$work/told" || fail "measuring failed: $(cat "$work/told")"
grep -qx 'alone agents: left out, as there is no traces/agents96.jsonl.' "$work/told" || fail "nobody was told what is left out"
[ "$(grep -c '^measured' "$work/said")" = 10 ] || fail "10 runs were expected: $(cat "$work/said")"
sh "$run" forecast "$kvcast" "$out" alone load edges breakeven 2>/dev/null || fail "forecasting failed"
for of in alone load edges breakeven; do
	grep -q 'hit tokens differ for 0 of' "$out/$of/compare.txt" || fail "$of was not compared"
	grep 'hit tokens differ' "$out/$of/compare.txt" | grep -v 'differ for 0 of' && fail "$of hits otherwise"
	grep '^  all' "$out/$of/compare.txt" | grep -vE '([+]?0[.]00 +){4}([+]0[.]00|0[.]0000)$' && fail "$of takes another time"
done

# A measurement that is the forecast lies in its range; where nothing is loaded there is none.
[ "$(awk -F, '$1 == "questions" && $3 == $6 && $3 == $7 && $4 <= $3 && $3 <= $5' "$out/load/ranges.csv" | wc -l)" = 3 ] ||
	fail "ranges are not of questions: $(cat "$out/load/ranges.csv")"
[ ! -f "$out/alone/ranges.csv" ] || fail "one request at a time has ranges"

# All go by one file of products a model, which the first of them makes.
sh "$run" measure "$work/kvcast-gpu" "$out" calibrate calibrate-1.5b bench >/dev/null 2>"$work/told" ||
	fail "calibrating failed: $(cat "$work/told")"
for of in llama-3.1-8b qwen2.5-1.5b; do
	[ -f "$out/calibrate/$of.products.csv" ] || fail "there is no file of products for $of"
	grep -- "--model $of " "$work/calls" | grep -qv -- "--products calibrate/$of.products.csv" &&
		fail "a run of $of goes by other products"
done
for command in replay calibrate "bench cold-repeat" "bench layout" "bench prefix"; do
	grep -q "^$command .*--products calibrate/" "$work/calls" || fail "$command was not run by a file of products"
done
rm -f "$out"/calibrate/*.samples.csv

# Sessions that begin a while after one another keep their own pace.
printf '%s\n' '{"kvcast": 1}' '{"session_id":"a","turn":1,"timestamp":7000,"input_length":9,"class":"main"}' \
	'{"session_id":"a","turn":2,"timestamp":9500,"input_length":9,"class":"main"}' \
	'{"session_id":"b","turn":1,"timestamp":100,"input_length":9,"class":"main"}' \
	'{"session_id":"b","turn":2,"timestamp":3000000100,"input_length":9,"class":"main"}' >"$work/two.jsonl"
begun=$(awk -v from=1 -v to=9 -v turns=2 -v most_first=99 -v most_tokens=99 -v most_think=9 -v apart=50 \
	-f "$(dirname "$run")/sessions.awk" "$work/two.jsonl" "$work/two.jsonl" | sed -n 's/.*"timestamp":\([^,]*\),.*/\1/p' | tr '\n' ' ')
[ "$begun" = "0 2500 50000 3000050000 " ] || fail "sessions begin at $begun"

# What is there is not measured again; what is gone, is.
rm "$out/alone/licences.measured-2.csv"
sh "$run" measure "$work/kvcast-gpu" "$out" alone 2>/dev/null >"$work/said"
[ "$(cat "$work/said")" = "measured alone/licences.measured-2" ] || fail "one run was to be measured anew, not: $(cat "$work/said")"
if command -v gnuplot >/dev/null; then
	sh "$run" charts "$kvcast" "$out" alone load breakeven 2>/dev/null || fail "charts failed"
	for of in alone/licences.svg alone/licences.cdf.svg load/ranges.svg breakeven/breakeven.svg; do
		tail -n 2 "$out/$of" 2>/dev/null | grep -qx '</svg>' || fail "there is no $of"
	done
fi
sh "$run" measure "$work/kvcast-gpu" "$out" alone cold 2>"$work/told" && fail "a step that is none was measured"
grep -q 'there is no step cold' "$work/told" || fail "an unknown step is not told: $(cat "$work/told")"
[ $failures -eq 0 ] || exit 1
echo "experiments.sh: forecasts, measurements and charts come out."
