# curve_capacity.gp - token hit rate of lru at every capacity, and beside it what a sweep says of other policies.
#
#   kvcast curve TRACE --csv > curve.csv
#   kvcast sweep TRACE --evict belady,sieve --csv > sweep.csv
#   gnuplot -c plots/curve_capacity.gp curve.csv [sweep.csv] out.svg        (or .png, .pdf)
#
# With --by class|turn the curve has a line for each, with --sample a band that the exact curve is in with 95 %. Else there is
# the ceiling, which a cache without limit hits. Of the curve's rows those are drawn that are 0.5 % apart.

if (ARGC != 2 && ARGC != 3) { print "Usage: gnuplot -c curve_capacity.gp CURVE.csv [SWEEP.csv] OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

out = ARGV[ARGC]
swept = ARGC == 3
curve_wanted = "capacity_blocks token_hit_rate capacity_gib group? token_hit_rate_low? token_hit_rate_high?"
curve_numbers = "capacity_blocks token_hit_rate"
sweep_wanted = "evict ttl capacity_blocks token_hit_rate"
sweep_numbers = "capacity_blocks token_hit_rate"
problem = style_problem(out)
if (problem eq "") { problem = csv_problem(ARG1, curve_wanted, curve_numbers) }
if (problem eq "" && swept) { problem = csv_problem(ARG2, sweep_wanted, sweep_numbers) }
if (problem ne "") { print problem; exit status 1 }

# A group's name is the fourth column, or an interval the fourth and fifth.
columns = words(csv_names(ARG1, curve_wanted, curve_numbers))
grouped = columns == 4
banded = columns == 5
thin = " | LC_ALL=C awk -F'\t' 'NR == 1 || " . (grouped ? "$4 != group || " : "") . "$1 >= 1.005 * last " . \
	"{ print; last = $1; group = $4; left = \"\"; next } { left = $0 } END { if (left != \"\") print left }'"
set table $CURVE separator tab
plot csv_source(ARG1, curve_wanted, curve_numbers) . thin skip 1 \
	using (column(1)):(column(2)):(banded ? column(4) : column(2)):(banded ? column(5) : column(2)): \
	(strcol(3)):(grouped ? strcol(4) : "lru") with table
unset table

# The lines: groups of the curve, then (evict, ttl) of the sweep, in order of appearance.
stats $CURVE using (0) nooutput
array GROUP[STATS_records]
groups = 0
group_of(name) = sum [i = 1:groups] (GROUP[i] eq name ? i : 0)
see_group(name) = (group_of(name) ? 0 : (groups = groups + 1, GROUP[groups] = name, 0))
low = 1e300
high = 0
ceiling = 0
gib = 0
see(blocks, rate, size) = (low = blocks < low ? blocks : low, high = blocks > high ? blocks : high, \
	ceiling = rate > ceiling ? rate : ceiling, strlen(size) ? (gib = real(size) / blocks) : 0)
stats $CURVE using (see_group(strcol(6)), see(column(1), column(2), strcol(5))) nooutput

policies = 0
if (swept) {
	others = csv_source(ARG2, sweep_wanted, sweep_numbers)
	stats others skip 1 using (0) nooutput
	array POLICY[STATS_records]
	policy_of(name) = sum [i = 1:policies] (POLICY[i] eq name ? i : 0)
	policy_name(evict, ttl) = evict . (ttl eq "none" ? "" : ", ttl " . ttl)
	see_policy(name) = (policy_of(name) ? 0 : (policies = policies + 1, POLICY[policies] = name, 0))
	stats others skip 1 using (see_policy(policy_name(strcol(1), strcol(2)))) nooutput
}
letters = strlen("ceiling: a cache without limit")
do for [i = 1:groups] { letters = strlen(GROUP[i]) > letters ? strlen(GROUP[i]) : letters }
do for [i = 1:policies] { letters = strlen(POLICY[i]) > letters ? strlen(POLICY[i]) : letters }
one = !grouped && !banded
lines = groups + policies + one + banded

# Capacities at which next to nothing hits are left out.
stats $CURVE using (column(2) >= 0.005 * ceiling ? column(1) : NaN) nooutput
left = STATS_min
right = high * 1.1
set logscale x
set logscale x2
short(n) = (n >= 1e6 ? sprintf("%.4g M", n / 1e6) : n >= 1e3 ? sprintf("%.4g k", n / 1e3) : sprintf("%.4g", n))
set xtics ()
do for [decade = int(floor(log10(left))):int(ceil(log10(right)))] { do for [step in style_steps(left, right)] {
	at = step * 10.0 ** decade
	if (at <= right) { set xtics add (short(at) at) }
} }
if (gib > 0) {
	set x2tics ()
	do for [decade = int(floor(log10(left * gib))):int(ceil(log10(right * gib)))] { do for [step in style_steps(left, right)] {
		at = step * 10.0 ** decade
		if (at <= right * gib) { set x2tics add (sprintf("%.6g", at) at / gib) }
	} }
	set x2label "capacity (GiB)"
	set border 7
}
set xrange [left:right]
set x2range [left:right]
set yrange [0:*]
set xlabel "capacity (blocks)"
set ylabel "token hit rate (% of prompt tokens)"
set title "Token hit rate of lru at every capacity" . (banded ? ", estimated from a sample" : "")
set key outside center bottom horizontal Left reverse samplen 6 title ' ' maxcols style_key_columns(lines, letters)
eval style_terminal(out, style_page_width(letters), 500 + style_key_height(lines, letters))
set output out
band = (banded ? "$CURVE using 1:(100 * column(3)):(100 * column(4)) with filledcurves fs solid 0.25 noborder " . \
	"lc rgb style_colour(1) title 'lru, 95 % interval', " : "")
curves = "for [i = 1:groups] $CURVE using (strcol(6) eq GROUP[i] ? column(1) : NaN):(100 * column(2)) " . \
	"with lines lc rgb style_colour(i) dt style_dash(i) lw 2.5 title GROUP[i]"
bound = ", for [i = 1:one] [left:right] 100 * ceiling with lines lc rgb '#606060' dt 3 lw 1.5 " . \
	"title 'ceiling: a cache without limit'"
points = ", for [i = 1:policies] others skip 1 using (policy_of(policy_name(strcol(1), strcol(2))) == i ? column(3) : NaN):" . \
	"(100 * column(4)) with points lc rgb style_colour(groups + i) pt style_shape(groups + i) ps 1.2 lw 2 title POLICY[i]"
eval "plot " . band . curves . bound . (policies ? points : "")
