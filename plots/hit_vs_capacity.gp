# hit_vs_capacity.gp - token hit rate against cache capacity, one line a policy (and a trace, where there are several).
#
#   kvcast sweep TRACE... --evict LIST --ttl LIST --capacity LIST --csv > sweep.csv
#   gnuplot -c plots/hit_vs_capacity.gp sweep.csv out.svg        (or .png, .pdf)
#
# A capacity of `inf` stands at the right, above "unlimited". The upper axis gives GiB where the sweep knew the model.

if (ARGC != 2) { print "Usage: gnuplot -c hit_vs_capacity.gp SWEEP.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "trace evict ttl capacity_blocks capacity_gib token_hit_rate vary_*?"
numbers = "capacity_blocks token_hit_rate"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)
names = csv_names(ARG1, wanted, numbers)

# The lines: distinct (trace, evict, ttl, varied keys), in order of appearance. The title tells what all have in common.
comma(a, b) = a . (strlen(a) && strlen(b) ? ", " : "") . b
varied_name(c) = (name = word(names, c), name[6:*])
varied(c) = (c > words(names) ? "" : comma(varied_name(c) . " " . strcol(c), varied(c + 1)))
stats source skip 1 using (0) nooutput
array TRACE[STATS_records]
array EVICT[STATS_records]
array TTL[STATS_records]
array VARIED[STATS_records]
lines = 0
line_of(trace, evict, ttl, keys) = sum [i = 1:lines] \
	(TRACE[i] eq trace && EVICT[i] eq evict && TTL[i] eq ttl && VARIED[i] eq keys ? i : 0)
line_add(trace, evict, ttl, keys) = (line_of(trace, evict, ttl, keys) ? 0 : \
	(lines = lines + 1, TRACE[lines] = trace, EVICT[lines] = evict, TTL[lines] = ttl, VARIED[lines] = keys, 0))
stats source skip 1 using (line_add(strcol(1), strcol(2), strcol(3), varied(7))) nooutput
traces_differ = 0
evicts_differ = 0
ttls_differ = 0
varied_differ = 0
letters = 0
do for [i = 1:lines] {
	if (TRACE[i] ne TRACE[1]) { traces_differ = 1 }
	if (EVICT[i] ne EVICT[1]) { evicts_differ = 1 }
	if (TTL[i] ne TTL[1]) { ttls_differ = 1 }
	if (VARIED[i] ne VARIED[1]) { varied_differ = 1 }
}

label(i) = comma(comma(traces_differ ? csv_stem(TRACE[i]) : "", evicts_differ || lines == 1 ? EVICT[i] : ""), \
	comma(ttls_differ ? "ttl " . TTL[i] : "", varied_differ ? VARIED[i] : ""))
do for [i = 1:lines] { letters = strlen(label(i)) > letters ? strlen(label(i)) : letters }
common = comma(traces_differ ? "" : "trace " . csv_stem(TRACE[1]), \
	comma(evicts_differ || lines == 1 ? "" : EVICT[1], \
	comma(ttls_differ ? "" : "ttl " . TTL[1], varied_differ ? "" : VARIED[1])))

# Lines of one policy share a colour, lines of one TTL and varied keys (or trace) a dash, if that tells all lines apart.
pairs = (traces_differ || evicts_differ) && (ttls_differ || varied_differ)
hue_name(i) = (pairs ? TRACE[i] . "\t" . EVICT[i] : traces_differ && evicts_differ ? EVICT[i] : sprintf("%d", i))
dash_name(i) = (pairs ? TTL[i] . "\t" . VARIED[i] : traces_differ && evicts_differ ? TRACE[i] : sprintf("%d", i))
array HUE[lines]
array DASH[lines]
hues = 1
dashes = 1
do for [i = 1:lines] {
	HUE[i] = hues
	DASH[i] = dashes
	do for [j = i - 1:1:-1] {
		if (hue_name(j) eq hue_name(i)) { HUE[i] = HUE[j] }
		if (dash_name(j) eq dash_name(i)) { DASH[i] = DASH[j] }
	}
	if (HUE[i] == hues) { hues = hues + 1 }
	if (DASH[i] == dashes) { dashes = dashes + 1 }
}

