# sessions.awk - a slice of a trace of coding agents, small enough for one GPU's minutes: the first `turns` turns of the `from`-th to
# `to`-th session that is a main agent's, has so many, begins with fewer than `most_first` tokens, and in these turns has no
# prompt of over `most_tokens` and no think time of over `most_think` seconds. With apart=S sessions begin S seconds after one another,
# without it when they did.
#
#   awk -v from=1 -v to=8 -v turns=7 -v most_first=25000 -v most_tokens=32000 -v most_think=90 -f sessions.awk FILE FILE
#
# FILE is native JSONL with a header; it is read twice.

function field(name,    text)
{
	if (!match($0, "\"" name "\": *\"?[^,\"}]*"))
		return ""
	text = substr($0, RSTART, RLENGTH)
	sub(/^[^:]*: *"?/, "", text)
	return text
}

FNR == 1 {
	if (++pass == 2)
		print
	next
}

{
	session = field("session_id")
	turn = field("turn") + 0
}

pass == 1 {
	if (!(session in count)) {
		order[++sessions] = session
		if (field("class") != "main" || field("input_length") + 0 >= most_first)
			unfit[session] = 1
	}
	count[session]++
	if (turn <= turns && (field("think_time") + 0 > most_think || field("input_length") + 0 > most_tokens))
		unfit[session] = 1
	next
}

FNR == 2 {
	for (i = 1; i <= sessions; i++) {
		if (!(order[i] in unfit) && count[order[i]] >= turns && ++fit >= from && fit <= to)
			chosen[order[i]] = 1
	}
}

turn <= turns && (session in chosen) {
	if (apart) {
		begun = field("timestamp") + 0
		if (!(session in later))
			later[session] = apart * 1000 * begins++ - begun
		sub(/"timestamp": *[0-9.]+/, sprintf("\"timestamp\":%.0f", begun + later[session]))
	}
	print
}
