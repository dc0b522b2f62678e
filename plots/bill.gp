# bill.gp - what providers would charge for a trace: a bar a provider, dollars for 1,000 requests by what they pay for, beside what
# they would charge without a cache.
#
#   kvcast run TRACE --provider LIST --csv > bill.csv
#   gnuplot -c plots/bill.gp bill.csv out.svg        (or .png, .pdf)

if (ARGC != 2) { print "Usage: gnuplot -c bill.gp BILL.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

parts = "written plain read ping storage output"
labels = "'written to the cache' 'prompts, not cached' 'read from the cache' 'keeping it alive' 'storage' 'answers'"
wanted = "provider requests uncached_dollars"
do for [part in parts] { wanted = wanted . " " . part . "_dollars" }
numbers = wanted[strlen("provider") + 2:*]
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)

bars = 0
letters = 0
most = 0
array TOTAL[6] = [0, 0, 0, 0, 0, 0]
stats source skip 1 using (bars = bars + 1, letters = strlen(strcol(1)) > letters ? strlen(strcol(1)) : letters, \
	bill = (sum [q = 4:9] column(q)) / column(2), most = 1.3 * bill > most ? 1.3 * bill : most, \
	most = column(3) / column(2) > most ? column(3) / column(2) : most, 0) nooutput
do for [p = 1:6] { stats source skip 1 using (TOTAL[p] = TOTAL[p] + column(3 + p), 0) nooutput }
if (bars > 40) { print csv_base(ARG0) . ": there are " . bars . " bills, but this chart shows 40 at most."; exit status 1 }
if (most == 0) { print csv_base(ARG0) . ": nothing in " . ARG1 . " costs anything."; exit status 1 }
shown = 1
do for [p = 1:6] { shown = shown + (TOTAL[p] > 0) }

part(p) = 1000 * column(3 + p) / column(2)
before(p) = (p == 1 ? 0 : sum [q = 1:p - 1] part(q))
all(unused) = sum [q = 1:6] part(q)
uncached(unused) = 1000 * column(3) / column(2)
colours = "#D55E00 #707070 #0072B2 #E69F00 #CC79A7 #009E73"
patterns = "2 1 3 5 4 6"

set grid noytics
set xrange [0:1000 * most * 1.02]
set yrange [bars - 0.4:-0.6]
set ytics scale 0
set xlabel "dollars for 1,000 requests"
set title "What a provider would charge: " . csv_stem(ARG1) . "\nblack line: without a cache"
page_width = 700 + letters * style_letter
set lmargin at screen (letters * 7.2 + 20) / page_width
set rmargin 3
set style fill pattern border lc rgb "#404040"
set style textbox opaque noborder fillcolor rgb "white" margins 0.5, 0.2
set key outside center bottom horizontal Left reverse title ' ' maxcols style_key_columns(shown, 20)
eval style_terminal(ARG2, page_width, 170 + bars * 34 + style_key_height(shown, 20))
set output ARG2
plot for [p = 1:6] source skip 1 \
	using (before(p)):0:(before(p)):(before(p) + part(p)):($0 - 0.34):($0 + 0.34):yticlabels(strcol(1)) \
	with boxxyerror fs pattern int(word(patterns, p)) lc rgb word(colours, p) title (TOTAL[p] > 0 ? word(labels, p) : ""), \
	source skip 1 using (uncached(0)):($0 - 0.34):(0):(0.68) with vectors nohead lc rgb "#000000" lw 3 title "without a cache", \
	source skip 1 using (all(0)):0:(sprintf(" $%.2f, %+.1f %%", all(0), 100 * (all(0) / uncached(0) - 1))) with labels left notitle
