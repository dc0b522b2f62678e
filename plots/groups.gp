# groups.gp - the groups of requests in `source`, whose first column names them: GROUP[1..groups], in order of appearance, and
# their sizes, for charts of what `kvcast compare --rows` wrote.
array GROUP[16]
array GROUP_SIZE[16]
groups = 0
group_of(name) = sum [i = 1:groups] (GROUP[i] eq name ? i : 0)
group_add(name) = (g = group_of(name), g > 0 ? (GROUP_SIZE[g] = GROUP_SIZE[g] + 1) : \
	groups < 16 ? (groups = groups + 1, GROUP[groups] = name, GROUP_SIZE[groups] = 1) : 0)
stats source skip 1 using (group_add(strcol(1)), 0) nooutput
group_words(name) = (name eq "uncontended" || name eq "queued" ? name : "loaded from " . name)
group_label(g) = sprintf("%s  (%d)", group_words(GROUP[g]), GROUP_SIZE[g])
group_letters = 0
do for [i = 1:groups] { group_letters = strlen(group_label(i)) > group_letters ? strlen(group_label(i)) : group_letters }
