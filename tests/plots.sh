#!/bin/sh
# plots.sh SOURCE - draws every chart from small fixtures, and looks at what came out and how bad input is told.
# Exit code 77 where gnuplot is not installed.
set -u

source=$(cd "$1" && pwd) || exit 1
fixtures=$source/tests/plots
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

command -v gnuplot >/dev/null || { echo "gnuplot is not installed, so no chart was drawn."; exit 77; }

fail()
{
	echo "plots.sh: $*"
	failures=$((failures + 1))
}

# draw NAME ARGUMENT...: runs a chart and keeps what it said in `said`; a chart that succeeds says nothing.
draw()
{
	name=$1
	shift
	if ! gnuplot -c "$source/plots/$name.gp" "$@" >said 2>&1; then
		fail "$name $* failed: $(cat said)"
	elif [ -s said ]; then
		fail "$name $* said: $(cat said)"
	fi
}

# holds FILE TEXT...: a whole SVG with these texts in it.
holds()
{
	svg=$1
	shift
	head -n 1 "$svg" | grep -q '^<?xml' || fail "$svg does not begin as XML"
	tail -n 2 "$svg" | grep -qx '</svg>' || fail "$svg does not end with </svg>"
	[ "$(grep -o '<g\b' "$svg" | wc -l)" = "$(grep -o '</g>' "$svg" | wc -l)" ] || fail "$svg has groups left open"
	grep -qi 'nan' "$svg" && fail "$svg holds a NaN"
	for text; do
		grep -qF -- "$text" "$svg" || fail "$svg does not say: $text"
	done
}

# points FILE NUMBER: so many point symbols are drawn, those of the key included.
points()
{
	found=$(sed '1,/<\/defs>/d' "$1" | grep -o "<use xlink:href='#gpPt" | wc -l)
	[ "$found" -eq "$2" ] || fail "$1 has $found points, but $2 were expected"
}

# texts FILE PATTERN EXPECTED: the texts that are wholly like PATTERN, in the order drawn.
texts()
{
	found=$(grep -o "<text>$2</text>" "$1" | sed 's/<[^>]*>//g' | paste -s -d ' ')
	[ "$found" = "$3" ] || fail "$1 has the texts $found, but these were expected: $3"
}

# refuses SENTENCE NAME ARGUMENT...: exit code 1, this sentence alone on stderr, and no chart.
refuses()
{
	sentence=$1
	name=$2
	shift 2
	gnuplot -c "$source/plots/$name.gp" "$@" >said 2>complaint
	code=$?
	[ $code -eq 1 ] || fail "$name $* exits with $code, but 1 was expected"
	[ "$(cat complaint)" = "$sentence" ] || fail "$name $* said: $(cat complaint), but this was expected: $sentence"
	[ -s said ] && fail "$name $* wrote to stdout: $(cat said)"
	[ -e no.svg ] && fail "$name $* left a chart behind"
	rm -f no.svg
}

# Three lines of three points each, a point each in the key; finite and unlimited capacity, blocks and GiB.
draw hit_vs_capacity "$fixtures/sweep.csv" hit.svg
holds hit.svg "Token hit rate by cache capacity" "trace agents_a" "lru, ttl none" "lru, ttl static:ttl=5m,mode=sliding" \
	"sieve, ttl none" "capacity (blocks)" "capacity (GiB)" "token hit rate (% of prompt tokens)" unlimited "1 k"
points hit.svg 12

draw ledger "$fixtures/sweep.csv" ledger.svg
holds ledger.svg "Where the prompt tokens went" "lru, ttl none, 0.5 GiB" "lru, ttl none, 5 GiB" \
	"lru, ttl static:ttl=5m,mode=sliding, unlimited" "hit (gpu)" "cold (never seen)" \
	evicted expired orphaned "partial tail" "share of prompt tokens (%)" ">69<"
grep -q "forced" ledger.svg && fail "ledger.svg has a kind in the key that is 0 everywhere"

# The table by hand: belady 50 and 81 %; rows by their mean without TTL; one cell better than belady; saga lacks its
# last point, so it has no mean there.
draw policies "$fixtures/policies.csv" table.svg
holds table.svg "How far each policy is from belady" "trace agents_a" "(hatched, below 0: better than belady)" \
	"ttl none" "ttl static:ttl=5m,mode=sliding" "belady's hit rate (%)" "capacity (blocks, and below them GiB)" \
	">102<" ">1024<"
