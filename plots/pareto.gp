# pareto.gp - what a sweep's points trade for each other: those that no other point beats in both columns, and the others in grey.
#
#   kvcast sweep TRACE --model NAME --evict LIST --ttl LIST --capacity LIST --csv > sweep.csv
#   gnuplot -c plots/pareto.gp sweep.csv out.svg [X Y]        (or .png, .pdf)
#
# X and Y are columns, such as held_gib_s, capacity_gib, token_hit_rate, ttft_ms_p95 or holding_dollars; without them
# held_gib_s and ttft_ms_p95. Hit rates and what is saved are to be great, everything else small. Leave belady out, which cannot
# be had.

if (ARGC != 2 && ARGC != 4) { print "Usage: gnuplot -c pareto.gp SWEEP.csv OUT.(svg|png|pdf) [X Y]"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"
csv_asker = ARG0

file = ARG1
out = ARG2
x_name = (ARGC == 4 ? ARG3 : "held_gib_s")
y_name = (ARGC == 4 ? ARG4 : "ttft_ms_p95")
is_great(name) = strstrt(name, "hit_rate") || strstrt(name, "saved")
problem = style_problem(out)
if (problem eq "") {
	points_arguments = file
	points_x = "size"
	points_values = x_name . " " . y_name
	points_numbers = points_values
	points_most = 5000
	load here . "points.gp"
	problem = points_problem
}
if (problem eq "" && strstrt(points_common, "trace ") != 1) {
	problem = csv_who(ARG0) . ": " . file . " has points of several traces, which no front can compare; draw one at a time."
}
if (problem ne "") { print problem; exit status 1 }
source = points_lines . " | GREAT='" . (is_great(x_name) ? "x" : "") . (is_great(y_name) ? "y" : "") . \
	"' awk -f " . csv_quoted(here . "pareto.awk")

# Columns: front, line, place, text, label, x, y. Lines that have a point on the front have a look of their own, if there are
# not too many.
looks_most = 24
stats source skip 1 using (0) nooutput
array LINE[STATS_records]
looks = 0
letters = 24
look_of(line) = sum [i = 1:looks] (LINE[i] eq line ? i : 0)
see(line) = (looks > looks_most || look_of(line) ? 0 : (looks = looks + 1, LINE[looks] = line, \
	letters = strlen(line) > letters ? strlen(line) : letters, 0))
on_front = 0
stats source skip 1 using (column(1) == 1 ? (on_front = on_front + 1, see(strcol(5))) : 0) nooutput
many = looks > looks_most
if (many) { looks = 1 }
stats source skip 1 using 6:7 nooutput
if (STATS_min_x > 0 && STATS_max_x / STATS_min_x > 30) { set logscale x }
if (STATS_min_y > 0 && STATS_max_y / STATS_min_y > 30) { set logscale y }
share(name) = strstrt(name, "_rate") > 0
scale(name) = (share(name) ? 100 : 1)
unit(name) = (share(name) ? " (%)" : "")

set title "What can be had: " . y_name . " against " . x_name . "\n" . points_common
set xlabel x_name . unit(x_name)
set ylabel y_name . unit(y_name)
set offsets graph 0.03, graph 0.06, graph 0.05, graph 0.03
set key outside center bottom horizontal Left reverse samplen 4 title ' ' maxcols style_key_columns(looks + 2, letters)
eval style_terminal(out, style_page_width(letters), 500 + style_key_height(looks + 2, letters))
set output out
# Between two of its points, what the cheaper one gives can be had.
stairs = (is_great(x_name) ? "fsteps" : "steps")
plot source skip 1 using (column(1) == 0 ? scale(x_name) * column(6) : NaN):(scale(y_name) * column(7)) \
	with points pt 7 ps 0.5 lc rgb "#B0B0B0" title "beaten", \
	source skip 1 every ::::on_front - 1 using (scale(x_name) * column(6)):(scale(y_name) * column(7)) \
	with @stairs lc rgb "#606060" lw 1.5 title "the front", \
	for [i = 1:looks] source skip 1 \
	using (column(1) == 1 && (many || strcol(5) eq LINE[i]) ? scale(x_name) * column(6) : NaN):(scale(y_name) * column(7)) \
	with points pt style_shape(i) ps 1.1 lc rgb style_colour(i) lw 2 title (many ? "on the front" : LINE[i]), \
	source skip 1 using (column(1) == 1 && on_front <= 30 ? scale(x_name) * column(6) : NaN):(scale(y_name) * column(7)):4 \
	with labels left offset 0.8, 0.5 font ",9" textcolor rgb "#606060" notitle
