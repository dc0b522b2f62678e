#!/bin/sh
# ranks.sh KVCAST SOURCE - sweeps under mpirun: the bytes of a sweep without, whatever the number of ranks; and a job of which
# a rank is killed is completed by --resume.
set -u
name=ranks.sh
. "$2/tests/sweeps.sh"

command -v mpirun >/dev/null || {
	echo "ranks.sh: skipped: there is no mpirun (Debian's package is openmpi-bin)."
	exit 77
}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ASAN_OPTIONS=detect_leaks=0 # Open MPI leaves some memory to the system
ranks()
{
	mpirun --oversubscribe --bind-to none -n "$@"
}
ranks 2 "$kvcast" sweep $trace --capacity 100 --csv 2>&1 | grep -q 'built without MPI' && {
	echo "ranks.sh: skipped: this kvcast was built without MPI."
	exit 77
}

"$kvcast" $points >expected.csv || fail "the sweep without mpirun failed."
for count in 1 2 4; do
	ranks $count "$kvcast" $points >ranks.csv || fail "the sweep with $count ranks failed."
	cmp expected.csv ranks.csv || fail "$count ranks print something else than no mpirun does."
done
for form in "" --json; do
	for more in "" "ranks 3"; do
		$more "$kvcast" sweep - $trace --evict lru,arc --capacity 50,100 --max-prompt 5000 $form <$trace
	done >both || fail "two traces failed."
	lines=$(wc -l <both)
	head -n $((lines / 2)) both >alone
	tail -n $((lines / 2)) both | cmp alone - || fail "two traces, one from standard input, differ with 3 ranks ($form)."
done

# So does tuning: searches are dealt out, promises too, and the first rank judges.
for more in "--ttl adaptive --runs 40 --points tried.csv" "--ttl adaptive --runs 20 --search anneal --json" \
	"--evict lru,sieve,arc --ttl none,static:ttl=5m --slo ttft_p95<=60ms"; do
	rm -f tried.csv
	"$kvcast" tune $trace --model llama-3.1-8b $more >alone || fail "tune $more failed."
	if [ -e tried.csv ]; then mv tried.csv alone.csv; else : >alone.csv; fi
	for count in 2 4; do
		ranks $count "$kvcast" tune $trace --model llama-3.1-8b $more >both || fail "tune $more with $count ranks failed."
		cmp alone both || fail "tune $more prints something else with $count ranks."
		[ ! -e tried.csv ] || cmp alone.csv tried.csv || fail "tune $more tries something else with $count ranks."
	done
done

factors="sweep $trace --engine vllm --model llama-3.1-8b --capacity 300,1000 --vary steps=0.9,1,1.1 --csv"
"$kvcast" $factors >alone || fail "a sweep over steps failed."
ranks 3 "$kvcast" $factors >both || fail "a sweep over steps with 3 ranks failed."
cmp alone both || fail "a sweep over steps with 3 ranks prints something else."

"$kvcast" curve $trace --csv >alone
ranks 3 "$kvcast" curve $trace --csv >both || fail "a curve with 3 ranks failed."
cmp alone both || fail "a curve with 3 ranks is not printed once."
for form in --csv --json ""; do
	"$kvcast" curve $trace --surface $form >alone
	ranks 4 "$kvcast" curve $trace --surface $form >both || fail "a surface with 4 ranks failed."
	cmp alone both || fail "a surface with 4 ranks is another ($form)."
done
ranks 3 "$kvcast" curve $trace --surface --ttls 5 2>said && fail "a wrong TTL went unnoticed."
[ "$(grep -c '^kvcast: --ttls' said)" -eq 1 ] || fail "a wrong TTL is told as: $(cat said)"

# Each rank leaves its number, so that one of them can be killed.
for victim in 2 0; do
	rm -f rows pid.*
	ranks 4 sh -c 'echo $$ >pid.$OMPI_COMM_WORLD_RANK; exec "$@"' sh "$kvcast" $points --resume rows >ignored.csv 2>ignored &
	job=$!
	wait_for_rows rows 30 $job
	kill -KILL "$(cat pid.$victim)"
	wait $job 2>/dev/null && fail "a job with a killed rank ended well."
	interrupted rows
	ranks 3 "$kvcast" $points --resume rows >resumed.csv || fail "the resumed job failed."
	completed rows resumed.csv
done
ranks 2 "$kvcast" $points --resume rows --warmup 0.1 >ignored.csv 2>said && fail "another sweep's file was taken."
grep -q 'kvcast: --resume rows: line 1 was written by another sweep: --warmup is not given there and "0.1" here' said ||
	fail "another sweep's file is not refused in the words expected: $(cat said)"

# What goes wrong is said once.
ranks 4 "$kvcast" sweep nothing.jsonl --csv 2>said && fail "a missing trace went unnoticed."
[ "$(grep -c '^kvcast: nothing.jsonl cannot be opened' said)" -eq 1 ] || fail "a missing trace is told as: $(cat said)"
ranks 4 "$kvcast" sweep $trace --evict nonsense --csv 2>said && fail "a wrong policy went unnoticed."
[ "$(grep -c '^kvcast: --evict nonsense' said)" -eq 1 ] || fail "a wrong policy is told as: $(cat said)"
ranks 3 "$kvcast" tune $trace --ttl none 2>said && fail "a TTL rule without numbers went unnoticed."
[ "$(grep -c '^kvcast: --ttl none: it has no number' said)" -eq 1 ] || fail "nothing to tune is told as: $(cat said)"
PMI_RANK=0 PMI_SIZE=2 "$kvcast" sweep $trace --csv >printed 2>said && fail "a launcher that is not MPI's was taken."
grep -q '^kvcast: The launcher has started several' said || fail "a launcher that is not MPI's is told as: $(cat said)"
[ ! -s printed ] || fail "a launcher that is not MPI's gets rows."
exit $((failures > 0))