texts table.svg '[a-z]*' "belady saga lru fifo mean mean"
texts table.svg '-*[0-9]*\.[0-9]' "0.0 -5.0 20.0 13.0 0.0 11.0 21.0 31.0 0.0 3.0 20.5 22.0 2.0 0.0 25.0 30.0 \
6.0 21.0 51.0 4.0 23.0 40.5 50.0 81.0 50.0 81.0"
[ "$(grep -c 'polygon.*url(#gpPat' table.svg)" -eq 1 ] || fail "table.svg should have one hatched cell"
darkest=$(grep -o "polygon fill = 'rgb( 86, 180, 233)'" table.svg | wc -l)
[ "$darkest" -eq 1 ] || fail "table.svg has $darkest cells as dark as the farthest, but 1 was expected"

# Of two traces each is measured from its own belady; a lone capacity has no mean; small distances have two digits,
# and one that rounds to 0 is not better than belady; saga lacks a point, so it comes last.
cat >traces.csv <<END
trace,evict,ttl,capacity_blocks,capacity_gib,token_hit_rate
a,lru,none,inf,,0.5
a,saga,none,inf,,0.50502
a,belady,none,inf,,0.505
b,lru,none,2500000,,0.8
b,belady,none,2500000,,0.815
END
draw policies traces.csv traces.svg
texts traces.svg '[0-9]\.[0-9][0-9]' "0.00 0.50 0.00 0.00 1.50"
holds traces.svg ">a<" ">b<" unlimited "2.5 M" "capacity (blocks); policies"
grep -q -e mean\< -e hatched traces.svg && fail "traces.svg has means or hatched cells"

# A curve beside a sweep's points (two rows 1 % apart both show, as rows 0.5 % apart would not); curves of groups have no
# ceiling; TTLs with what they hold; every cell of a surface.
draw curve_capacity "$fixtures/curve.csv" "$fixtures/policies.csv" curve.svg
holds curve.svg "Token hit rate of lru at every capacity" ">lru<" "ceiling: a cache without limit" ">belady<" \
	"saga, ttl static:ttl=5m,mode=sliding" "capacity (GiB)" "capacity (blocks)"
{ sed 's/$/,group/;q' "$fixtures/curve.csv"; sed '1d;s/$/,auditor/' "$fixtures/curve.csv"; sed '1d;s/$/,lawyer/' "$fixtures/curve.csv"; } >groups.csv
draw curve_capacity groups.csv groups.svg
holds groups.svg ">auditor<" ">lawyer<"
grep -q ceiling groups.svg && fail "groups.svg has a ceiling, but each group has one of its own"
{ sed 's/$/,token_hit_rate_low,token_hit_rate_high/;q' "$fixtures/curve.csv"
	sed 1d "$fixtures/curve.csv" | awk -F, '{ print $0 "," $5 - 0.02 "," $5 + 0.02 }'; } >sampled.csv
draw curve_capacity sampled.csv "$fixtures/policies.csv" sampled.svg
holds sampled.svg "at every capacity, estimated from a sample" "lru, 95 % interval" ">belady<"
grep -q ceiling sampled.svg && fail "sampled.svg has a ceiling, but knows it as badly as the rest"
grep -q "interval\|estimated" curve.svg && fail "curve.svg speaks of a sample"
draw curve_ttl "$fixtures/ttl.csv" ttl.svg
holds ttl.svg "A sliding TTL, at every TTL" "held on average (GiB)" ">1m<" ">1h<" "what the next GiB of memory brings"
sed 's/,[^,]*$/,/' "$fixtures/ttl.csv" >blocks.csv
sed -i '1s/.*/'"$(head -n 1 "$fixtures/ttl.csv")"'/' blocks.csv
draw curve_ttl blocks.csv blocks.svg
holds blocks.svg "held on average (blocks)"
draw surface "$fixtures/surface.csv" surface.svg
holds surface.svg ">12.3<" ">23.4<" ">34.5<" ">45.6<" "no limit" "no TTL" ">1 m<" "5 GiB"

