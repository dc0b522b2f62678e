#!/bin/sh
# gpu_usage.sh KVCAST_GPU: what kvcast-gpu says to wrong options (exit code 2), and that it says so where there is no device
# (exit code 1) before anything is written.
set -u
gpu=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

# refuse_of COMMAND CODE SENTENCE ARGUMENT...
refuse_of()
{
	command=$1 code=$2 sentence=$3
	shift 3
	"$gpu" "$command" "$@" >out 2>err
	status=$?
	if [ "$status" != "$code" ] || ! head -n 1 err | grep -qxF -- "$sentence" || [ -s out ]; then
		echo "gpu_usage.sh: $command $*: exit code $status, expected $code and: $sentence"
		sed 's/^/  said: /' err
		failures=$((failures + 1))
	fi
}

refuse()
{
	refuse_of bench "$@"
}

refuse 2 "kvcast-gpu bench cold-repeat: -o is missing: the folder where the results go" cold-repeat
refuse 2 "kvcast-gpu bench cold-repeat: --questions 1: expected a whole number from 2 to 10000" cold-repeat --questions 1 -o x
refuse 2 "kvcast-gpu bench cold-repeat: --manual-tokens much: expected a whole number from 100 to 1000000" \
	cold-repeat --manual-tokens much -o x
refuse 2 "kvcast-gpu bench layout: --agents 1: expected a whole number from 2 to 1000" layout --agents 1 -o x
refuse 2 "kvcast-gpu bench layout: --turns 1: expected a whole number from 2 to 100" layout --turns 1 -o x
refuse 2 "kvcast-gpu bench prefix: --prefix none: expected a whole number from 1 to 1000000" prefix --prefix 256,none -o x
refuse 2 "kvcast-gpu bench prefix: --prefix 256,256: 256 stands there twice" prefix --prefix 256,256 -o x
refuse 2 "kvcast-gpu bench prefix: --reuse 1,2: expected shares from 0 to 1, parted by commas" prefix --reuse 1,2 -o x
refuse 2 "kvcast-gpu bench prefix: --concurrency 0: expected a whole number from 1 to 1024" prefix --concurrency 0 -o x
refuse 2 "kvcast-gpu bench prefix: --cache maybe: expected off, on, or off,on" prefix --cache maybe -o x
# As kvcast run says it.
refuse 1 "kvcast-gpu: --engine replay: there nothing takes time, so nothing can be measured; choose static, vllm or sglang." \
	prefix --engine replay -o x
refuse 1 "kvcast-gpu: --engine fast: expected replay, static, vllm or sglang." layout --manual absent --engine fast -o x

# Products' files, as far as they are looked at without a device.
printf '# model: qwen2.5-0.5b\n# checksum: 0\nrows,outputs,inputs,bias,float,adds,first_us,best_us,algorithm\n' >products
refuse 2 "kvcast-gpu bench: --products and --untuned do not go together" --products products --untuned
refuse 2 "kvcast-gpu bench: --products and --tiers do not go together" --products products --tiers .
refuse 1 "kvcast-gpu: --products -: expected the name of a file, which is read in later runs." --products -
another="a file of products is good for one model, device and version of cuBLASLt; name another, which is then made."
refuse 1 "kvcast-gpu: products: note \"model\" is \"qwen2.5-0.5b\"; expected \"llama-3.1-8b\": $another" --products products
refuse 1 "kvcast-gpu: products: note \"model\" is \"qwen2.5-0.5b\"; expected \"llama-3.1-8b\": $another" \
	prefix --products products -o x
refuse_of calibrate 1 "kvcast-gpu: products: note \"model\" is \"qwen2.5-0.5b\"; expected \"llama-3.1-8b\": $another" \
	--products products
printf '{"timestamp": 0, "input_length": 600, "output_length": 4, "hash_ids": [1, 2]}\n' >trace.jsonl
refuse_of replay 1 "kvcast-gpu: products: note \"model\" is \"qwen2.5-0.5b\"; expected \"llama-3.1-8b\": $another" \
	trace.jsonl --model llama-3.1-8b --products products
changed="it was cut short or changed; remove it, and it is made anew."
refuse 1 "kvcast-gpu: products: note \"checksum\" is \"0\"; expected \"2d06800538d394c2\": $changed" \
	--model qwen2.5-0.5b --products products

if [ "$("$gpu" info 2>&1)" = "kvcast-gpu: there is no CUDA device here." ]; then
	for experiment in "cold-repeat --manual absent" "layout --manual absent" prefix; do
		# shellcheck disable=SC2086 # a word and its option
		refuse 1 "kvcast-gpu: there is no CUDA device here." $experiment -o x
	done
fi
[ ! -e x ] || { echo "gpu_usage.sh: a folder was made for results that there are none of"; failures=$((failures + 1)); }
[ $failures -eq 0 ] && echo "gpu_usage.sh: all is told."
exit $((failures > 0))
