# points.gp - points of sweeps, SWEEP.csv[:label]..., for charts that draw something for each (points.awk does the work).
#
# A script sets `here`, loads csv.gp and style.gp, sets csv_asker, points_arguments (ARGV but the last, parted by
# newlines), points_values (columns), points_numbers (those a point must have), points_most, and loads this. It then has
#   points_problem    a sentence, or empty; nothing below is set where it is not
#   points_source     the data source, to be read with `skip 1`: label, values
#   points_names      names of its columns, parted by spaces; points_count, points_letters (longest label), points_common
#   points_lines      the same as lines over an axis (points_x, if set, says which): line, place, text, label, values
#   points_axis       that axis

points_keys = "trace evict ttl capacity_blocks capacity_gib vary_*? "
points_is_file(path) = (system("test -e " . csv_quoted(path) . " && echo yes") eq "yes")

# The file and the label of an argument; the last colon that leaves a file's name before it parts them.
points_colon(text) = (cut = 0, sum [k = 1:strlen(text)] \
	(text[k:k] eq ":" && points_is_file(text[1:k - 1]) ? (cut = k, 0) : 0), cut)
points_file(text) = (points_colon(text) ? text[1:points_colon(text) - 1] : text)
points_label(text) = (points_colon(text) ? text[points_colon(text) + 1:*] : "")
points_nth(i) = system("printf %s " . csv_quoted(points_arguments) . " | sed -n " . i . "p")

if (!exists("points_x")) { points_x = "" }
points_problem = ""
points_command = "{ "
points_files = int(system("printf '%s\n' " . csv_quoted(points_arguments) . " | wc -l"))
do for [i = points_files:1:-1] {
	file = points_file(points_nth(i))
	found = csv_problem(file, points_keys . points_values, points_numbers)
	if (found ne "") { points_problem = found }
}
if (points_problem eq "") {
	do for [i = 1:points_files] {
		name = points_label(points_nth(i))
		if (name eq "" && points_files > 1) { name = csv_stem(points_file(points_nth(i))) }
		points_command = points_command . "printf '\\001%s\\n' " . csv_quoted(name) . "; " . \
			csv_command(points_file(points_nth(i)), points_keys . points_values, points_numbers) . "; "
	}
	points_command = points_command . "} | "
	points_awk = "awk -f " . csv_quoted(here . "points.awk")
	points_lines = "< " . points_command . "MODE=lines X=" . csv_quoted(points_x) . " " . points_awk
	points_axis = system(points_command . "MODE=axis X=" . csv_quoted(points_x) . " " . points_awk)
	points_common = system(points_command . "MODE=common " . points_awk)
	points_source = "< " . points_command . points_awk
	points_names = system(points_command . points_awk . " | sed -n 1p")
	points_letters = 0
	points_see(length) = (points_letters = length > points_letters ? length : points_letters, 0)
	stats points_source skip 1 using (points_see(strlen(strcol(1)))) nooutput
	points_count = int(STATS_records)
	if (points_count > points_most) {
		points_problem = sprintf("%s: there are %d points, but this chart shows %d at most; sweep fewer.", \
			csv_who(ARG0), points_count, points_most)
	}
}
