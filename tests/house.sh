#!/bin/sh
# house.sh SOURCE LIBRARIES [KVCAST] - the rules of CONTRIBUTING.md that a machine can check. Prints a line for each breach.
# house.sh --self-test SOURCE - plants a breach of every rule in a copy, and looks whether it is found.
#
# SOURCE is the project's top folder, LIBRARIES the paths of libkvcore.a and libkvgpu_plain.a, KVCAST the program (empty:
# its help is not looked at).
set -u

# The library does as it is told and says what happened; what it must not touch, and who may all the same.
# Ends and prints: panic.c (a broken invariant, no memory). Standard output: output.c, when a caller names "-".
forbidden="printf vprintf __printf_chk __vprintf_chk puts putchar perror stdout stderr
	exit _exit _Exit quick_exit abort __assert_fail
	time clock clock_gettime gettimeofday timespec_get omp_get_wtime getenv secure_getenv gsl_rng_env_setup
	rand rand_r srand random srandom drand48 lrand48 mrand48 arc4random getrandom getentropy"
allowed="panic.c.o:stderr panic.c.o:exit panic.c.o:abort output.c.o:stdout"

check_symbols()
{
	nm -u "$1" | awk -v forbidden="$forbidden" -v allowed="$allowed" '
		BEGIN {
			n = split(forbidden, list)
			for (i = 1; i <= n; i++)
				no[list[i]] = 1
			n = split(allowed, list)
			for (i = 1; i <= n; i++)
				yes[list[i]] = 1
		}
		/:$/ { member = substr($1, 1, length($1) - 1); seen++ }
		{ sub(/@.*/, "", $NF) }
		($NF in no) && !(member ":" $NF in yes) { print member " uses " $NF ", which the library must not" }
		END { if (!seen) print "the library holds nothing to look at" }'
}

# Who includes whom. The base group is what every part may use.
is_base()
{
	case $1 in
	base.h | err.h | units.h | spec.h | output.h) ;;
	*) return 1 ;;
	esac
}

check_includes()
{
	(cd "$1" && grep -nE '^[[:space:]]*#[[:space:]]*include' \
		sim/*.[ch] policies/*.[ch] traces/*.[ch] tests/*.[ch] gpu/*.[ch] gpu/*.cu 2>/dev/null) |
		sed -E 's/^([^:]*):([0-9]+):[^"<]*["<]([^">]*)[">].*/\1 \2 \3/' |
	while read -r file line header; do
		from=${file%%/*}
		name=${header##*/}
		owner=
		for part in sim policies traces gpu; do
			[ -e "$1/$part/$name" ] && owner="$owner $part"
		done
		[ "$owner" ] || continue
		owner=$(owner_of "$from" "$owner")
		case $from:$owner in
		gpu:* | tests:* | sim:sim | sim:policies | sim:traces) ;;
		policies:policies | traces:traces) ;;
		*:sim) is_base "$name" || echo "$file:$line: $from/ includes $name of $owner/" ;;
		*) echo "$file:$line: $from/ includes $name of $owner/" ;;
		esac
		case $name:${file##*/} in
		cli.h:main.c | cli.h:cmd_*.c | cli.h:cli.c) ;;
		cli.h:*) echo "$file:$line: only main.c, cli.c and cmd_*.c include cli.h" ;;
		esac
	done
}

# Of several parts with a header of one name, the includer's own counts.
owner_of()
{
	case " $2 " in
	*" $1 "*) echo "$1" ;;
	*) echo "${2##* }" ;;
	esac
}

# A command's file cmd_X.c and `kvcast --help` name the same commands; cmd_trace_gen.c is `gen` of `kvcast trace --help`.
check_help()
{
	for file in "$1"/sim/cmd_*.c; do
		[ -e "$file" ] || continue
		command=$(basename "$file" .c)
		command=${command#cmd_}
		case $command in
		*_*) "$2" "${command%%_*}" --help ;;
		*) "$2" --help ;;
		esac | grep -qwE -- "^ *${command#*_}" || echo "sim/cmd_$command.c: its command is not in --help"
	done
}

