# error_by_prefix.gp - how far off each request's TTFT was, by the length of the prefix that it found in the cache.
#
#   kvcast compare predicted.csv measured.csv --rows both.csv
#   gnuplot -c plots/error_by_prefix.gp both.csv out.svg        (or .png, .pdf)
#
# Above 0 the forecast was too slow. The band is 5 % either way. Prefixes of 0 tokens stand at the left edge.

if (ARGC != 2) { print "Usage: gnuplot -c error_by_prefix.gp ROWS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "group measured_hit_tokens predicted_ttft_ms measured_ttft_ms"
numbers = "measured_hit_tokens predicted_ttft_ms measured_ttft_ms"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)
load here . "groups.gp"

low = 1e300
high = 0
some_cold = 0
off = 10
error(unused) = 100 * (column(3) / column(4) - 1)
see(n) = (n <= 0 ? (some_cold = 1) : (low = n < low ? n : low, high = n > high ? n : high))
stats source skip 1 using (see(column(2)), off = abs(error(0)) > off ? abs(error(0)) : off, 0) nooutput
if (high == 0) { low = 16; high = 16 }
cold = low / (high / low > 10 ? (high / low) ** 0.12 : 1.5)
left = (some_cold ? cold : low) / 1.2
right = high * 1.2
set logscale x
set xtics ()
do for [decade = int(floor(log10(left))):int(ceil(log10(right)))] { do for [step in style_steps(left, right)] {
	at = step * 10.0 ** decade
	if (at > cold * 1.1) { set xtics add (sprintf("%g", at) at) }
} }
if (some_cold) { set xtics add ("none" cold) }
set xrange [left:right]
set yrange [-1.05 * off:1.05 * off]
set xlabel "cached prefix (tokens)"
set ylabel "error of the predicted time to first token (%)"
set title "Error by prefix: " . csv_stem(ARG1) . "\nband: 5 %; above 0 the forecast was too slow"
set key outside center bottom horizontal Left reverse samplen 2 title ' ' maxcols style_key_columns(groups, group_letters)
eval style_terminal(ARG2, style_page_width(group_letters), 500 + style_key_height(groups, group_letters))
set output ARG2
set style fill solid noborder
plot "+" using 1:(-5):(5) with filledcurves lc rgb "#E4E4E4" notitle, \
	0 with lines lc rgb "#606060" lw 1 notitle, \
	for [g = 1:groups] source skip 1 using (strcol(1) eq GROUP[g] ? (column(2) > 0 ? column(2) : cold) : NaN):(error(0)) with points \
	lc rgb style_colour(g) pt style_shape(g) ps 0.5 notitle, \
	for [g = 1:groups] NaN with points lc rgb style_colour(g) pt style_shape(g) ps 1 title group_label(g)