# By hand: of five points three are on the front, of which two share a line; where great is good, two others are.
cat >trade.csv <<END
trace,evict,ttl,capacity_blocks,capacity_gib,held_gib_s,ttft_ms_p95,token_hit_rate
a,lru,none,100,1,10,500,0.5
a,lru,none,200,2,20,400,0.4
a,arc,none,100,1,20,450,0.7
a,arc,none,200,2,30,300,0.6
a,fifo,none,200,2,30,310,0.1
END
draw pareto trade.csv pareto.svg
holds pareto.svg "What can be had: ttft_ms_p95 against held_gib_s" "trace a, ttl none" beaten "the front" ">lru<" ">arc<" "1 GiB" "2 GiB"
grep -q '>fifo<' pareto.svg && fail "pareto.svg names a policy that is always beaten"
points pareto.svg 8
draw pareto trade.csv rates.svg held_gib_s token_hit_rate
holds rates.svg "token_hit_rate (%)" ">lru<" ">arc<"
[ "$(CSV=trade.csv awk -F, 'NR == 1 { print "line\tplace\ttext\tlabel\tx\ty"; next } { print NR "\t1\t-\t" $2 "\t" $6 "\t" $8 }' \
	trade.csv | GREAT=y awk -f "$source/plots/pareto.awk" | cut -f 1,5,6 | paste -s -d ' ' | tr '\t' /)" = \
	"front/label/x 1/lru/10 1/arc/20 0/lru/20 0/fifo/30 0/arc/30" ] || fail "pareto.awk finds another front"

# TTFTs are 10, 20, ... 200 ms: p50 lies between the 10th and the 11th, p95 just above the 19th.
awk -F, 'NR == 1 || $1 % 2 == 0' "$fixtures/requests.csv" >half.csv
cp "$fixtures/requests.csv" "it's a:b.csv"
draw ttft_cdf "$fixtures/requests.csv" "half.csv:every second one" "it's a:b.csv" cdf.svg
holds cdf.svg "Time to first token" "requests  (p50 105 ms, p95 190.5 ms)" "every second one  (p50 " \
	"it's a:b  (p50 105 ms, p95 190.5 ms)" "time to first token (ms)" "requests served within that time (%)"
points cdf.svg 9

# Bars of queue, load and prefill; where the file has several points they say what differs, of several files by name, too.
tiers="$fixtures/tiers.csv"
draw ttft_breakdown "$tiers" parts.svg
holds parts.svg "Time to first token, and where its tokens came from" "trace agents, vllm, ttl none, gpu 0.5 GiB" \
	"disk.size 1TB, disk.ttl none" "disk.size 2TB, disk.ttl static:ttl=5m,mode=absolute" \
	"mean time to first token (ms), estimated" queue load prefill "hit (gpu)" "hit (host)" "hit (disk)" computed ">400<" ">50<"
sed 's/_host_/_pool_/g; s/,400,1,/,40000,0,/; s/,vary_disk.*//; s/,1TB,none//' "$tiers" | head -n 2 >"it's one.csv"
draw ttft_breakdown "$tiers:with: disk" "it's one.csv" parts.svg
holds parts.svg "with: disk, disk.size 1TB, disk.ttl none" ">it's one<" "mean time to first token (s), estimated" "hit (pool)" \
	">40.0<" "trace agents, vllm, ttl none"
draw ledger "$tiers" tiers_ledger.svg
holds tiers_ledger.svg "disk.size 1TB, disk.ttl none" "hit (disk)" "hit (host)"
draw hit_vs_capacity "$tiers" tiers_hit.svg
holds tiers_hit.svg "disk.size 2TB, disk.ttl static:ttl=5m,mode=absolute" "trace agents, vllm, ttl none"
points tiers_hit.svg 8

# A line a TTL over the two sizes in 4 + 3 panels, and the key; over the TTLs there is a line a size.
draw tiers "$tiers" tiers.svg
holds tiers.svg "Which tier served the prompts" "gpu: hits" "host: hits" "disk: hits" computed "host: link busy" \
	"disk: link busy" "mean TTFT, estimated" "disk.size" 1TB 2TB "disk.ttl static:ttl=5m,mode=absolute"
points tiers.svg 30
draw tiers "$tiers" tiers.svg disk.ttl
holds tiers.svg "disk.ttl" "static:ttl=5m,mode=absolute" "disk.size 1TB" "disk.size 2TB"
sed 's/,ttft_ms_mean/,ttft_ms_mean,ttft_is_estimate/; s/,80,250/,80,0,250/' "$fixtures/sweep.csv" | head -n 2 >flat.csv
draw tiers flat.csv tiers.svg
holds tiers.svg "gpu: hits" "mean TTFT" "0.5 GiB"

