# ranges.gp - how sure a forecast was of mean, p50 and p95 of TTFT, and what was measured.
#
#   sh gpu/experiments/run.sh forecast kvcast OUT load        writes OUT/load/ranges.csv: run, figure, forecast, low, high, measured_1, ...
#   gnuplot -c plots/ranges.gp ranges.csv out.svg             (or .png, .pdf)
#
# A row a figure. The bar goes from the 5th to the 95th percentile of the ensemble (kvcast run --ensemble), as what the forecast would have
# been off were these right; each point is what it was off by one measurement. Points beyond the bar are hollow. The frame has room for all
# points; of a bar that is longer than MOST % and does not fit, a number says how far it goes.

if (ARGC != 2) { print "Usage: gnuplot -c ranges.gp RANGES.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "run figure forecast low high measured_1 measured_2?"
numbers = "forecast low high measured_1"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)
repeats = words(csv_names(ARG1, wanted, numbers)) == 7 ? 2 : 1

# What the forecast is off, in %, if `truth` is right.
off(truth) = 100.0 * (column(3) / truth - 1)
array FROM[600]
array TO[600]
array LABEL[600]
rows = 0
MOST = 25.0
far = 1.0
wide(x) = (far = abs(x) > far ? abs(x) : far)
add(unused) = (rows = rows + 1, FROM[rows] = off(column(5)), TO[rows] = off(column(4)), LABEL[rows] = strcol(1) . ", " . strcol(2), \
	wide(FROM[rows] < -MOST ? -MOST : FROM[rows]), wide(TO[rows] > MOST ? MOST : TO[rows]))
stats source skip 1 every ::::599 using (column(3) > 0 && column(4) > 0 && column(6) > 0 ? add(0) : 0, wide(off(column(6))), \
	repeats == 2 && strlen(strcol(7)) ? wide(off(column(7))) : 0, 0) nooutput
longest = 0
do for [i = 1:rows] { longest = strlen(LABEL[i]) > longest ? strlen(LABEL[i]) : longest }

eval style_terminal(ARG2, 800, 140 + 22 * rows)
set output ARG2
set lmargin longest * 0.95 + 2
frame = 1.1 * far
set xrange [-frame:frame]
do for [i = 1:rows] {
	if (FROM[i] < -frame) { set label sprintf("%.0f", FROM[i]) at -frame, i left offset 0.5, 0 front }
	if (TO[i] > frame) { set label sprintf("%+.0f", TO[i]) at frame, i right offset -0.5, 0 front }
}
set yrange [rows + 0.6:0.4]
set ytics scale 0 ()
do for [i = 1:rows] { set ytics add (LABEL[i] i) }
set grid noytics
set xlabel "forecast less measurement (%)"
set title "Time to first token: how sure the forecast was, and how far off"
set key outside center bottom horizontal Left reverse samplen 2 maxcols 3 title ' '
set style fill solid noborder
set boxwidth 0.5
inside(x) = (x >= FROM[int($0) + 1] && x <= TO[int($0) + 1])
measured(n) = column(5 + n)
at(n, hollow) = (valid(5 + n) && (inside(off(measured(n))) ? 0 : 1) == hollow ? off(measured(n)) : NaN)
set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb "#606060" lw 1 back
plot "+" every ::::(rows - 1) using (0):(int($0) + 1):(FROM[int($0) + 1] < -frame ? -frame : FROM[int($0) + 1]):(TO[int($0) + 1] > frame ? frame : TO[int($0) + 1]):\
	(int($0) + 0.75):(int($0) + 1.25) with boxxyerror lc rgb "#BBD7EA" title "nine in ten forecasts", \
	for [n = 1:repeats] source skip 1 using (at(n, 0)):($0 + 1) with points pt 7 ps 0.7 lc rgb style_colour(2) title (n == 1 ? "measured" : ""), \
	for [n = 1:repeats] source skip 1 using (at(n, 1)):($0 + 1) with points pt 6 ps 0.9 lw 2 lc rgb style_colour(4) \
	title (n == 1 ? "measured, beyond it" : "")
