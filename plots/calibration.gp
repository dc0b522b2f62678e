# calibration.gp - what a calibration was fitted to: prompts by new tokens, decodes by context, and what is left over.
#
#   kvcast fit samples.csv -o calib.json --cells cells.csv
#   gnuplot -c plots/calibration.gp cells.csv out.svg        (or .png, .pdf)
#
# Above, points are measured, lines fitted: cold prompts and prompts after cached prefixes, one in a step, and batches that only
# decode. Below, every step's error, fitted to all and held out of the fit.

if (ARGC != 2) { print "Usage: gnuplot -c calibration.gp CELLS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "prompts new_tokens cached_tokens decodes context_tokens measured_ms fitted_ms held_out_physical_ms held_out_curves_ms chosen"
numbers = "prompts new_tokens decodes measured_ms fitted_ms held_out_physical_ms held_out_curves_ms"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)
sorted(column) = source . " | tail -n +2 | LC_ALL=C sort -t '\t' -k " . column . "," . column . "g"

# The cached prefixes and decode batches that have a line: those with at least three steps, six at most.
tally(filter, key) = system(csv_command(ARG1, wanted, numbers) . " | awk -F '\t' 'NR > 1 && " . filter . " { n[" . key . "]++ } " . \
	"END { for (k in n) if (n[k] >= 3) print k }' | sort -g | awk '{ v[NR] = $1 } END { for (i = 1; i <= NR; i++) " . \
	"if (NR <= 6 || int((i - 1) * 5 / (NR - 1)) != int((i - 2) * 5 / (NR - 1)) || i == 1) printf \"%s \", v[i] }'")
prefixes = tally("$1 == 1 && $4 == 0", "$3")
batches = tally("$1 == 0", "$4")
held(unused) = (strcol(10) eq "physical" ? column(8) : column(9))

low = 1e300
high = 0
deep = 0
off = 10
off_of(ms) = abs(100 * (ms / column(6) - 1))
see(t) = (low = t < low ? t : low, high = t > high ? t : high)
stats source skip 1 using (see(column(6)), deep = column(5) > deep ? column(5) : deep, \
	off = off_of(held(0)) > off ? off_of(held(0)) : off, off = off_of(column(7)) > off ? off_of(column(7)) : off, 0) nooutput
stats source skip 1 using (column(1) == 1 && column(4) == 0 ? column(2) : NaN) nooutput
widest = STATS_max
low = low / 1.2
high = high * 1.2
# Ticks of both axes, over all that they may show.
ticks(axis, from, to) = "set " . axis . "tics (" . ticks_from(from, to, int(floor(log10(from))), 1) . ")"
ticks_from(from, to, decade, i) = (i > words(style_steps(from, to)) ? \
	(decade > log10(to) ? "" : ticks_from(from, to, decade + 1, 1)) : \
	tick_text(word(style_steps(from, to), i) * 10.0 ** decade, from, to) . ticks_from(from, to, decade, i + 1))
tick_text(at, from, to) = (at < from || at > to ? "" : sprintf("'%g' %g, ", at, at))
ticks_set(axis, from, to) = (t = ticks(axis, from, to), t[1:strlen(t) - 3] . ")")

eval style_terminal(ARG2, 1000, 860)
set output ARG2
set multiplot title "Calibration: " . csv_stem(ARG1)
set datafile missing NaN # a line goes on over the rows of others
set logscale xy
set key top left Left reverse samplen 3
set xrange [1:widest * 1.2]
set yrange [low:high]
eval ticks_set("x", 1, widest * 1.2)
eval ticks_set("y", low, high)
set size 0.5, 0.5
set origin 0, 0.46
set title "One prompt: points measured, lines fitted"
set xlabel "new tokens"
set ylabel "ms"
is_prompt(p) = column(1) == 1 && column(4) == 0 && column(3) == real(p)
plot for [i = 1:words(prefixes)] sorted(2) using (is_prompt(word(prefixes, i)) ? column(2) : NaN):7 with lines \
	lc rgb style_colour(i) dt style_dash(i) lw 1.5 notitle, \
	for [i = 1:words(prefixes)] source skip 1 using (is_prompt(word(prefixes, i)) ? column(2) : NaN):6 with points \
	lc rgb style_colour(i) pt style_shape(i) ps 0.6 title (word(prefixes, i) eq "0" ? "cold" : "after " . word(prefixes, i) . " cached")
set origin 0.5, 0.46
set title "Decodes: points measured, lines fitted"
set xlabel "context of each sequence (tokens)"
set xrange [32:(deep > 64 ? deep : 64) * 1.2]
eval ticks_set("x", 32, (deep > 64 ? deep : 64) * 1.2)
is_batch(b) = column(1) == 0 && column(4) == real(b)
plot for [i = 1:words(batches)] sorted(5) using (is_batch(word(batches, i)) ? column(5) : NaN):7 with lines \
	lc rgb style_colour(i) dt style_dash(i) lw 1.5 notitle, \
	for [i = 1:words(batches)] source skip 1 using (is_batch(word(batches, i)) ? column(5) : NaN):6 with points \
	lc rgb style_colour(i) pt style_shape(i) ps 0.6 title word(batches, i) . (word(batches, i) eq "1" ? " sequence" : " sequences")
unset logscale y
set ytics auto
set yrange [-1.1 * off:1.1 * off]
set size 1, 0.44
set origin 0, 0
set key top right horizontal
set title "What is left: error of every step; band: 5 %"
set xlabel "measured (ms)"
set ylabel "error (%)"
set style fill solid noborder
set samples 500
set xrange [low:high]
eval ticks_set("x", low, high)
plot "+" using 1:(-5):(5) with filledcurves lc rgb "#E4E4E4" notitle, 0 with lines lc rgb "#606060" notitle, \
	source skip 1 using 6:(100 * (held(0) / column(6) - 1)) with points lc rgb style_colour(2) pt style_shape(2) ps 0.6 title "held out", \
	source skip 1 using 6:(100 * (column(7) / column(6) - 1)) with points lc rgb style_colour(1) pt style_shape(1) ps 0.4 title "fitted"
unset multiplot
