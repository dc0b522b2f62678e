# pareto.awk - takes the lines of points.awk (line, place, text, label, x, y, under a line with their names) and says of every
# point whether it is on the front: no other is better in one of x and y and no worse in the other.
#
# Writes front (1 or 0) before each row's columns, the front first, in order of x, then y, under a line with their names. GREAT, from the
# environment, holds "x" and "y" where great values are good, not small ones.
BEGIN { FS = OFS = "\t" }

NR == 1 {
	print "front", $0
	next
}

{
	n++
	row[n] = $0
	x[n] = $5
	y[n] = $6
	for (i = n; i > 1 && after(order[i - 1], n); i--)
		order[i] = order[i - 1]
	order[i] = n
}

END {
	for (i = 1; i <= n; i++)
		front[i] = on_front(order[i])
	for (side = 1; side >= 0; side--)
		for (i = 1; i <= n; i++)
			if (front[i] == side)
				print side, row[order[i]]
}

function after(a, b)
{
	return x[a] + 0 > x[b] + 0 || x[a] + 0 == x[b] + 0 && y[a] + 0 > y[b] + 0
}

# How much better a is than b.
function better(a, b, axis,    more)
{
	more = axis == "x" ? x[a] - x[b] : y[a] - y[b]
	return index(ENVIRON["GREAT"], axis) ? more : -more
}

function on_front(a,    b, in_x, in_y)
{
	for (b = 1; b <= n; b++) {
		in_x = better(b, a, "x")
		in_y = better(b, a, "y")
		if (in_x >= 0 && in_y >= 0 && in_x + in_y > 0)
			return 0
	}
	return 1
}
