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
[ "\$1" = replay ] || exit 1
shift
options=()
while [ \$# -gt 0 ]; do
	case \$1 in
	--disk-folder | --archive-folder) shift ;;
	*) options+=("\$1") ;;
	esac
	shift
done
exec "$kvcast" run "\${options[@]}" --calib h200-llama-3.1-8b
END
chmod +x "$work/kvcast-gpu"

sh "$run" traces "$kvcast" "$work/nothing" "$out" || fail "traces were not made"
sh "$run" measure "$work/kvcast-gpu" "$out" alone edges breakeven >"$work/said" 2>"$work/told" || fail "measuring failed: $(cat "$work/told")"
grep -qx 'alone agents: left out, as there is no traces/agents96.jsonl.' "$work/told" || fail "nobody was told what is left out"
[ "$(grep -c '^measured' "$work/said")" = 8 ] || fail "8 runs were expected: $(cat "$work/said")"
sh "$run" forecast "$kvcast" "$out" alone edges breakeven 2>/dev/null || fail "forecasting failed"
for of in alone edges breakeven; do
	grep -q 'hit tokens differ for 0 of' "$out/$of/compare.txt" || fail "$of was not compared"
	grep 'hit tokens differ' "$out/$of/compare.txt" | grep -v 'differ for 0 of' && fail "$of hits otherwise"
	grep '^  all' "$out/$of/compare.txt" | grep -v '0\.00 *0\.00 *0\.00 *0\.00 *+0\.00' && fail "$of takes another time"
done

# What is there is not measured again; what is gone, is.
rm "$out/alone/licences.measured-2.csv"
sh "$run" measure "$work/kvcast-gpu" "$out" alone 2>/dev/null >"$work/said"
[ "$(cat "$work/said")" = "measured alone/licences.measured-2" ] || fail "one run was to be measured anew, not: $(cat "$work/said")"
if command -v gnuplot >/dev/null; then
	sh "$run" charts "$kvcast" "$out" alone breakeven 2>/dev/null || fail "charts failed"
	for of in alone/licences.svg alone/licences.cdf.svg breakeven/breakeven.svg; do
		tail -n 2 "$out/$of" 2>/dev/null | grep -qx '</svg>' || fail "there is no $of"
	done
fi
sh "$run" measure "$work/kvcast-gpu" "$out" alone cold 2>"$work/told" && fail "a step that is none was measured"
grep -q 'there is no step cold' "$work/told" || fail "an unknown step is not told: $(cat "$work/told")"
[ $failures -eq 0 ] || exit 1
echo "experiments.sh: forecasts, measurements and charts come out."
