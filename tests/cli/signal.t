# A run that is interrupted while it writes leaves neither the file nor a temporary one, and ends by the signal (128 + its number).
# It is one of many seconds, so that the signal comes in time.
$ awk 'BEGIN { for (i = 0; i < 400000; i++) printf "{\"timestamp\":%d,\"input_length\":2048,\"output_length\":1,\"hash_runs\":[[%d,4]]}\n", i, i % 5000 * 4 }' >long.jsonl
$ kvcast trace convert long.jsonl long.kvt --quiet
$ printf '%s\n' 'mkdir out' 'kvcast run long.kvt --capacity 1000 --evict hyperbolic:samples=1000 --requests out/requests.csv --quiet >/dev/null &' 'until [ "$(ls -A out)" ] || ! kill -0 $!; do :; done' 'kill -$1 $!' 'wait $!' 'echo "$1: code $?, $(ls -A out | wc -l) files left"' 'rm -r out' >interrupt
$ for signal in INT TERM HUP; do sh interrupt $signal 2>/dev/null; done
> INT: code 130, 0 files left
> TERM: code 143, 0 files left
> HUP: code 129, 0 files left
