# ttft_breakdown.gp - what the time to the first token is made of: queue, load and prefill, a bar a point; beside it, where
# the prompt's tokens came from.
#
#   kvcast sweep TRACE --engine vllm ... --csv > sweep.csv
#   kvcast run TRACE --preset lmcache ... --csv > lmcache.csv
#   gnuplot -c plots/ttft_breakdown.gp sweep.csv[:label] lmcache.csv[:label] ... out.svg        (or .png, .pdf)
#
# 8 files at most. A label may follow a file's name after a colon; without it the name serves where there are several.

if (ARGC < 2) { print "Usage: gnuplot -c ttft_breakdown.gp SWEEP.csv[:label]... OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"
csv_asker = ARG0

out = ARGV[ARGC]
problem = style_problem(out)
if (problem eq "" && ARGC == 9) { problem = csv_base(ARG0) . ": gnuplot hands on 9 arguments, so 8 files are the most." }
if (problem eq "") {
	points_arguments = ARG1
	do for [i = 2:ARGC - 1] { points_arguments = points_arguments . "\n" . ARGV[i] }
	points_values = "ttft_ms_mean queue_ms_mean load_ms_mean prefill_ms_mean ttft_is_estimate prompt_tokens ledger_hit_*"
	points_numbers = "ttft_ms_mean prompt_tokens"
	points_most = 40
	load here . "points.gp"
	problem = points_problem
}
if (problem ne "") { print problem; exit status 1 }

first_tier = 8
last = words(points_names)
number(c) = (strlen(strcol(c)) ? column(c) : 0)

# Seconds where milliseconds would be long.
most_ms = 0
estimates = 0
stats points_source skip 1 using (most_ms = number(2) > most_ms ? number(2) : most_ms, \
	estimates = estimates + number(6), 0) nooutput
unit = (most_ms >= 5000 ? "s" : "ms")
scale = (unit eq "s" ? 1e-3 : 1.0)
shown(ms) = sprintf(ms * scale >= 100 ? "%.0f" : ms * scale >= 10 ? "%.1f" : "%.2f", ms * scale)

part_names = "queue load prefill"
part_colours = "#E69F00 #009E73 #CC79A7"
part_patterns = "2 4 3"
part_before(c) = scale * (sum [j = 3:c] number(j) * (j < c))
part_after(c) = scale * (sum [j = 3:c] number(j))

# The tiers look as in ledger.gp.
tier_colours = "#0072B2 #56B4E9 #A6D8F5 #DDF0FC"
tier_colour(c) = word(tier_colours, c - first_tier + 1 > 4 ? 4 : c - first_tier + 1)
tier_name(c) = "hit (" . csv_without((tier_text = word(points_names, c), tier_text[12:*]), "_tokens") . ")"
share(c) = 100 * number(c) / column(7)
share_before(c) = (c == first_tier ? 0 : sum [j = first_tier:c - 1] share(j))
share_all(row) = (sum [j = first_tier:last] share(j))

label_width = points_letters * 7.2 + 20
page_width = 840 + label_width
page_height = 192 + points_count * 28
eval style_terminal(out, page_width, page_height)
set output out
set multiplot
set title offset 0, 0
set label 1 "Time to first token, and where its tokens came from" . \
	(points_common eq "" ? "" : "\n" . points_common) at screen 0.5, screen 1 - 18.0 / page_height center
set yrange [points_count - 0.4:-0.6]
set ytics scale 0
set grid noytics
set style fill pattern border lc rgb "#404040"
set style textbox opaque noborder fillcolor rgb "white" margins 0.5, 0.2
set tmargin at screen 1 - 55.0 / page_height
set bmargin at screen 112.0 / page_height
set key bottom center outside horizontal Left reverse samplen 2 title ' '

middle = (label_width + 440.0) / page_width
set lmargin at screen label_width / page_width
set rmargin at screen middle
set xrange [0:most_ms * scale * 1.16]
set xlabel "mean time to first token (" . unit . (estimates > 0 ? "), estimated" : ")")
set key at screen (label_width + 220.0) / page_width, screen 30.0 / page_height center maxcols 3
plot for [c = 3:5] points_source skip 1 \
	using (part_before(c)):0:(part_before(c)):(part_after(c)):($0 - 0.36):($0 + 0.36):yticlabels(strcol(1)) \
	with boxxyerror fs pattern int(word(part_patterns, c - 2)) lc rgb word(part_colours, c - 2) \
	title word(part_names, c - 2), \
	points_source skip 1 using (scale * number(2)):0:(shown(number(2))) with labels left offset 0.5, 0 notitle

unset label 1
set lmargin at screen middle + 30.0 / page_width
set rmargin at screen 1 - 24.0 / page_width
set xrange [0:100]
set format y ""
set xlabel "share of prompt tokens (%)"
set key at screen middle + (page_width * (1 - middle) + 6) / 2 / page_width, screen 30.0 / page_height center maxcols 5
plot for [c = first_tier:last] points_source skip 1 \
	using (share_before(c)):0:(share_before(c)):(share_before(c) + share(c)):($0 - 0.36):($0 + 0.36) \
	with boxxyerror fs solid lc rgb tier_colour(c) title tier_name(c), \
	points_source skip 1 using (share_all(0)):0:(share_all(0)):(100):($0 - 0.36):($0 + 0.36) \
	with boxxyerror fs pattern 2 lc rgb "#707070" title "computed", \
	for [c = first_tier:last] points_source skip 1 \
	using (share(c) < 6 ? -99 : share_before(c) + share(c) / 2):0:(sprintf("%.0f", share(c))) with labels boxed notitle
unset multiplot
