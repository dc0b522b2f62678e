# hit_curve_both.gp - token hit rate against capacity: the forecast as lines, measured runs as points with bars.
#
#   kvcast sweep TRACE ... --capacity LIST --csv > forecast.csv
#   gnuplot -c plots/hit_curve_both.gp forecast.csv runs.csv out.svg        (or .png, .pdf)
#
# Both files have the columns of `kvcast sweep --csv`; runs.csv has a row a run. A bar goes from the least to the most of the
# repeats. Of a forecast with several factors on its steps (--vary steps=0.97,1,1.03) factor 1 is drawn.

if (ARGC != 3) { print "Usage: gnuplot -c hit_curve_both.gp FORECAST.csv RUNS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "evict ttl capacity_blocks token_hit_rate"
numbers = "capacity_blocks token_hit_rate"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = csv_problem(ARG2, wanted, numbers) }
if (problem eq "") { problem = style_problem(ARG3) }
if (problem ne "") { print problem; exit status 1 }

steps = strstrt(system("gzip -cdf " . csv_quoted(ARG1) . " | sed -n 1p"), "vary_steps") > 0
forecast_wanted = wanted . (steps ? " vary_steps" : "")
as_forecast(n) = (steps && column(5) != 1 ? NaN : n)

array LINE[40]
lines = 0
name_of(unused) = strcol(1) . (strcol(2) eq "none" ? "" : ", ttl " . strcol(2))
line_of(name) = sum [i = 1:lines] (LINE[i] eq name ? i : 0)
line_add(name) = (line_of(name) || lines == 40 ? 0 : (lines = lines + 1, LINE[lines] = name, 0))
low = 1e300
high = 0
least = 1e300
most = -1
finite(text) = (text eq "inf" ? NaN : real(text))
# Up to so many capacities stand on the axis themselves.
few = 7
array AT[few + 1]
ats = 0
at_known(n) = sum [i = 1:ats] (AT[i] == n)
at_add(n) = (ats > few || at_known(n) ? 0 : (ats = ats + 1, AT[ats] = n, 0))
see(n) = (n != n ? 0 : (low = n < low ? n : low, high = n > high ? n : high, at_add(n)))
see_rate(r) = (least = r < least ? r : least, most = r > most ? r : most)
do for [file in "1 2"] {
	stats csv_source(ARGV[int(file)], file eq "1" ? forecast_wanted : wanted, numbers) skip 1 \
		using (line_add(name_of(0)), see(finite(strcol(3))), see_rate(column(4)), 0) nooutput
}
if (high == 0) { print csv_base(ARG0) . ": every capacity is unlimited, which a logarithmic axis cannot show."; exit status 1 }
letters = 0
do for [i = 1:lines] { letters = strlen(LINE[i]) > letters ? strlen(LINE[i]) : letters }

# Least, mean and most of the repeats of a point, by awk: gnuplot has no grouping.
repeats = "< " . csv_command(ARG2, wanted, numbers) . " | awk -F '\t' 'NR > 1 { k = $1 FS $2 FS $3; n[k]++; s[k] += $4; " . \
	"if (n[k] == 1 || $4 < a[k]) a[k] = $4; if (n[k] == 1 || $4 > b[k]) b[k] = $4 } " . \
	"END { for (k in n) print k FS s[k] / n[k] FS a[k] FS b[k] }'"

set logscale x
short(n) = (n >= 1e6 ? sprintf("%.4g M", n / 1e6) : n >= 1e3 ? sprintf("%.4g k", n / 1e3) : sprintf("%.4g", n))
left = low / 1.2
right = high * 1.2
set xtics ()
if (ats <= few) {
	do for [i = 1:ats] { set xtics add (short(AT[i]) AT[i]) }
} else {
	do for [decade = int(floor(log10(left))):int(ceil(log10(right)))] { do for [step in style_steps(left, right)] {
		at = step * 10.0 ** decade
		set xtics add (short(at) at)
	} }
}
set xrange [left:right]
margin = 100 * (most - least) * 0.08 + 0.1
set yrange [100 * least - margin:100 * most + margin]
set xlabel "capacity (blocks)"
set ylabel "token hit rate (% of prompt tokens)"
set title "Token hit rate: lines predicted, points measured"
set key outside center bottom horizontal Left reverse samplen 5 title ' ' maxcols style_key_columns(lines, letters)
eval style_terminal(ARG3, style_page_width(letters), 500 + style_key_height(lines, letters))
set output ARG3
plot for [i = 1:lines] csv_source(ARG1, forecast_wanted, numbers) skip 1 \
	using (name_of(0) eq LINE[i] ? as_forecast(finite(strcol(3))) : NaN):(100 * column(4)) smooth unique \
	with lines lc rgb style_colour(i) dt style_dash(i) lw 2 notitle, \
	for [i = 1:lines] repeats using (name_of(0) eq LINE[i] ? finite(strcol(3)) : NaN):(100 * column(4)):(100 * column(5)): \
	(100 * column(6)) with yerrorbars lc rgb style_colour(i) pt style_shape(i) ps 1 lw 1.5 notitle, \
	for [i = 1:lines] NaN with linespoints lc rgb style_colour(i) dt style_dash(i) pt style_shape(i) lw 2 title LINE[i]