# Definitions stand as the house writes them: name and "(" on a line that begins in the first column, "{" alone on the
# line after the parameters, "}" in the first column. A header may have its functions in several files: NAME_*.c for
# NAME.h, any file of traces/ for trace.h, of policies/ for policy.h, and panic.c for base.h's memory.
check_functions()
{
	for file in "$1"/sim/*.c "$1"/policies/*.c "$1"/traces/*.c "$1"/gpu/*.c "$1"/gpu/*.cu; do
		[ -e "$file" ] || continue
		stem=$(basename "$file")
		stem=${stem%.*}
		header=${stem%%_*}
		[ -e "$(dirname "$file")/$header.h" ] || header=
		case $file in
		*/sim/panic.c) header=mem ;;
		*/traces/*) header=trace ;;
		*/policies/*) header=policy ;;
		esac
		awk -v file="${file#"$1"/}" -v stem="$stem" -v header="$header" '
			function begins(text, prefix) { return index(text, prefix "_") == 1 }
			/^[A-Za-z_].*\(/ && !/^(typedef|#)/ { head = $0; head_line = NR }
			/^{/ && head != "" {
				name = head
				sub(/\(.*/, "", name)
				sub(/.*[^A-Za-z0-9_]/, "", name)
				start = NR
				if (head !~ /^static / && name != "main" && name != stem && !begins(name, stem) &&
				    !(header != "" && begins(name, header)))
					print file ":" head_line ": " name " should begin with " stem "_, or be static"
			}
			/^}/ {
				if (start && NR - start - 1 > 70)
					print file ":" head_line ": " name " has " NR - start - 1 " lines, more than 70"
				start = 0
				head = ""
			}
			/;[[:space:]]*$/ && !start { head = "" }'  "$file"
	done
}

check_lengths()
{
	(cd "$1" && wc -l sim/*.[ch] policies/*.[ch] traces/*.[ch] gpu/*.[ch] gpu/*.cu tests/*.[ch] plots/* 2>/dev/null) |
		awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines, more than 600" }'
}

check_top_level()
{
	for path in "$1"/*; do
		case ${path##*/} in
		CMakeLists.txt | CMakePresets.json | CONTRIBUTING.md | LICENSE | README.md | dev) ;;
		gpu | plots | policies | sim | tests | traces) ;;
		build | out | carry) ;; # made, not kept: .gitignore has them
		*) echo "${path##*/}: the top level has no place for it" ;;
		esac
	done
}

check_all()
{
	for library in $2; do
		check_symbols "$library"
	done
	check_includes "$1"
	[ -z "${3-}" ] || check_help "$1" "$3"
	check_functions "$1"
	check_lengths "$1"
	check_top_level "$1"
}

