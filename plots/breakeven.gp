# breakeven.gp - a prefix loaded from a lower tier, or computed again: time to first token by length, forecast and measured.
#
#   kvcast run TRACE ... --load always --tier host:... --requests host.predicted.csv
#   kvcast-gpu replay TRACE ... the same ... --requests host.measured.csv
#   gnuplot -c plots/breakeven.gp host:host.predicted.csv:host.measured.csv [disk:...] out.svg        (or .png, .pdf)
#
# Per-request CSVs of requests that came one at a time: those that hit nothing were computed, those with a load_ms were loaded.
# Lines are forecasts, points measured. A tier pays where its line is under that of the computed ones.

if (ARGC < 2) { print "Usage: gnuplot -c breakeven.gp NAME:PREDICTED.csv:MEASURED.csv... OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "prompt_tokens hit_tokens load_ms ttft_ms"
tiers = ARGC - 1
before(text) = text[1:strstrt(text, ":") - 1]
after(text) = text[strstrt(text, ":") + 1:*]
name_of(i) = before(ARGV[i])
file_of(i, side) = (side == 1 ? before(after(ARGV[i])) : after(after(ARGV[i])))
problem = style_problem(ARGV[ARGC])
do for [i = 1:tiers] {
	if (problem eq "" && (strstrt(ARGV[i], ":") < 2 || strstrt(after(ARGV[i]), ":") < 2)) {
		problem = csv_base(ARG0) . ": " . ARGV[i] . " should be NAME:PREDICTED.csv:MEASURED.csv."
	}
	do for [side = 1:2] { if (problem eq "") { problem = csv_problem(file_of(i, side), wanted, wanted) } }
}
if (problem ne "") { print problem; exit status 1 }

# A request of some length that was computed, or loaded; else NaN.
computed(unused) = (column(2) == 0 && column(3) == 0 ? column(1) : NaN)
loaded(unused) = (column(3) > 0 ? column(1) : NaN)
source(i, side) = csv_source(file_of(i, side), wanted, wanted)

low = 1e300
high = 0
least = 1e300
most = 0
see(n, ms) = (n != n ? 0 : (low = n < low ? n : low, high = n > high ? n : high, least = ms < least ? ms : least, \
	most = ms > most ? ms : most))
do for [i = 1:tiers] { do for [side = 1:2] {
	stats source(i, side) skip 1 using (see(computed(0), column(4)), see(loaded(0), column(4)), 0) nooutput
} }
if (high == 0) { print csv_base(ARG0) . ": no request of " . file_of(1, 1) . " was computed or loaded whole."; exit status 1 }

letters = strlen("computed again")
do for [i = 1:tiers] { letters = strlen(name_of(i)) + 5 > letters ? strlen(name_of(i)) + 5 : letters }
set logscale xy
set xtics ()
set ytics ()
do for [decade = int(floor(log10(low / 1.2))):int(ceil(log10(high * 1.2)))] { do for [step in style_steps(low / 1.2, high * 1.2)] {
	set xtics add (sprintf("%g", step * 10.0 ** decade) step * 10.0 ** decade)
} }
do for [decade = int(floor(log10(least / 1.2))):int(ceil(log10(most * 1.2)))] { do for [step in style_steps(least / 1.2, most * 1.2)] {
	set ytics add (sprintf("%g", step * 10.0 ** decade) step * 10.0 ** decade)
} }
set xrange [low / 1.2:high * 1.2]
set yrange [least / 1.2:most * 1.2]
set xlabel "prompt (tokens)"
set ylabel "time to first token (ms)"
set title "Load a prefix, or compute it again\nlines: forecast; points: measured"
set key outside center bottom horizontal Left reverse samplen 3 title ' ' maxcols style_key_columns(tiers + 1, letters)
eval style_terminal(ARGV[ARGC], style_page_width(letters), 500 + style_key_height(tiers + 1, letters))
set output ARGV[ARGC]
plot source(1, 1) skip 1 using (computed(0)):4 smooth unique with lines lc rgb style_colour(1) dt style_dash(1) lw 2 notitle, \
	source(1, 2) skip 1 using (computed(0)):4 with points lc rgb style_colour(1) pt style_shape(1) ps 0.8 notitle, \
	NaN with linespoints lc rgb style_colour(1) dt style_dash(1) lw 2 pt style_shape(1) title "computed again", \
	for [i = 1:tiers] source(i, 1) skip 1 using (loaded(0)):4 smooth unique with lines lc rgb style_colour(i + 1) dt style_dash(i + 1) \
	lw 2 notitle, \
	for [i = 1:tiers] source(i, 2) skip 1 using (loaded(0)):4 with points lc rgb style_colour(i + 1) pt style_shape(i + 1) ps 0.8 notitle, \
	for [i = 1:tiers] NaN with linespoints lc rgb style_colour(i + 1) dt style_dash(i + 1) lw 2 pt style_shape(i + 1) \
	title "from " . name_of(i)
