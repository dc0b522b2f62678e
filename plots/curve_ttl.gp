# curve_ttl.gp - a sliding TTL at every TTL: token hit rate, what it holds on average, and what one more second brings.
#
#   kvcast curve TRACE --ttl --csv > ttl.csv
#   gnuplot -c plots/curve_ttl.gp ttl.csv out.svg        (or .png, .pdf)
#
# The lower panel is the price of hits: how many tokens more hit for every block (or GiB) more that is held on average,
# between TTLs that are 25 % apart. Of the curve's rows those are drawn that are 0.5 % apart.

if (ARGC != 2) { print "Usage: gnuplot -c curve_ttl.gp TTL.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "ttl_ms token_hit_rate mean_resident_blocks mean_resident_gib hit_tokens"
numbers = "ttl_ms token_hit_rate mean_resident_blocks"
problem = style_problem(ARG2)
if (problem eq "") { problem = csv_problem(ARG1, wanted, numbers) }
if (problem ne "") { print problem; exit status 1 }
thinned(ratio) = csv_source(ARG1, wanted, numbers) . sprintf(" | LC_ALL=C awk -F'\t' 'NR == 1 || $1 >= %g * last " . \
	"{ print; last = $1 > 1 ? $1 : 1; left = \"\"; next } { left = $0 } END { if (left != \"\") print left }'", ratio)
source = thinned(1.005)

stats source skip 1 using (strlen(strcol(4)) ? 1 : 0) nooutput
in_gib = STATS_min == 1
held(blocks, gib) = (in_gib ? real(gib) : blocks)
unit = in_gib ? "GiB" : "blocks"
ceiling = 0
stats source skip 1 using (ceiling = column(2) > ceiling ? column(2) : ceiling) nooutput
stats source skip 1 using (column(2) >= 0.002 * ceiling && column(1) > 0 ? column(1) : NaN) nooutput
left = STATS_min
right = STATS_max * 1.1

set logscale x
set xrange [left:right]
set xtics ()
ticks = "1:1ms 10:10ms 100:100ms 1000:1s 10000:10s 60000:1m 300000:5m 600000:10m 1800000:30m 3600000:1h 18000000:5h 86400000:1d 604800000:7d"
do for [tick in ticks] {
	at = real(tick[1:strstrt(tick, ":") - 1])
	if (at >= left && at <= right) { set xtics add (tick[strstrt(tick, ":") + 1:*] at) }
}
eval style_terminal(ARG2, 960, 760)
set output ARG2
set multiplot title "A sliding TTL, at every TTL"
set lmargin 12
set rmargin 12
set key left top Left reverse samplen 4
set border 11
set size 1, 0.56
set origin 0, 0.40
set format x ""
set yrange [0:*]
set y2range [0:*]
set y2tics nomirror
set ylabel "token hit rate (% of prompt tokens)"
set y2label "held on average (" . unit . ")"
plot source skip 1 using 1:(100 * column(2)) with lines lc rgb style_colour(1) dt 1 lw 2.5 title "token hit rate", \
	source skip 1 using 1:(held(column(3), strcol(4))) axes x1y2 with lines lc rgb style_colour(2) dt 2 lw 2 \
	title "held on average (" . unit . ", right)"

set size 1, 0.42
set origin 0, 0
set format x
set border 3
unset y2tics
unset y2label
set xlabel "TTL"
set logscale y
set yrange [*:*]
set format y "%.0s %c"
set key left bottom
set ylabel "tokens hit more\na " . unit . (in_gib ? "" : " (one of them)") . " more held"
before_tokens = 0
before_held = 0
slope(tokens, amount) = (rise = amount > before_held ? (tokens - before_tokens) / (amount - before_held) : NaN, \
	before_tokens = tokens, before_held = amount, (rise > 0 ? rise : NaN))
plot thinned(1.25) skip 1 using 1:(slope(column(5), held(column(3), strcol(4)))) with steps lc rgb style_colour(3) lw 2 \
	title "what the next " . unit . " of memory brings"
unset multiplot