# in_copy COMMAND: what the checks find in a small copy of the house after COMMAND is in `found`.
in_copy()
{
	rm -rf "$work/copy"
	mkdir "$work/copy"
	(cd "$work/copy" && mkdir gpu plots policies sim tests traces)
	cp "$source"/sim/*.h "$work/copy/sim"
	cp "$source"/traces/trace.h "$work/copy/traces"
	cp "$source"/policies/policy.h "$work/copy/policies"
	cp "$work/clean.a" "$work/library.a"
	(cd "$work/copy" && eval "$1") || exit 1
	check_all "$work/copy" "$work/library.a" "$work/kvcast" >"$work/found" 2>&1
}

# plant EXPECTED COMMAND: COMMAND breaks a rule, and the checks must say EXPECTED.
plant()
{
	in_copy "$2"
	if ! grep -qF -- "$1" "$work/found"; then
		echo "house.sh: a planted breach was not found: $2"
		echo "  expected: $1"
		sed 's/^/  found: /' "$work/found"
		failures=$((failures + 1))
	fi
}

# add_member NAME CODE: compiles a line of C into the library that is checked.
add_member()
{
	printf '#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n%s\n' "$2" >"$work/$1" &&
		cc -O2 -c "$work/$1" -o "$work/$1.o" && ar rc "$work/library.a" "$work/$1.o"
}

self_test()
{
	source=$1
	failures=0
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	printf '#!/bin/sh\ncat "%s/help"\n' "$work" >"$work/kvcast"
	chmod +x "$work/kvcast"
	echo "  run        replay a trace" >"$work/help"
	echo 'int nothing_at_all(void); int nothing_at_all(void) { return 0; }' >"$work/clean.c"
	cc -c "$work/clean.c" -o "$work/clean.c.o" && ar rc "$work/clean.a" "$work/clean.c.o" || exit 1

	in_copy "echo >sim/cmd_run.c"
	[ ! -s "$work/found" ] || failures=1
	sed 's/^/house.sh: nothing is planted, but it says: /' "$work/found"
	plant "sieve.c.o uses puts" "add_member sieve.c 'void f(int n); void f(int n) { printf(\"hello\\n\"); (void)n; }'"
	plant "sieve.c.o uses stderr" "add_member sieve.c 'void f(int n); void f(int n) { fprintf(stderr, \"%d\", n); }'"
	plant "sieve.c.o uses exit" "add_member sieve.c 'void f(int n); void f(int n) { exit(n); }'"
	plant "sieve.c.o uses abort" "add_member sieve.c 'void f(void); void f(void) { abort(); }'"
	plant "sieve.c.o uses time" "add_member sieve.c 'time_t f(void); time_t f(void) { return time(NULL); }'"
	plant "sieve.c.o uses getenv" "add_member sieve.c 'char *f(void); char *f(void) { return getenv(\"HOME\"); }'"
	plant "sieve.c.o uses rand" "add_member sieve.c 'int f(void); int f(void) { return rand(); }'"
	plant "output.c.o uses exit" "add_member output.c 'void f(void); void f(void) { exit(1); }'"
	plant "the library holds nothing" 'rm "$work/library.a"; ar rc "$work/library.a"'

	plant "policies/evict_x.c:1: policies/ includes trace.h of traces/" \
		"echo '#include \"trace.h\"' >policies/evict_x.c"
	plant "policies/evict_x.c:1: policies/ includes engine.h of sim/" \
		"touch sim/engine.h; echo '#include <engine.h>' >policies/evict_x.c"
	plant "traces/reader_x.c:2: traces/ includes policy.h of policies/" \
		"touch policies/policy.h; printf '#include \"base.h\"\n#include \"policy.h\"\n' >traces/reader_x.c"
	plant "sim/x.c:1: sim/ includes kv_pool.h of gpu/" "touch gpu/kv_pool.h; echo '#include \"kv_pool.h\"' >sim/x.c"
	plant "policies/evict_x.c:1: policies/ includes kv_pool.h of gpu/" \
		"touch gpu/kv_pool.h; echo '# include \"kv_pool.h\"' >policies/evict_x.c"
	plant "sim/engine.c:1: only main.c, cli.c and cmd_*.c include cli.h" "echo '#include \"cli.h\"' >sim/engine.c"

	plant "sim/cmd_sing.c: its command is not in --help" "echo >sim/cmd_sing.c"
	plant "sim/cmd_trace_sing.c: its command is not in --help" "echo >sim/cmd_trace_sing.c"

	plant "sim/tier.c:2: promote should begin with tier_" \
		"printf '\nint promote(int a)\n{\n\treturn a;\n}\n' >sim/tier.c"
	plant "sim/tier_more.c:1: tier_promote should begin with tier_more_" \
		"rm -f sim/tier.h; printf 'int tier_promote(int a)\n{\n\treturn a;\n}\n' >sim/tier_more.c"
	plant "sim/tier.c:1: promote should begin with tier_" \
		"printf 'struct tier *promote(int a,\n\tint b)\n{\n\treturn 0;\n}\n' >sim/tier.c"
	plant "sim/tier.c:1: tier_promote has 71 lines, more than 70" \
		"{ printf 'int tier_promote(int a)\n{\n'; seq 71 | sed 's/.*/\ta++;/'; echo '}'; } >sim/tier.c"
	plant "sim/tier.c: 601 lines, more than 600" "seq 601 | sed 's/.*/;/' >sim/tier.c"
	plant "notes.txt: the top level has no place for it" "touch notes.txt"

	[ $failures -eq 0 ] && echo "house.sh: every planted breach was found."
	return $((failures > 0))
}

if [ "${1-}" = --self-test ]; then
	self_test "$2"
	exit
fi
breaches=$(check_all "$@")
[ -z "$breaches" ] && exit 0
echo "$breaches"
exit 1
