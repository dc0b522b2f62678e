# points.awk - rows of sweeps in, from one file or several; rows with labels out, for charts that draw something for each.
#
# Reads what columns.awk gives: for each file a line "\001" and the file's label (may be empty), a line of names, rows. The
# names begin with trace, evict, ttl, capacity_blocks, capacity_gib and then any vary_*. Writes tab-separated
#
#   common   what all points have in common (then nothing else)          with MODE=common in the environment
#   names    label and the names of the values, of all files together
#   rows     the point's label, and its values; empty where its file has none
#
# A label says what differs from point to point of its file, after the file's own label. With MODE=lines one key is the x
# axis: X (size, ttl, evict, trace, or a varied key such as disk.size), or the first that differs of: varied keys, size,
# ttl, evict, trace. The label, of what else differs, names a line then, and before it stand the number of the line, the number
# of the place on the axis and its text; MODE=axis gives the axis's name only.
BEGIN { FS = OFS = "\t" }

/^\001/ {
	files++
	title[files] = substr($0, 2)
	header = 1
	next
}

header {
	header = 0
	split("", is_key)
	columns = NF
	place = 0
	for (i = 1; i <= NF; i++) {
		name[i] = $i
		is_key[i] = i <= 5 || $i ~ /^vary_/
		if (!is_key[i])
			place = place_of($i, place)
	}
	next
}

{
	rows++
	file_of[rows] = files
	keys = 0
	size = $4 == "inf" ? "unlimited" : $5 == "" ? $4 " blocks" : sprintf("%.4g GiB", $5)
	if (columns > 5 && is_key[6])
		size = "gpu " size
	key("trace", stem($1))
	key("evict", $2)
	key("ttl", "ttl " $3)
	key("size", size)
	for (i = 6; i <= columns && is_key[i]; i++)
		key(substr(name[i], 6), substr(name[i], 6) " " $i)
	for (i = 1; i <= columns; i++)
		if (!is_key[i])
			cell[rows, name[i]] = $i
}

END {
	if (ENVIRON["MODE"] == "common") {
		print common_text()
		exit
	}
	axis = axis_name()
	if (ENVIRON["MODE"] == "axis") {
		print axis
		exit
	}
	by_lines = ENVIRON["MODE"] == "lines"
	line = by_lines ? "line" OFS "place" OFS "text" OFS "label" : "label"
	for (i = 1; i <= values; i++)
		line = line OFS value[i]
	print line
	for (r = 1; r <= rows; r++) {
		line = label(r, by_lines ? axis : "")
		line_of[r] = by_lines ? number_of("line", line) : 1
		if (by_lines)
			line = line_of[r] OFS number_of("place", place_text(r)) OFS place_text(r) OFS line
		for (i = 1; i <= values; i++)
			line = line OFS cell[r, value[i]]
		row[r] = line
	}
	# A line's points one after the other: gnuplot draws no line over rows of others.
	for (i = 1; i == 1 || i <= numbers["line"]; i++)
		for (r = 1; r <= rows; r++)
			if (line_of[r] == i)
				print row[r]
}

# 1, 2, ... for texts in order of appearance.
function number_of(kind, text)
{
	if (!((kind, text) in number))
		number[kind, text] = ++numbers[kind]
	return number[kind, text]
}

function axis_name(    k, choice, n, choices)
{
	if (ENVIRON["X"] != "")
		return ENVIRON["X"]
	for (k = 5; k <= kinds; k++)
		if (order[k] in apart)
			return order[k]
	n = split("size ttl evict trace", choices, " ")
	for (choice = 1; choice <= n; choice++)
		if (choices[choice] in apart)
			return choices[choice]
	return "size"
}

# What stands on the axis below the point: a value without its name.
function place_text(r,    k, text)
{
	for (k = 1; k <= key_count[r]; k++)
		if (kind_of[r, k] == axis) {
			text = told[r, k]
			if (axis == "size")
				sub(/^gpu /, "", text)
			else if (axis != "evict" && axis != "trace")
				text = substr(text, length(axis) + 2)
			return text
		}
	return "-"
}

# Where a value's column stands, new ones behind `after`, so that a tier that one file lacks stands among the tiers.
function place_of(column, after,    i)
{
	for (i = 1; i <= values; i++)
		if (value[i] == column)
			return i
	for (i = ++values; i > after + 1; i--)
		value[i] = value[i - 1]
	value[after + 1] = column
	return after + 1
}

function key(what, text)
{
	keys++
	told[rows, keys] = text
	key_count[rows] = keys
	if (!((files, what) in first))
		first[files, what] = text
	else if (first[files, what] != text)
		differs[files, what] = 1
	if (!(what in everywhere)) {
		everywhere[what] = text
		order[++kinds] = what
	} else if (everywhere[what] != text)
		apart[what] = 1
	seen[what]++
	kind_of[rows, keys] = what
}

function stem(path)
{
	sub(/.*\//, "", path)
	sub(/\.gz$/, "", path)
	sub(/\.jsonl$/, "", path)
	sub(/\.csv$/, "", path)
	return path
}

function comma(a, b)
{
	return a == "" ? b : b == "" ? a : a ", " b
}

function label(r, without,    k, text, file)
{
	file = file_of[r]
	text = title[file]
	for (k = 1; k <= key_count[r]; k++)
		if ((file, kind_of[r, k]) in differs && kind_of[r, k] != without)
			text = comma(text, told[r, k])
	# A point alone, without a name, is told by its size; a line alone by its policy.
	return text == "" ? told[r, without == "" ? 4 : 2] : text
}

function common_text(    k, text)
{
	for (k = 1; k <= kinds; k++)
		if (!(order[k] in apart) && seen[order[k]] == rows && !(order[k] == "size" && rows == 1))
			text = comma(text, (order[k] == "trace" ? "trace " : "") everywhere[order[k]])
	return text
}
