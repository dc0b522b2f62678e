# predicted_vs_measured.gp - every request's TTFT, predicted over measured: on the diagonal the forecast was right.
#
#   kvcast compare predicted.csv measured.csv --rows both.csv
#   gnuplot -c plots/predicted_vs_measured.gp both.csv out.svg        (or .png, .pdf)
#
# The bands are 5 and 20 % off. Colour and shape tell requests that started at once from those that queued or were loaded.

if (ARGC != 2) { print "Usage: gnuplot -c predicted_vs_measured.gp ROWS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "group predicted_ttft_ms measured_ttft_ms"
numbers = "predicted_ttft_ms measured_ttft_ms"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)
load here . "groups.gp"

low = 1e300
high = 0
see(t) = (low = t < low ? t : low, high = t > high ? t : high, 0)
stats source skip 1 using (see(column(2)) + see(column(3))) nooutput
left = low / 1.3
right = high * 1.3
set logscale xy
set xtics ()
set ytics ()
do for [decade = int(floor(log10(left))):int(ceil(log10(right)))] { do for [step in style_steps(left, right)] {
	at = step * 10.0 ** decade
	set xtics add (sprintf("%g", at) at)
	set ytics add (sprintf("%g", at) at)
} }
set xrange [left:right]
set yrange [left:right]
set samples 200
set xlabel "measured time to first token (ms)"
set ylabel "predicted (ms)"
set title "Time to first token, predicted and measured: " . csv_stem(ARG1) . "\nbands: 5 % and 20 % off"
set key outside center bottom horizontal Left reverse samplen 2 title ' ' maxcols style_key_columns(groups, group_letters)
eval style_terminal(ARG2, 700, 700 + style_key_height(groups, group_letters))
set output ARG2
set style fill solid noborder
plot "+" using 1:(0.8 * $1):(1.2 * $1) with filledcurves lc rgb "#F0F0F0" notitle, \
	"+" using 1:(0.95 * $1):(1.05 * $1) with filledcurves lc rgb "#D8D8D8" notitle, \
	x with lines lc rgb "#606060" lw 1 notitle, \
	for [g = 1:groups] source skip 1 using (strcol(1) eq GROUP[g] ? column(3) : NaN):2 with points \
	lc rgb style_colour(g) pt style_shape(g) ps 0.5 notitle, \
	for [g = 1:groups] NaN with points lc rgb style_colour(g) pt style_shape(g) ps 1 title group_label(g)
