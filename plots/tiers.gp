# tiers.gp - what each tier does along a sweep: the share of the prompt tokens that it served (above), how busy its link was
# (below); last what was computed, and the mean time to the first token.
#
#   kvcast sweep TRACE --engine vllm --tier ... --vary disk.size=1TB,2TB --vary disk.ttl=none,static:ttl=1h --csv > sweep.csv
#   gnuplot -c plots/tiers.gp sweep.csv out.svg [disk.size]        (or .png, .pdf)
#
# The x axis is the key named last (size, ttl, evict, trace, or a varied key), without it the first that was varied, else
# the capacity. Its values stand in the order of the sweep; everything else that differs makes a line.

if (ARGC != 2 && ARGC != 3) { print "Usage: gnuplot -c tiers.gp SWEEP.csv OUT.(svg|png|pdf) [KEY]"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"
csv_asker = ARG0

out = ARG2
problem = style_problem(out)
if (problem eq "") {
	points_arguments = ARG1
	points_x = (ARGC == 3 ? ARG3 : "")
	points_values = "ttft_ms_mean ttft_is_estimate prompt_tokens ledger_hit_* link_*?"
	points_numbers = "ttft_ms_mean prompt_tokens"
	points_most = 400
	load here . "points.gp"
	problem = points_problem
}
if (problem ne "") { print problem; exit status 1 }

# Columns: line, place, text, label, TTFT, estimate, tokens, hits of each tier, shares of the links of all but the first.
first_tier = 8
last = words(points_names) + 3
tiers = sum [c = first_tier:last] (strstrt(word(points_names, c - 3), "ledger_hit_") == 1)
tier_column(t) = first_tier + t - 1
tier_name(t) = (name = word(points_names, tier_column(t) - 3), csv_without(name[12:*], "_tokens"))
place_of(name) = (found = 0, \
	sum [c = 1:words(points_names)] (word(points_names, c) eq name ? (found = c, 0) : 0), found + 3)
array LINK[tiers + 1]
do for [t = 1:tiers] { LINK[t] = place_of("link_" . tier_name(t) . "_share") }
number(c) = (strlen(strcol(c)) ? column(c) : 0)
share(c) = 100 * number(c) / column(7)
computed(row) = 100 - (sum [t = 1:tiers] share(tier_column(t)))

array LABEL[points_count]
array PLACE[points_count]
lines = 0
places = 0
letters = 0
place_letters = 0
most_ms = 0
estimates = 0
see(line, place, text, label) = (lines = line > lines ? line : lines, places = place > places ? place : places, \
	LABEL[line] = label, PLACE[place] = text, \
	place_letters = strlen(text) > place_letters ? strlen(text) : place_letters, \
	letters = strlen(label) > letters ? strlen(label) : letters, 0)
stats points_lines skip 1 using (see(int(column(1)), int(column(2)), strcol(3), strcol(4)), \
	estimates = estimates + number(6), most_ms = number(5) > most_ms ? number(5) : most_ms, 0) nooutput
found_axis = 0
stats points_lines skip 1 using (found_axis = found_axis + (strcol(3) ne "-"), 0) nooutput
if (!found_axis) {
	print csv_base(csv_asker) . ": " . ARG1 . " was not swept over " . points_axis . "."
	exit status 1
}
unit = (most_ms >= 5000 ? "s" : "ms")
scale = (unit eq "s" ? 1e-3 : 1.0)

panels = tiers + 1
panel_width = 250
key_width = letters * style_letter + 90
page_width = 40 + panels * panel_width > key_width + 60 ? 40 + panels * panel_width : key_width + 60
# Long values are numbered on the axis and told below it.
numbered = place_letters > 16
axis_height = (numbered ? 18 * places : 0)
key_height = style_key_height(lines, letters) + 30
page_height = 655 + key_height + axis_height
eval style_terminal(out, page_width, page_height)
set output out

# Panel (column, row) of the page, in pixels.
panel_left(column) = (70.0 + (column - 1) * (page_width - 40.0) / panels) / page_width
panel_right(column) = panel_left(column) + ((page_width - 40.0) / panels - 75.0) / page_width
panel_top(row) = 1 - (row == 1 ? 95.0 : 380.0) / page_height
panel_bottom(row) = 1 - (row == 1 ? 290.0 : 575.0) / page_height
place = "set lmargin at screen panel_left(%d); set rmargin at screen panel_right(%d); " . \
	"set tmargin at screen panel_top(%d); set bmargin at screen panel_bottom(%d)"

set xrange [0.7:places + 0.3]
set xtics () rotate by (!numbered && (places > 4 || place_letters > 8) ? -35 : 0)
axis_text = points_axis
do for [i = 1:places] {
	set xtics add ((numbered ? sprintf("%d", i) : PLACE[i]) i)
	if (numbered) { axis_text = axis_text . sprintf("\n%d: %s", i, PLACE[i]) }
}
set yrange [0:*<100]
unset key
at(line) = (int(column(1)) == line ? column(2) : NaN)
# Lines that coincide are both seen: earlier ones are wider.
width(i) = 1.5 + 3.0 * (lines - i) / lines
style = "with linespoints lc rgb style_colour(i) dt style_dash(i) pt style_shape(i) " . \
	"lw width(i) ps 0.6 + 0.15 * width(i) notitle"

set multiplot
set label 1 "Which tier served the prompts, and how busy its link was" . \
	(points_common eq "" ? "" : "\n" . points_common) at screen 0.5, screen 1 - 18.0 / page_height center
do for [t = 1:tiers] {
	eval sprintf(place, t, t, 1, 1)
	set title tier_name(t) . ": hits"
	if (t == 1) { set ylabel "% of prompt tokens" } else { unset ylabel }
	eval "plot for [i = 1:lines] points_lines skip 1 using (at(i)):(share(tier_column(t))) smooth unique " . style
	unset label 1
}
eval sprintf(place, panels, panels, 1, 1)
set title "computed"
eval "plot for [i = 1:lines] points_lines skip 1 using (at(i)):(computed(0)) smooth unique " . style
do for [t = 2:tiers] {
	eval sprintf(place, t, t, 2, 2)
	set title tier_name(t) . ": link busy"
	if (t == 2) { set ylabel "% of the time" } else { unset ylabel }
	eval "plot for [i = 1:lines] points_lines skip 1 using (at(i)):(100 * number(LINK[t])) smooth unique " . style
}
set label 2 axis_text at screen 0.5, screen (key_height + axis_height + 8.0) / page_height center
eval sprintf(place, panels, panels, 2, 2)
set title "mean TTFT" . (estimates > 0 ? ", estimated" : "")
set yrange [0:*]
set ylabel unit
eval "plot for [i = 1:lines] points_lines skip 1 using (at(i)):(scale * number(5)) smooth unique " . style

# The key, below all.
unset label 2; unset title; unset ylabel; unset xtics; unset ytics; unset border; unset grid
set lmargin at screen 0
set rmargin at screen 1
set bmargin at screen 0
set tmargin at screen 1
set key at screen 0.5, screen (key_height - 15.0) / page_height center top horizontal Left reverse samplen 6 \
	maxcols style_key_columns(lines, letters)
set xrange [0:1]
set yrange [0:1]
plot for [i = 1:lines] NaN with linespoints \
	lc rgb style_colour(i) dt style_dash(i) pt style_shape(i) lw 2 ps 0.9 title LABEL[i]
unset multiplot
