# ttft_cdf_both.gp - how long requests wait for their first token, predicted and measured: share of requests within a time.
#
#   kvcast compare predicted.csv measured.csv --rows both.csv
#   gnuplot -c plots/ttft_cdf_both.gp both.csv out.svg        (or .png, .pdf)

if (ARGC != 2) { print "Usage: gnuplot -c ttft_cdf_both.gp ROWS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

problem = csv_problem(ARG1, "predicted_ttft_ms measured_ttft_ms", "predicted_ttft_ms measured_ttft_ms")
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
sides = "measured predicted"
source(side) = "< " . csv_command(ARG1, side . "_ttft_ms", side . "_ttft_ms") . " | tail -n +2 | LC_ALL=C sort -g | awk -f " . \
	csv_quoted(here . "cdf.awk")
array P50[2]
array P95[2]
low = 1e300
high = 0
see(t) = (t <= 0 ? 0 : (low = t < low ? t : low, high = t > high ? t : high))
do for [i = 1:2] {
	stats source(word(sides, i)) using (see(column(1)), P50[i] = column(3), P95[i] = column(4), 0) nooutput
}
if (high == 0) {
	print csv_base(ARG0) . ": no request waited longer than 0 ms, which a logarithmic axis cannot show."
	exit status 1
}
shown(ms) = (ms < 1000 ? sprintf("%.4g ms", ms) : sprintf("%.4g s", ms / 1000))
label(i) = word(sides, i) . "  (p50 " . shown(P50[i]) . ", p95 " . shown(P95[i]) . ")"
letters = strlen(label(1)) > strlen(label(2)) ? strlen(label(1)) : strlen(label(2))
left = low / 1.5
right = high * 1.5
set logscale x
set xtics ()
do for [decade = int(floor(log10(left))):int(ceil(log10(right)))] { do for [step in style_steps(left, right)] {
	at = step * 10.0 ** decade
	set xtics add (sprintf("%g", at) at)
} }
set xrange [left:right]
set yrange [0:100]
set xlabel "time to first token (ms)"
set ylabel "requests served within that time (%)"
set title "Time to first token, predicted and measured: " . csv_stem(ARG1)
set key outside center bottom horizontal Left reverse samplen 6 title ' ' maxcols style_key_columns(2, letters)
eval style_terminal(ARG2, style_page_width(letters), 500 + style_key_height(2, letters))
set output ARG2
# Measured is the wider line, below: where the forecast is right it shows on both sides of it.
plot for [i = 1:2] source(word(sides, i)) using 1:2 with steps lc rgb style_colour(i) dt style_dash(i) lw 7 - 2.5 * i title label(i)