# The capacities: finite ones as they are, unlimited a little to the right of the largest.
finite(text) = (text eq "inf" || real(text) <= 0 ? NaN : real(text))
low = 1e300
high = 0
some_unlimited = 0
see(n) = (n != n ? 0 : (low = n < low ? n : low, high = n > high ? n : high))
stats source skip 1 using (strcol(4) eq "inf" ? (some_unlimited = 1) : see(finite(strcol(4)))) nooutput
some_finite = high > 0
if (!some_finite) { low = 1; high = 1 }
unlimited = high * (high / low > 10 ? (high / low) ** 0.12 : 1.3)
capacity(text) = (text eq "inf" ? unlimited : finite(text))
left = low / (high / low) ** 0.04 / 1.05
right = (some_unlimited ? unlimited : high) * (high / low) ** 0.04 * 1.05

# GiB a block, where every row says so and all agree.
gib = 0
gib_known = some_finite
see_gib(blocks, size) = (blocks != blocks ? 0 : strlen(size) == 0 ? (gib_known = 0) : \
	gib == 0 ? (gib = real(size) / blocks) : abs(real(size) / blocks / gib - 1) > 0.001 ? (gib_known = 0) : 0)
stats source skip 1 using (see_gib(finite(strcol(4)), strcol(5))) nooutput

# A lone capacity is its own tick; others stand between round numbers.
set logscale x
set logscale x2
short(n) = (n >= 1e6 ? sprintf("%.4g M", n / 1e6) : n >= 1e3 ? sprintf("%.4g k", n / 1e3) : sprintf("%.4g", n))
steps = (high > low ? style_steps(low, high) : "")
set xtics ()
do for [decade = int(floor(log10(left))):int(ceil(log10(high)))] { do for [step in steps] {
	at = step * 10.0 ** decade
	if (at <= high * 1.05) { set xtics add (short(at) at) }
} }
if (some_finite && low == high) { set xtics add (short(low) low) }
if (some_unlimited) { set xtics add ("unlimited" unlimited) }
if (gib_known) {
	set x2tics ()
	do for [decade = int(floor(log10(left * gib))):int(ceil(log10(high * gib)))] { do for [step in steps] {
		at = step * 10.0 ** decade
		if (at <= high * gib * 1.05) { set x2tics add (sprintf("%.4g", at) at / gib) }
	} }
	if (low == high) { set x2tics add (sprintf("%.4g", low * gib) low) }
	set x2label "capacity (GiB)"
	set border 7
} else { unset x2tics }
set xlabel "capacity (blocks)"
set ylabel "token hit rate (% of prompt tokens)"
set xrange [left:right]
set x2range [left:right]
set yrange [0:*]

set title "Token hit rate by cache capacity" . (common eq "" ? "" : "\n" . common)
set key outside center bottom horizontal Left reverse samplen 6 title ' ' maxcols style_key_columns(lines, letters)
eval style_terminal(ARG2, style_page_width(letters), 500 + style_key_height(lines, letters))
set output ARG2
# Policies that do the same lie on top of each other: earlier ones are wider, so that they show beside later ones.
width(i) = 1.5 + 5.0 * (hues - 1 - HUE[i]) / hues
plot for [i = 1:lines] source skip 1 \
	using (line_of(strcol(1), strcol(2), strcol(3), varied(7)) == i ? capacity(strcol(4)) : NaN):(100 * column(6)) smooth unique \
	with linespoints lc rgb style_colour(HUE[i]) dt style_dash(DASH[i]) pt style_shape(HUE[i] + DASH[i] - 1) \
	lw width(i) ps 0.6 + 0.15 * width(i) title label(i)