# The step without answers leaves a gap: two stretches of hit rate and TTFT.
draw timeline "$fixtures/timeline.csv" timeline.svg
holds timeline.svg "Over time: timeline (steps of 60 s)" "token hit rate (%)" "mean TTFT (ms)" running waiting \
	"requests (mean of a step)" "time since the start (s)"
draw timeline "$fixtures/timeline.csv" timeline.svg 60 120
holds timeline.svg "Over time: timeline (steps of"

# Classes, then turns, with their requests; sessions are not drawn.
draw classes "$fixtures/groups.csv" classes.svg
holds classes.svg "Who hits, and who waits: groups" "auditor, senior  (1,200)" "lawyer  (3)" "turn 1  (603)" "turn 20+  (600)" \
	"hit (gpu)" "hit (host)" computed p50 p90 p99 mean "time to first token (ms)" ">62<"
grep -qE 's1|hit \(\)' classes.svg && fail "classes.svg shows sessions, or the sum of the tiers"

# A forecast beside a measurement: five requests in three groups and the key; lines and runs; pairs by verdict in two panels.
both="$fixtures/both.csv"
draw predicted_vs_measured "$both" both.svg
holds both.svg "predicted and measured: both" "uncontended  (2)" "queued  (2)" "loaded from host  (1)" "predicted (ms)"
points both.svg 8
draw ttft_cdf_both "$both" cdf_both.svg
holds cdf_both.svg "measured  (p50 65 ms, p95 108.8 ms)" "predicted  (p50 70 ms, p95 98 ms)"
draw error_by_prefix "$both" prefix.svg
holds prefix.svg none "cached prefix (tokens)" "loaded from host  (1)"
points prefix.svg 8
{ cat "$fixtures/sweep.csv"; sed 1d "$fixtures/sweep.csv"; } >runs.csv
draw hit_curve_both "$fixtures/sweep.csv" runs.csv curve_both.svg
holds curve_both.svg "lines predicted, points measured" "sieve" "lru, ttl static:ttl=5m,mode=sliding"
draw cold_repeat "$fixtures/cold_repeat.csv" cold_repeat.svg
holds cold_repeat.svg "97.5 % less on repeats (predicted 96.9 %)" "2 repeats, mean" predicted measured "time to first token (ms)" "0.0 % hit" "98.6 % hit"
texts cold_repeat.svg '[0-9.]* ms' "360 ms 400 ms 11.2 ms 10.0 ms"
grep -v ,cold, "$fixtures/cold_repeat.csv" >only_repeats.csv
draw decisions "$fixtures/pairs.csv" decisions.svg
holds decisions.svg "token hit rate (percentage points)" "mean TTFT (ms)" "confidently wrong" "cannot tell"
points decisions.svg 12
# With how far the forecast goes: a line more for each pair, and no point more.
awk -F, 'NR == 1 { print $0 ",predicted_gap_least,predicted_gap_most,sure"; next } { print $0 (/sieve/ ? ",-20,30,no" : ",1,2,yes") }' \
	"$fixtures/pairs.csv" >ranges.csv
draw decisions ranges.csv ranges.svg
holds ranges.svg "token hit rate (percentage points)" "confidently wrong"
points ranges.svg 12
[ "$(grep -c '<path' ranges.svg)" -gt "$(grep -c '<path' decisions.svg)" ] || fail "decisions.gp does not draw how far a forecast goes"
# Three bars; five measurements, of which two lie beyond, and one of each in the key.
draw ranges "$fixtures/ranges.csv" sure.svg
holds sure.svg "how sure the forecast was" "conversation, p95" "nine in ten forecasts" "measured, beyond it" "forecast less measurement (%)"
points sure.svg 7
[ "$(sed '1,/<\/defs>/d' sure.svg | grep -c "<use xlink:href='#gpPt5'")" -eq 3 ] || fail "sure.svg has other measurements beyond the bars than two"
draw bill "$fixtures/bill.csv" bill.svg
holds bill.svg "What a provider would charge: bill" "without a cache" "written to the cache" "anthropic:ttl=1h" '$100.00, -50.0 %' '$250.00, +25.0 %'
draw breakeven "host:$fixtures/breakeven.csv:$fixtures/breakeven.csv" breakeven.svg
holds breakeven.svg "Load a prefix, or compute it again" "computed again" "from host" "prompt (tokens)"
points breakeven.svg 8
draw calibration "$fixtures/cells.csv" calibration.svg
holds calibration.svg "Calibration: cells" cold "8 sequences" "held out" "error (%)"

