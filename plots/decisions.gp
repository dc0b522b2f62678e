# decisions.gp - would the forecast have chosen right? The difference of every two configurations, predicted over measured.
#
#   kvcast compare --decisions forecast.csv runs.csv --rows pairs.csv
#   gnuplot -c plots/decisions.gp pairs.csv out.svg        (or .png, .pdf)
#
# In the white quarters the forecast chooses as the measurement does; in the grey ones it is wrong, unless the bar, the
# run-to-run spread, reaches the middle: then the measurement cannot tell. Where the forecast was made with several factors on its
# steps (vary_steps), an upright line is how far it goes with them; it is unsure where that reaches the middle.

if (ARGC != 2) { print "Usage: gnuplot -c decisions.gp PAIRS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "metric verdict predicted_gap measured_gap spread predicted_gap_least? predicted_gap_most?"
numbers = "predicted_gap measured_gap spread"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)
has_range = words(csv_names(ARG1, wanted, numbers)) == 7
least(unused) = column(has_range ? 6 : 3)
most(unused) = column(has_range ? 7 : 3)

verdict(i) = (i == 1 ? "right" : i == 2 ? "cannot tell" : i == 3 ? "wrong" : "confidently wrong")
array METRIC[8]
array SEEN[8]
metrics = 0
metric_of(name) = sum [i = 1:metrics] (METRIC[i] eq name ? i : 0)
metric_add(name) = (metric_of(name) || metrics == 8 ? 0 : (metrics = metrics + 1, METRIC[metrics] = name, SEEN[metrics] = 0))
widen(m, gap) = (SEEN[m] = abs(gap) > SEEN[m] ? abs(gap) : SEEN[m])
stats source skip 1 using (metric_add(strcol(1)), m = metric_of(strcol(1)), widen(m, least(0)), widen(m, most(0)), widen(m, column(4)), 0) nooutput
words_of(name) = (name eq "token_hit_rate" ? "token hit rate (percentage points)" : name eq "ttft_ms_mean" ? "mean TTFT (ms)" : \
	name eq "ttft_ms_p95" ? "p95 of TTFT (ms)" : name)
factor(name) = (name eq "token_hit_rate" ? 100 : 1)

eval style_terminal(ARG2, 60 + 400 * metrics, 520)
set output ARG2
set multiplot layout 1, metrics title "Differences between configurations: " . csv_stem(ARG1)
set key outside center bottom horizontal Left reverse samplen 2 maxcols 2
set style fill solid noborder
do for [m = 1:metrics] {
	edge = factor(METRIC[m]) * (SEEN[m] > 0 ? SEEN[m] : 1) * 1.15
	set xrange [-edge:edge]
	set yrange [-edge:edge]
	set title words_of(METRIC[m])
	set xlabel "measured"
	set ylabel "predicted"
	set object 1 rectangle from 0, -edge to edge, 0 fc rgb "#ECECEC" fs solid noborder behind
	set object 2 rectangle from -edge, 0 to 0, edge fc rgb "#ECECEC" fs solid noborder behind
	scale = factor(METRIC[m])
	plot x with lines lc rgb "#909090" lw 1 notitle, \
		for [v = 1:(has_range ? 4 : 0)] source skip 1 using (strcol(1) eq METRIC[m] && strcol(2) eq verdict(v) ? scale * column(4) : NaN): \
		(scale * least(0)):(0):(scale * (most(0) - least(0))) with vectors nohead lc rgb style_colour(v) lw 0.7 notitle, \
		for [v = 1:4] source skip 1 using (strcol(1) eq METRIC[m] && strcol(2) eq verdict(v) ? scale * column(4) : NaN): \
		(scale * column(3)):(scale * column(5)) with xerrorbars lc rgb style_colour(v) pt style_shape(v) ps 0.8 lw 0.7 notitle, \
		for [v = 1:4] NaN with points lc rgb style_colour(v) pt style_shape(v) ps 1 title verdict(v)
}
unset multiplot
