#!/bin/sh
# gpu_usage.sh KVCAST_GPU: what kvcast-gpu bench says to wrong options (exit code 2), and that it says so where there is no device
# (exit code 1) before anything is written.
set -u
gpu=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

# refuse CODE SENTENCE ARGUMENT...
refuse()
{
	code=$1 sentence=$2
	shift 2
	"$gpu" bench "$@" >out 2>err
	status=$?
	if [ "$status" != "$code" ] || ! head -n 1 err | grep -qxF -- "$sentence" || [ -s out ]; then
		echo "gpu_usage.sh: bench $*: exit code $status, expected $code and: $sentence"
		sed 's/^/  said: /' err
		failures=$((failures + 1))
	fi
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

if [ "$("$gpu" info 2>&1)" = "kvcast-gpu: there is no CUDA device here." ]; then
	for experiment in "cold-repeat --manual absent" "layout --manual absent" prefix; do
		# shellcheck disable=SC2086 # a word and its option
		refuse 1 "kvcast-gpu: there is no CUDA device here." $experiment -o x
	done
fi
[ ! -e x ] || { echo "gpu_usage.sh: a folder was made for results that there are none of"; failures=$((failures + 1)); }
[ $failures -eq 0 ] && echo "gpu_usage.sh: all is told."
exit $((failures > 0))