# One row, one request, every ending.
head -n 2 "$fixtures/sweep.csv" >one.csv
head -n 2 "$fixtures/requests.csv" >request.csv
sed -n '1p; /,belady,none,1000,/p' "$fixtures/policies.csv" >belady.csv
for ending in svg png pdf; do
	draw hit_vs_capacity one.csv hit."$ending"
	draw ledger one.csv ledger."$ending"
	draw ttft_cdf request.csv cdf."$ending"
	draw policies belady.csv table."$ending"
	draw ttft_breakdown "it's one.csv" parts."$ending"
	draw tiers "it's one.csv" tiers."$ending"
	head -n 2 "$fixtures/timeline.csv" >moment.csv
	draw timeline moment.csv timeline."$ending"
	head -n 2 "$fixtures/groups.csv" >class.csv
	draw predicted_vs_measured "$both" both."$ending"
	draw calibration "$fixtures/cells.csv" calibration."$ending"
	draw decisions "$fixtures/pairs.csv" decisions."$ending"
	draw classes class.csv classes."$ending"
done
holds hit.svg lru 100
holds ledger.svg "0.5 GiB"
holds cdf.svg "request  (p50 80 ms, p95 80 ms)"
for png in hit.png ledger.png cdf.png parts.png tiers.png timeline.png classes.png table.png; do
	[ "$(od -An -tx1 -N8 $png | tr -d ' ')" = 89504e470d0a1a0a ] || fail "$png is no PNG"
	[ "$(wc -c <$png)" -gt 5000 ] || fail "$png is next to empty"
done
for pdf in hit.pdf ledger.pdf cdf.pdf parts.pdf tiers.pdf timeline.pdf classes.pdf table.pdf; do
	[ "$(head -c 5 $pdf)" = "%PDF-" ] || fail "$pdf is no PDF"
done

# Lower tiers bring columns of their own; a kind that nobody has told the chart about still shows.
sed '1 s/ledger_expired/ledger_hit_host/; 1 s/ledger_orphaned/ledger_not_loaded/; 1 s/ledger_partial/ledger_stale/' \
	"$fixtures/sweep.csv" >tiers.csv
draw ledger tiers.csv tiers.svg
holds tiers.svg "hit (gpu)" "hit (host)" "not loaded" stale

# Without a model there are no GiB.
sed 's/,0\.5,10,/,,10,/; s/,5,10,/,,10,/' "$fixtures/sweep.csv" >blocks.csv
draw hit_vs_capacity blocks.csv blocks_hit.svg
draw ledger blocks.csv blocks_ledger.svg
holds blocks_ledger.svg "lru, ttl none, 100 blocks"
grep -q GiB blocks_hit.svg blocks_ledger.svg && fail "GiB are shown that the sweep did not give"

# Long names: the page grows, nothing complains.
long="s3-fifo:small=0.1,ghost=0.9,promote=2,and=$(seq -s, 30)"
sed "s/,sieve,/,\"$long\",/; s/ttl=5m,/ttl=5m,max_age=24h,coherence=cascade,/" "$fixtures/sweep.csv" >long.csv
sed "s/,saga,/,\"$long\",/" "$fixtures/policies.csv" >long_policies.csv
for ending in svg png; do
	draw policies long_policies.csv long_table."$ending"
	draw hit_vs_capacity long.csv long_hit."$ending"
	draw ledger long.csv long_ledger."$ending"
	draw ttft_cdf "request.csv:$long,$long" long_cdf."$ending"
	sed "s/static:ttl=5m,mode=absolute/$long/" "$tiers" >long_tiers.csv
	draw ttft_breakdown long_tiers.csv long_parts."$ending"
	draw tiers long_tiers.csv long_tiers."$ending"
	draw tiers long_tiers.csv long_ttl."$ending" disk.ttl
	sed "s/auditor, senior/$long/" "$fixtures/groups.csv" >long_groups.csv
	draw classes long_groups.csv long_classes."$ending"
done
holds long_hit.svg "$long, ttl none" "lru, ttl static:ttl=5m,max_age=24h,coherence=cascade,mode=sliding"
holds long_table.svg "$long"
holds long_ledger.svg "$long, ttl none, unlimited"

