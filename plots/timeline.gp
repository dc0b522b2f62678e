# timeline.gp - a run over time: token hit rate, mean time to the first token, requests that run and wait.
#
#   kvcast run TRACE --engine vllm ... --timeline timeline.csv [--timeline-bucket 60s]
#   gnuplot -c plots/timeline.gp timeline.csv out.svg [FROM TO]        (or .png, .pdf)
#
# FROM and TO (seconds) cut a stretch out. Buckets in which no answer was completed leave a gap in the upper two charts.

if (ARGC != 2 && ARGC != 4) { print "Usage: gnuplot -c timeline.gp TIMELINE.csv OUT.(svg|png|pdf) [FROM TO]"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"
csv_asker = ARG0

wanted = "start_s token_hit_rate ttft_ms_mean running waiting"
problem = csv_problem(ARG1, wanted, "start_s")
if (problem eq "") { problem = style_problem(ARG2) }
from = (ARGC == 4 ? real(ARG3) : 0)
to = (ARGC == 4 ? real(ARG4) : 1e300)
if (problem eq "" && to <= from) {
	problem = csv_base(csv_asker) . ": the stretch from " . ARG3 . " to " . ARG4 . " s is empty."
}
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, "start_s")

inside(t) = (t >= from && t < to)
rows = 0
last = -1
step = 0
most_ttft = 0
least_ttft = 1e300
answered = 0
see(t, ttft) = (rows = rows + 1, step = (last >= 0 && step == 0 ? t - last : step), last = t, \
	most_ttft = ttft > most_ttft ? ttft : most_ttft, least_ttft = ttft > 0 && ttft < least_ttft ? ttft : least_ttft, 0)
stats source skip 1 using (inside(column(1)) ? see(column(1), strlen(strcol(3)) ? column(3) : 0) : 0) nooutput
if (rows == 0 || most_ttft == 0) {
	print csv_base(csv_asker) . ": " . ARG1 . " has no answer" . (ARGC == 4 ? " from " . ARG3 . " to " . ARG4 . " s." : ".")
	exit status 1
}
if (step == 0) { step = 1 }
from = (from > 0 || ARGC == 4 ? from : 0)
to = (to < last + step ? to : last + step)

# Time in the unit that gives readable numbers, counted from the run's start.
span = to - from
time_unit = (span > 3 * 86400 ? "days" : span > 3 * 3600 ? "hours" : span > 600 ? "minutes" : "s")
time_scale = (time_unit eq "days" ? 86400.0 : time_unit eq "hours" ? 3600.0 : time_unit eq "minutes" ? 60.0 : 1.0)
at(t) = (inside(t) ? t / time_scale : NaN)
middle(t) = at(t) + (inside(t) ? step / 2 / time_scale : 0)
seconds = (most_ttft >= 10000)
ttft_scale = (seconds ? 1e-3 : 1.0)
measured(c, factor) = (strlen(strcol(c)) ? factor * column(c) : NaN)

dense = rows > 400
eval style_terminal(ARG2, 960, 745)
set output ARG2
set multiplot
set xrange [from / time_scale:to / time_scale]
set lmargin at screen 0.09
set rmargin at screen 0.97
set format x ""
top(row) = 1 - (45 + row * 215.0) / 745
bottom(row) = 1 - (235 + row * 215.0) / 745

set tmargin at screen top(0)
set bmargin at screen bottom(0)
set title "Over time: " . csv_stem(ARG1) . sprintf(" (steps of %g s)", step)
set ylabel "token hit rate (%)"
set yrange [0:100]
plot source skip 1 using (middle(column(1))):(measured(2, 100)) \
	with lines lc rgb style_colour(1) lw (dense ? 1 : 2) notitle
unset title

set tmargin at screen top(1)
set bmargin at screen bottom(1)
set ylabel "mean TTFT (" . (seconds ? "s)" : "ms)")
wide = most_ttft / least_ttft > 50
if (wide) { set logscale y; set yrange [*:*]; set format y "%g" } else { set yrange [0:*] }
plot source skip 1 using (middle(column(1))):(measured(3, ttft_scale)) \
	with lines lc rgb style_colour(2) lw (dense ? 1 : 2) notitle
unset logscale y
set format y "% h"

set tmargin at screen top(2)
set bmargin at screen bottom(2)
set ylabel "requests (mean of a step)"
set yrange [0:*]
set format x "% h"
set xlabel "time since the start (" . time_unit . ")"
set key top right horizontal samplen 3
plot source skip 1 using (middle(column(1))):(measured(4, 1)) \
	with lines lc rgb style_colour(3) lw (dense ? 1 : 2) title "running", \
	source skip 1 using (middle(column(1))):(measured(5, 1)) \
	with lines lc rgb style_colour(4) dt 2 lw (dense ? 1 : 1.5) title "waiting"
unset multiplot
