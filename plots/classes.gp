# classes.gp - who hits and who waits: for each class and turn where the prompt's tokens came from, and how long the first
# token took.
#
#   kvcast run TRACE ... --groups groups.csv
#   gnuplot -c plots/classes.gp groups.csv out.svg        (or .png, .pdf)
#
# Sessions have rows in the file but none here. A class or turn nobody was counted in has none in either.

if (ARGC != 2) { print "Usage: gnuplot -c classes.gp GROUPS.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"
csv_asker = ARG0

most_rows = 60
wanted = "kind name requests prompt_tokens ttft_ms_mean ttft_ms_p50 ttft_ms_p90 ttft_ms_p99 hit_*"
numbers = "requests prompt_tokens ttft_ms_mean"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
# Classes and turns only; hit_tokens, their sum over the tiers, is left out by its name.
source = "< " . csv_command(ARG1, wanted, numbers) . " | awk -F '\\t' 'NR == 1 || $1 != \"session\"'"
names = csv_names(ARG1, wanted, numbers)

if (int(system(source[3:*] . " | wc -l")) < 2) {
	print csv_base(csv_asker) . ": " . ARG1 . " has neither classes nor turns."
	exit status 1
}
rows = 0
letters = 0
least_ms = 1e300
most_ms = 0
least(a, b) = (a < b ? a : b)
most(a, b) = (a > b ? a : b)
kinds = ""
comma_count(n) = (n < 1000 ? sprintf("%d", n) : n < 1e6 ? sprintf("%d,%03d", n / 1000, int(n) % 1000) : \
	sprintf("%d,%03d,%03d", n / 1e6, int(n / 1000) % 1000, int(n) % 1000))
label(row) = (strcol(1) eq "turn" ? "turn " : "") . strcol(2) . "  (" . comma_count(column(3)) . ")"
see(text) = (rows = rows + 1, letters = most(letters, strlen(text)), \
	least_ms = column(6) > 0 ? least(least_ms, column(6)) : least_ms, most_ms = most(most_ms, column(8)), 0)
stats source skip 1 using (see(label($0))) nooutput
classes = 0
stats source skip 1 using (classes = classes + (strcol(1) eq "class"), 0) nooutput
if (rows > most_rows) { problem = sprintf("%s: %s has %d classes and turns, but a chart shows %d at most.", \
	csv_base(csv_asker), ARG1, rows, most_rows) }
if (problem eq "" && most_ms == 0) {
	problem = csv_base(csv_asker) . ": no request waited longer than 0 ms, which a logarithmic axis cannot show."
}
if (problem ne "") { print problem; exit status 1 }

first_tier = 9
last = words(names)
is_tier(c) = (word(names, c) ne "hit_tokens")
tier_name(c) = (text = word(names, c), csv_without(text[5:*], "_tokens"))
tier_of(c) = (sum [j = first_tier:c] is_tier(j))
tier_colours = "#0072B2 #56B4E9 #A6D8F5 #DDF0FC"
tier_colour(c) = word(tier_colours, tier_of(c) > 4 ? 4 : tier_of(c) < 1 ? 1 : tier_of(c))
share(c) = (is_tier(c) ? 100 * column(c) / column(4) : 0)
before(c) = (c == first_tier ? 0 : sum [j = first_tier:c - 1] share(j))
all(row) = (sum [j = first_tier:last] share(j))
# A gap stands between classes and turns.
gap = (classes > 0 && rows > classes ? 0.6 : 0)
y(row) = (row < classes ? row : row + gap)

label_width = letters * 7.2 + 24
page_width = label_width + 860
page_height = 192 + (rows + gap) * 24
eval style_terminal(ARG2, page_width, page_height)
set output ARG2
set multiplot
set label 1 "Who hits, and who waits: " . csv_stem(ARG1) at screen 0.5, screen 1 - 18.0 / page_height center
set yrange [rows + gap - 0.4:-0.6]
set ytics scale 0
set grid noytics
set style fill pattern border lc rgb "#404040"
set style textbox opaque noborder fillcolor rgb "white" margins 0.5, 0.2
set tmargin at screen 1 - 40.0 / page_height
set bmargin at screen 112.0 / page_height

middle = (label_width + 400.0) / page_width
set lmargin at screen label_width / page_width
set rmargin at screen middle
set xrange [0:100]
set xlabel "share of prompt tokens (%)   (requests in brackets)"
set key at screen (label_width + 200.0) / page_width, screen 30.0 / page_height center \
	horizontal Left reverse samplen 2 maxcols 5 title ' '
plot for [c = first_tier:last] source skip 1 \
	using (before(c)):(y($0)):(before(c)):(before(c) + share(c)):(y($0) - 0.36):(y($0) + 0.36) \
	with boxxyerror fs solid lc rgb tier_colour(c) title (is_tier(c) ? "hit (" . tier_name(c) . ")" : ""), \
	source skip 1 using (all(0)):(y($0)):(all(0)):(100):(y($0) - 0.36):(y($0) + 0.36):ytic(label($0)) \
	with boxxyerror fs pattern 2 lc rgb "#707070" title "computed", \
	for [c = first_tier:last] source skip 1 \
	using (share(c) < 8 ? -99 : before(c) + share(c) / 2):(y($0)):(sprintf("%.0f", share(c))) with labels boxed notitle

unset label 1
set lmargin at screen middle + 30.0 / page_width
set rmargin at screen 1 - 30.0 / page_width
seconds = (most_ms >= 20000)
scale = (seconds ? 1e-3 : 1.0)
set logscale x
set xrange [least_ms * scale / 1.5:most_ms * scale * 1.5]
set xtics ()
do for [decade = int(floor(log10(least_ms * scale / 1.5))):int(ceil(log10(most_ms * scale * 1.5)))] {
	do for [step in style_steps(least_ms, most_ms)] {
		at = step * 10.0 ** decade
		set xtics add (sprintf("%g", at) at)
	}
}
set format y ""
set xlabel "time to first token (" . (seconds ? "s)" : "ms)")
set key at screen middle + (page_width * (1 - middle) + 0) / 2 / page_width, screen 30.0 / page_height center maxcols 5
plot source skip 1 using (scale * column(6)):(y($0)):(scale * column(6)):(scale * column(8)) \
	with xerrorbars pt 0 lw 1.5 lc rgb "#808080" notitle, \
	source skip 1 using (scale * column(6)):(y($0)) with points pt 7 ps 1.1 lc rgb style_colour(1) title "p50", \
	source skip 1 using (scale * column(7)):(y($0)) with points pt 5 ps 1.0 lc rgb style_colour(2) title "p90", \
	source skip 1 using (scale * column(8)):(y($0)) with points pt 9 ps 1.1 lc rgb style_colour(3) title "p99", \
	source skip 1 using (scale * column(5)):(y($0)) with points pt 2 ps 1.1 lw 1.5 lc rgb style_colour(4) title "mean"
unset multiplot