# A bare environment: no locale, no home.
env -i PATH="$PATH" gnuplot -c "$source/plots/hit_vs_capacity.gp" one.csv bare.png >said 2>&1 ||
	fail "a bare environment is not enough"
[ -s said ] && fail "in a bare environment a chart says: $(cat said)"

# Bad input.
: >empty.csv
head -n 1 "$fixtures/sweep.csv" >header.csv
printf 'trace,evict\nx,lru\n' >short.csv
printf 'request,ttft_ms\n0,0\n1,0\n' >zero.csv
for i in $(seq 41); do tail -n 1 "$fixtures/sweep.csv"; done | cat header.csv - >many.csv
sed '/,belady,/d' "$fixtures/policies.csv" >lost.csv
sed '/,belady,none,1000,/d' "$fixtures/policies.csv" >gap.csv
sed '$p' "$fixtures/policies.csv" | sed 's/,$/,0.1/' >twice.csv
for name in hit_vs_capacity ledger policies ttft_cdf ttft_breakdown tiers timeline classes predicted_vs_measured ttft_cdf_both \
	error_by_prefix decisions ranges calibration cold_repeat pareto; do
	refuses "$name.gp: absent.csv cannot be read." $name absent.csv no.svg
	refuses "$name.gp: empty.csv is empty, but a header line with column names was expected." $name empty.csv no.svg
done
refuses "cold_repeat.gp: only_repeats.csv needs a cold request and a repeat." cold_repeat only_repeats.csv no.svg
refuses "hit_vs_capacity.gp: short.csv has no column ttl; its columns are trace,evict." hit_vs_capacity short.csv no.svg
refuses "ledger.gp: short.csv has no column ttl; its columns are trace,evict." ledger short.csv no.svg
refuses "ttft_cdf.gp: short.csv has no column ttft_ms; its columns are trace,evict." ttft_cdf half.csv short.csv no.svg
refuses "hit_vs_capacity.gp: header.csv has no row with a number in capacity_blocks token_hit_rate." \
	hit_vs_capacity header.csv no.svg
refuses "ledger.gp: header.csv has no row with a number in prompt_tokens." ledger header.csv no.svg
refuses "ledger.gp: there are 41 points, but this chart shows 40 at most; sweep fewer." ledger many.csv no.svg
refuses "ttft_breakdown.gp: short.csv has no column ttl; its columns are trace,evict." ttft_breakdown "$tiers" short.csv no.svg
refuses "tiers.gp: short.csv has no column ttl; its columns are trace,evict." tiers short.csv no.svg
refuses "timeline.gp: short.csv has no column start_s; its columns are trace,evict." timeline short.csv no.svg
refuses "classes.gp: short.csv has no column kind; its columns are trace,evict." classes short.csv no.svg
refuses "curve_capacity.gp: short.csv has no column capacity_blocks; its columns are trace,evict." curve_capacity short.csv no.svg
refuses "curve_ttl.gp: short.csv has no column ttl_ms; its columns are trace,evict." curve_ttl short.csv no.svg
refuses "surface.gp: short.csv has no column ttl_ms; its columns are trace,evict." surface short.csv no.svg
refuses "tiers.gp: $tiers was not swept over disk.read." tiers "$tiers" no.svg disk.read
refuses "timeline.gp: the stretch from 60 to 60 s is empty." timeline "$fixtures/timeline.csv" no.svg 60 60
refuses "timeline.gp: $fixtures/timeline.csv has no answer from 120 to 180 s." timeline "$fixtures/timeline.csv" no.svg 120 180
grep -vE '^(class|turn)' "$fixtures/groups.csv" >sessions.csv
refuses "classes.gp: sessions.csv has neither classes nor turns." classes sessions.csv no.svg
sed -E 's/(,[0-9]+){15}$/,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0/' "$fixtures/groups.csv" >still.csv
refuses "classes.gp: no request waited longer than 0 ms, which a logarithmic axis cannot show." classes still.csv no.svg
{ head -n 1 "$fixtures/groups.csv"; for i in $(seq 61); do grep ^class,lawyer "$fixtures/groups.csv"; done; } >crowd.csv
refuses "classes.gp: crowd.csv has 61 classes and turns, but a chart shows 60 at most." classes crowd.csv no.svg
{ head -n 1 "$tiers"; for i in $(seq 41); do sed -n 2p "$tiers"; done; } >many_tiers.csv
refuses "ttft_breakdown.gp: there are 41 points, but this chart shows 40 at most; sweep fewer." ttft_breakdown many_tiers.csv no.svg
sed 's/^a,fifo/b,fifo/' trade.csv >traces.csv
refuses "pareto.gp: traces.csv has points of several traces, which no front can compare; draw one at a time." pareto traces.csv no.svg
refuses "pareto.gp: trade.csv has no column cost; its columns are $(head -n 1 trade.csv)." pareto trade.csv no.svg held_gib_s cost
refuses "Usage: gnuplot -c pareto.gp SWEEP.csv OUT.(svg|png|pdf) [X Y]" pareto trade.csv no.svg held_gib_s
refuses "classes.gp: no.gif should end in .svg, .png or .pdf, which says what to draw." classes class.csv no.gif
refuses "Usage: gnuplot -c tiers.gp SWEEP.csv OUT.(svg|png|pdf) [KEY]" tiers "$tiers"
refuses "Usage: gnuplot -c timeline.gp TIMELINE.csv OUT.(svg|png|pdf) [FROM TO]" timeline "$fixtures/timeline.csv"
refuses "ttft_cdf.gp: no request waited longer than 0 ms, which a logarithmic axis cannot show." ttft_cdf zero.csv no.svg
refuses "bill.gp: short.csv has no column provider; its columns are trace,evict." bill short.csv no.svg
refuses "Usage: gnuplot -c bill.gp BILL.csv OUT.(svg|png|pdf)" bill "$fixtures/bill.csv"
refuses "breakeven.gp: short.csv has no column prompt_tokens; its columns are trace,evict." breakeven \
	"host:$fixtures/breakeven.csv:short.csv" no.svg
