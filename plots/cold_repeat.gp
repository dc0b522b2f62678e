# cold_repeat.gp - what a manual costs when it is first read, and ever after: TTFT of the cold request and of the repeats,
# predicted and measured side by side.
#
#   kvcast-gpu bench cold-repeat ... -o FOLDER
#   gnuplot -c plots/cold_repeat.gp FOLDER/table.csv out.svg        (or .png, .pdf)
#
# A bar of repeats is their mean, its whisker goes from the least to the most. The axis is logarithmic: read the numbers.

if (ARGC != 2) { print "Usage: gnuplot -c cold_repeat.gp TABLE.csv OUT.(svg|png|pdf)"; exit status 1 }
here = ARG0
while (strlen(here) && here[strlen(here):*] ne "/") { here = here[1:strlen(here) - 1] }
load here . "csv.gp"
load here . "style.gp"

wanted = "kind prompt_tokens hit_tokens predicted_hit_tokens ttft_ms predicted_ttft_ms"
numbers = "prompt_tokens hit_tokens predicted_hit_tokens ttft_ms predicted_ttft_ms"
problem = csv_problem(ARG1, wanted, numbers)
if (problem eq "") { problem = style_problem(ARG2) }
if (problem ne "") { print problem; exit status 1 }
source = csv_source(ARG1, wanted, numbers)

# [1]: cold, predicted; [2]: cold, measured; [3] and [4]: repeats.
array COUNT[4]
array SUM[4]
array LEAST[4]
array MOST[4]
array HIT[4]
array PROMPT[4]
do for [i = 1:4] { COUNT[i] = 0; SUM[i] = 0.0; LEAST[i] = 1e300; MOST[i] = 0.0; HIT[i] = 0.0; PROMPT[i] = 0.0 }
add(i, ms, hit) = (COUNT[i] = COUNT[i] + 1, SUM[i] = SUM[i] + ms, LEAST[i] = ms < LEAST[i] ? ms : LEAST[i], \
	MOST[i] = ms > MOST[i] ? ms : MOST[i], HIT[i] = HIT[i] + hit, PROMPT[i] = PROMPT[i] + column(2), 0)
first(kind) = (kind eq "cold" ? 1 : 3)
stats source skip 1 using (add(first(strcol(1)), column(6), column(4)) + add(first(strcol(1)) + 1, column(5), column(3))) nooutput
if (COUNT[1] == 0 || COUNT[3] == 0) {
	print csv_base(ARG0) . ": " . ARG1 . " needs a cold request and a repeat."
	exit status 1
}
low = 1e300
high = 0.0
do for [i = 1:4] { low = LEAST[i] < low ? LEAST[i] : low; high = MOST[i] > high ? MOST[i] : high }
if (low <= 0) {
	print csv_base(ARG0) . ": a request of " . ARG1 . " waited 0 ms, which a logarithmic axis cannot show."
	exit status 1
}
mean(i) = SUM[i] / COUNT[i]
fall(i) = 100 * (1 - mean(i + 2) / mean(i))
shown(ms) = sprintf(ms >= 100 ? "%.0f ms" : ms >= 10 ? "%.1f ms" : "%.2f ms", ms)
place(i) = (i < 3 ? i - 1.5 : i - 0.5)

set logscale y
bottom = low / 2.5
top = high * 1.8
set ytics ()
do for [decade = int(floor(log10(bottom))):int(ceil(log10(top)))] { do for [step in style_steps(bottom, top)] {
	at = step * 10.0 ** decade
	set ytics add (sprintf("%g", at) at)
} }
set yrange [bottom:top]
set xrange [-1.3:4.3]
set xtics scale 0 ("cold" 0, (COUNT[3] == 1 ? "1 repeat" : sprintf("%d repeats, mean", COUNT[3])) 3)
set grid noxtics
set ylabel "time to first token (ms)"
set title "Cold and repeat: time to first token\n" . \
	sprintf("%.1f %% less on repeats (predicted %.1f %%)", fall(2), fall(1))
set key outside center bottom horizontal Left reverse samplen 2 title ' '
set style fill pattern border lc rgb "#404040"
set style textbox opaque noborder fillcolor rgb "white" margins 0.5, 0.3
set boxwidth 0.9
eval style_terminal(ARG2, 640, 480)
set output ARG2
hits(i) = sprintf("%.1f %% hit", 100 * HIT[i] / PROMPT[i])
plot for [side = 1:2] "+" every ::::1 using (place(side + 2 * int($0))):(mean(side + 2 * int($0))) with boxes \
	fs pattern (side == 1 ? 2 : 3) lc rgb style_colour(side) title (side == 1 ? "predicted" : "measured"), \
	"+" every ::::1 using (place(3 + int($0))):(LEAST[3 + int($0)]):(0):(MOST[3 + int($0)] - LEAST[3 + int($0)]) with vectors heads \
	size graph 0.01, 90 nofilled lw 1.5 lc rgb "#000000" notitle, \
	"+" every ::::3 using (place(1 + int($0))):(MOST[1 + int($0)]):(shown(mean(1 + int($0)))) with labels offset 0, 0.8 notitle, \
	"+" every ::::3 using (place(1 + int($0))):(bottom):(hits(1 + int($0))) with labels boxed offset 0, 1.2 notitle