refuses "breakeven.gp: $fixtures/breakeven.csv should be NAME:PREDICTED.csv:MEASURED.csv." breakeven "$fixtures/breakeven.csv" no.svg
refuses "Usage: gnuplot -c breakeven.gp NAME:PREDICTED.csv:MEASURED.csv... OUT.(svg|png|pdf)" breakeven no.svg
refuses "predicted_vs_measured.gp: short.csv has no column group; its columns are trace,evict." predicted_vs_measured short.csv no.svg
refuses "hit_curve_both.gp: short.csv has no column ttl; its columns are trace,evict." hit_curve_both "$fixtures/sweep.csv" short.csv no.svg
refuses "Usage: gnuplot -c hit_curve_both.gp FORECAST.csv RUNS.csv OUT.(svg|png|pdf)" hit_curve_both runs.csv no.svg
refuses "Usage: gnuplot -c decisions.gp PAIRS.csv OUT.(svg|png|pdf)" decisions "$fixtures/pairs.csv"
refuses "calibration.gp: no.gif should end in .svg, .png or .pdf, which says what to draw." calibration "$fixtures/cells.csv" no.gif
from="from which the distance is measured; sweep with belady in --evict and none in --ttl."
refuses "policies.gp: short.csv has no column ttl; its columns are trace,evict." policies short.csv no.svg
refuses "policies.gp: header.csv has no row with a number in capacity_blocks token_hit_rate." policies header.csv no.svg
refuses "policies.gp: lost.csv has no row for belady, ttl none, 100 blocks, $from" policies lost.csv no.svg
refuses "policies.gp: gap.csv has no row for belady, ttl none, 1000 blocks, $from" policies gap.csv no.svg
refuses "policies.gp: twice.csv has two rows for saga, ttl static:ttl=5m,mode=sliding, 1000 blocks, \
so something else differs too; draw one at a time." policies twice.csv no.svg
refuses "policies.gp: no.gif should end in .svg, .png or .pdf, which says what to draw." policies belady.csv no.gif
refuses "Usage: gnuplot -c policies.gp SWEEP.csv OUT.(svg|png|pdf)" policies belady.csv
refuses "ledger.gp: no.gif should end in .svg, .png or .pdf, which says what to draw." ledger one.csv no.gif
refuses "Usage: gnuplot -c ledger.gp SWEEP.csv[:label]... OUT.(svg|png|pdf)" ledger one.csv

[ $failures -eq 0 ] && echo "plots.sh: all charts are as expected."
exit $((failures > 0))
