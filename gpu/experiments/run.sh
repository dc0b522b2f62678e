#!/bin/sh
# run.sh - the experiments that set forecast and measurement side by side.
#
#   sh gpu/experiments/run.sh traces KVCAST TRACES OUT             makes their traces, of two public ones in TRACES and by rule
#   sh gpu/experiments/run.sh measure KVCAST_GPU OUT [STEP...]     on the GPU's machine, which needs nothing else but a shell and awk
#   sh gpu/experiments/run.sh forecast KVCAST OUT [STEP...]        anywhere: the same runs by the simulator, and the comparisons
#   sh gpu/experiments/run.sh charts KVCAST OUT [STEP...]          with gnuplot
#
# Steps, each of less than ten minutes: calibrate, alone, load, unsure, breakeven, edges, policies, ttl, bench, calibrate-1.5b; runs.txt
# has what most of them run. All go by one file of matrix products a model, OUT/calibrate/MODEL.products.csv, which the first of them makes:
# remove it together with what was measured by it. What is measured already is not measured again, so that a step that was cut short is
# gone on with; remove its file to measure anew. What a step of its trace lacks is said, and left out. COMMIT, in the environment, is
# written into the logs.
# OUT/EXPERIMENT/RUN.predicted.csv and RUN.measured-N.csv have a row a request; OUT/EXPERIMENT/compare.txt says how far they are off, and
# RUN.ensemble.json, under load, how sure the forecast is.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=llama-3.1-8b
steps="calibrate alone load unsure breakeven edges policies ttl bench calibrate-1.5b"
ttl_options="--engine vllm --scope leaf --arrivals closed --sessions 4 --speed 14 --max-output 16"
# Some policies weigh what a block costs to compute, so both sides have to take it from one calibration; only hits are compared.
churn_options="--model qwen2.5-0.5b --engine static --capacity 1000 --calib h200-llama-3.1-8b.estimate"

die()
{
	printf 'run.sh: %s\n' "$*" >&2
	exit 1
}

wants()
{
	for wanted_step in $wanted; do
		[ "$wanted_step" != "$1" ] || return 0
	done
	return 1
}

# What runs.txt has of a step, by the function $2 with run, repeats, trace and options.
each_run()
{
	sed 's/#.*//' "$here/runs.txt" | while read -r experiment run repeats trace options; do
		[ "$experiment" = "$1" ] || continue
		[ "$1" != ttl ] || options="$ttl_options $options"
		case $options in
		*--model*) ;;
		*) options="--model $model $options" ;;
		esac
		"$2" "$experiment" "$run" "$repeats" "$trace" $options </dev/null
	done
}

# What forecasts are made from: what CALIB names, or was calibrated here, or is built in.
choose_calibration()
{
	calib=h200-$model
	[ ! -f "calibrate/$model.json" ] || calib=calibrate/$model.json
	calib=${CALIB:-$calib}
}

has_trace()
{
	[ -f "traces/$3" ] && return
	echo "$1 $2: left out, as there is no traces/$3." >&2
	return 1
}

# --- traces ---

make_traces()
{
	kvcast=$1 from=$2
	mkdir -p "$3/traces"
	cd "$3/traces"
	for what in breakeven manual parts mixed churn; do
		awk -v what="$what" -f "$here/made.awk" >"$what.jsonl"
	done
	cp "$here/../../traces/samples/licence-agents.jsonl.gz" licences.jsonl.gz
	"$kvcast" trace gen --manual "$here/../../LICENSE" --manual-tokens 7597 --sessions 200 --quiet -o questions.jsonl
	"$kvcast" policies --json | awk -F '"' '/^  "evict"/ { evict = 1 } /^  "ttl"/ { evict = 0 } /^      "name"/ && evict { name = $4 }
		/^      "rule"/ && evict && $0 !~ /offline/ { print name }' >policies.txt
	[ -s policies.txt ] || die "$kvcast policies --json did not list any."
	for of in claude_code_sessions mooncake_conversation; do
		[ -f "$from/$of.jsonl.gz" ] || echo "traces: those of $of.jsonl.gz are left out, as it is not in $from." >&2
	done
	if [ -f "$from/claude_code_sessions.jsonl.gz" ]; then
		gzip -dc "$from/claude_code_sessions.jsonl.gz" >all.tmp
		awk -v from=1 -v to=12 -v turns=8 -v most_first=25000 -v most_tokens=32000 -v most_think=90 -f "$here/sessions.awk" all.tmp all.tmp \
			>agents96.jsonl
		awk -v from=1 -v to=26 -v turns=8 -v most_first=25000 -v most_tokens=32000 -v most_think=90 -f "$here/sessions.awk" all.tmp all.tmp \
			>agents208.jsonl
		awk -v from=1 -v to=26 -v turns=8 -v most_first=25000 -v most_tokens=32000 -v most_think=90 -v apart=50 \
			-f "$here/sessions.awk" all.tmp all.tmp >agents26.jsonl
		awk -v from=1 -v to=8 -v turns=4 -v most_first=25000 -v most_tokens=32000 -v most_think=90 -f "$here/sessions.awk" all.tmp all.tmp \
			>agents32.jsonl
	fi
	if [ -f "$from/mooncake_conversation.jsonl.gz" ]; then
		gzip -dc "$from/mooncake_conversation.jsonl.gz" >all.tmp
		awk -v least=4 -v most=12 -v every=20 -f "$here/groups.awk" all.tmp all.tmp | head -n 100 >conversation.jsonl
		awk -v least=4 -v most=12 -v every=10 -f "$here/groups.awk" all.tmp all.tmp >conversation236.jsonl
	fi
	rm -f all.tmp
}

# --- measuring ---

# Two chips of a kind may differ by some percent, so it says which one this is, too, by the first digits of its UUID.
state()
{
	words=$(nvidia-smi --id="${CUDA_VISIBLE_DEVICES:-0}" --format=csv,noheader \
		--query-gpu=name,uuid,driver_version,clocks.sm,clocks.mem,temperature.gpu 2>/dev/null) || words="no nvidia-smi"
	echo "$words" | sed 's/\(GPU-[0-9a-f]\{8\}\)[-0-9a-f]*/\1/'
}

# products MODEL: the file that says which algorithms matrix products run with; kvcast-gpu makes it where it is missing.
products()
{
	mkdir -p calibrate
	echo "calibrate/$1.products.csv"
}

# model_of OPTION...: what --model names.
model_of()
{
	while [ "$1" != --model ]; do
		shift
	done
	echo "$2"
}

# measure_run EXPERIMENT RUN REPEATS TRACE OPTION...
measure_run()
{
	experiment=$1 run=$2 repeats=$3 trace=$4
	shift 4
	has_trace "$experiment" "$run" "$trace" || return 0
	mkdir -p "$experiment"
	set -- "$@" --products "$(products "$(model_of "$@")")"
	repeat=1
	after=${after:-$(state)}
	while [ "$repeat" -le "$repeats" ]; do
		to=$experiment/$run.measured-$repeat
		if [ ! -f "$to.csv" ]; then
			folder=$(mktemp -d)
			before=$after
			"$gpu" replay "traces/$trace" "$@" --disk-folder "$folder" --archive-folder "$folder/objects" --quiet --csv \
				--requests "$to.part" --steps "$to.steps" >"$to.row" || {
				rm -rf "$folder" "$to.part" "$to.steps"
				die "$experiment $run did not run."
			}
			rm -rf "$folder"
			after=$(state)
			{
				printf '# commit %s; kvcast-gpu replay %s %s\n' "${COMMIT:-unknown}" "$trace" "$*"
				printf '# %s: before %s; after %s\n' "$to" "$before" "$after"
			} >>"$experiment/log.txt"
			case $experiment in
			load | unsure) gzip -9 <"$to.steps" >"$experiment/$run.steps-$repeat.csv.gz" ;;
			esac
			rm -f "$to.steps"
			mv "$to.part" "$to.csv"
			echo "measured $to"
		fi
		repeat=$((repeat + 1))
	done
}

measure_calibrate()
{
	mkdir -p calibrate
	[ ! -f "calibrate/$1.samples.csv" ] || return 0
	folder=$(mktemp -d)
	"$gpu" calibrate --model "$1" --products "$(products "$1")" --minutes 6 --folder "$folder" --commit "${COMMIT:-unknown}" \
		--output "calibrate/$1.samples.csv"
	rm -rf "$folder"
}

measure_policies()
{
	while read -r evict; do
		measure_run policies "$evict" 1 churn.jsonl --evict "$evict" $churn_options </dev/null
	done <traces/policies.txt
}

measure_bench()
{
	for of in cold-repeat layout prefix; do
		[ ! -f "bench/$of/report.md" ] || continue
		mkdir -p bench
		"$gpu" bench "$of" --model "$model" --products "$(products "$model")" --calib "$calib" -o "bench/$of" >"bench/$of.txt"
		echo "measured bench $of"
	done
}

measure()
{
	for step in $wanted; do
		case $step in
		calibrate) measure_calibrate "$model" ;;
		calibrate-1.5b) measure_calibrate qwen2.5-1.5b ;;
		policies | bench) "measure_$step" ;;
		*) each_run "$step" measure_run ;;
		esac
	done
}

# --- forecasting ---

predict()
{
	experiment=$1 run=$2 trace=$4
	shift 4
	mkdir -p "$experiment"
	"$kvcast" run "traces/$trace" --calib "$calib" "$@" --quiet --csv --no-timing --requests "$experiment/$run.predicted.csv" \
		>"$experiment/$run.row"
}

# How sure that forecast is: what 200 more say, with steps that are off as the calibration is.
ensemble()
{
	experiment=$1 run=$2 trace=$4
	shift 4
	"$kvcast" run "traces/$trace" --calib "$calib" "$@" --quiet --no-timing --ensemble 200 --json |
		sed -n '/^  "ensemble"/,/^  }/{ s/^  "ensemble": //; s/^  }.*/}/; s/^  //; p; }' >"$experiment/$run.ensemble.json"
	[ -s "$experiment/$run.ensemble.json" ] || rm "$experiment/$run.ensemble.json" # it said why there is none
}

# Mean, p50 and p95 of TTFT in a CSV of requests, as kvcast reckons them: linear between order statistics.
figures()
{
	awk -F, '/^#/ { next } !seen++ { for (i = 1; i <= NF; i++) if ($i == "ttft_ms") column = i; next } $column != "" { print $column }' "$1" | sort -g |
		awk 'function at(share,    place) { place = 1 + (NR - 1) * share; return value[int(place)] + (value[int(place) + 1] - value[int(place)]) * (place - int(place)) }
			{ sum += value[NR] = $1 } END { value[NR + 1] = value[NR]; printf "%.3f %.3f %.3f", sum / NR, at(0.5), at(0.95) }'
}

# ranges EXPERIMENT: what the forecasts were sure of, and what was measured; a row a figure.
ranges()
{
	rm -f "$1/ranges.csv"
	ls "$1"/*.ensemble.json >/dev/null 2>&1 || return 0
	echo run,figure,forecast,low,high,measured_1,measured_2 >"$1/ranges.csv"
	for ensemble in "$1"/*.ensemble.json; do
		run=${ensemble%.ensemble.json}
		[ -f "$run.measured-1.csv" ] || continue
		second=
		[ ! -f "$run.measured-2.csv" ] || second=$(figures "$run.measured-2.csv")
		awk -v run="${run##*/}" -v forecast="$(figures "$run.predicted.csv")" -v first="$(figures "$run.measured-1.csv")" -v second="$second" '
			{ gsub(/[",]/, "") }
			/^  [a-z]/ { of = $1 }
			/^    [a-z]/ { figure = $1 }
			/^      p5:/ && of == "ttft_ms:" { low[figure] = $2 }
			/^      p95:/ && of == "ttft_ms:" { high[figure] = $2 }
			END { split("mean p50 p95", name); split(forecast, f); split(first, m); split(second, n)
				for (i = 1; i <= 3; i++)
					printf "%s,%s,%s,%.3f,%.3f,%s,%s\n", run, name[i], f[i], low[name[i] ":"], high[name[i] ":"], m[i], n[i] }' "$ensemble"
	done >>"$1/ranges.csv"
}

# forecast_run EXPERIMENT RUN REPEATS TRACE OPTION...: and beside each measurement.
forecast_run()
{
	has_trace "$1" "$2" "$4" || return 0
	predict "$@"
	case $1 in
	load | unsure | ttl) ensemble "$@" ;;
	esac
	for measured in "$1/$2".measured-*.csv; do
		[ -f "$measured" ] || continue
		printf '== %s: %s\n' "$2" "${measured##*/}"
		"$kvcast" compare "$1/$2.predicted.csv" "$measured"
		echo
	done >>"$1/compare.txt"
	# How far two measurements are from each other: no forecast can be nearer.
	if [ -f "$1/$2.measured-2.csv" ]; then
		printf '== %s: the second measurement, as if it were a forecast of the first\n' "$2" >>"$1/compare.txt"
		sed 's/source=measured/source=predicted/' "$1/$2.measured-2.csv" >"$1/second.tmp"
		"$kvcast" compare "$1/second.tmp" "$1/$2.measured-1.csv" >>"$1/compare.txt"
		rm "$1/second.tmp"
		echo >>"$1/compare.txt"
	fi
}

forecast_calibrate()
{
	[ -f "calibrate/$1.samples.csv" ] || return 0
	"$kvcast" fit "calibrate/$1.samples.csv" --name "$1" --output "calibrate/$1.json" --cells "calibrate/$1.cells.csv" >"calibrate/$1.txt"
	choose_calibration
}

forecast_policies()
{
	while read -r evict; do
		forecast_run policies "$evict" 1 churn.jsonl --evict "$evict" $churn_options </dev/null
	done <traces/policies.txt
}

# Rows of `--csv` under one header.
rows()
{
	awk 'FNR == 1 && NR > 1 { next } { print }' "$@"
}

forecast_ttl()
{
	each_run ttl forecast_run
	[ -f traces/agents32.jsonl ] || return 0
	"$kvcast" sweep traces/agents32.jsonl --model "$model" $ttl_options --calib "$calib" --evict lru,s3fifo,lfu --capacity 500,650,800 \
		--ttl none,static:ttl=1s,static:ttl=3s,adaptive:base=500ms --vary steps=0.97,1,1.03 --csv --no-timing --quiet >ttl/forecast.csv
	# Rows are there where it was measured; elsewhere runs.csv is.
	set -- ttl/*.measured-*.row
	[ ! -f "$1" ] || rows "$@" >ttl/runs.csv
	"$kvcast" compare --decisions ttl/forecast.csv ttl/runs.csv --rows ttl/pairs.csv >ttl/decisions.txt
}

forecast()
{
	for step in $wanted; do
		[ ! -d "$step" ] || rm -f "$step/compare.txt"
		case $step in
		bench) ;;
		calibrate) forecast_calibrate "$model" ;;
		calibrate-1.5b) forecast_calibrate qwen2.5-1.5b ;;
		policies | ttl) "forecast_$step" ;;
		*) each_run "$step" forecast_run ;;
		esac
		ranges "$step"
	done
}

# --- charts ---

chart()
{
	script=$1
	shift
	gnuplot -c "$here/../../plots/$script.gp" "$@"
}

# chart_run EXPERIMENT RUN ...: predicted against measured.
chart_run()
{
	[ -f "$1/$2.measured-1.csv" ] || return 0
	rows=$(mktemp -d)
	"$kvcast" compare "$1/$2.predicted.csv" "$1/$2.measured-1.csv" --rows "$rows/$2, $1.csv" >/dev/null
	chart predicted_vs_measured "$rows/$2, $1.csv" "$1/$2.svg"
	chart ttft_cdf_both "$rows/$2, $1.csv" "$1/$2.cdf.svg"
	rm -r "$rows"
}

charts()
{
	for step in $wanted; do
		case $step in
		calibrate | calibrate-1.5b)
			for of in calibrate/*.cells.csv; do
				[ ! -f "$of" ] || chart calibration "$of" "${of%.cells.csv}.svg"
			done
			;;
		alone | load | unsure) each_run "$step" chart_run ;;
		bench) [ ! -d bench/cold-repeat ] || chart cold_repeat bench/cold-repeat/table.csv bench/cold-repeat/cold_repeat.svg ;;
		breakeven)
			tiers=
			for of in host disk archive; do
				[ ! -f "breakeven/$of.measured-1.csv" ] ||
					tiers="$tiers $of:breakeven/$of.predicted.csv:breakeven/$of.measured-1.csv"
			done
			# shellcheck disable=SC2086 # a list of words
			[ -z "$tiers" ] || chart breakeven $tiers breakeven/breakeven.svg
			;;
		ttl)
			[ -f ttl/runs.csv ] || continue
			chart hit_curve_both ttl/forecast.csv ttl/runs.csv ttl/hit_curve.svg
			chart decisions ttl/pairs.csv ttl/decisions.svg
			;;
		esac
		[ ! -f "$step/ranges.csv" ] || chart ranges "$step/ranges.csv" "$step/ranges.svg"
	done
}

command=${1-}
[ $# -ge 3 ] || {
	sed -n 's/^# \{0,1\}//p; /^set/q' "$0" >&2
	exit 2
}
tool=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
case $command in
traces)
	make_traces "$tool" "$(cd "$3" 2>/dev/null && pwd || echo /nonexistent)" "$4"
	exit
	;;
esac
mkdir -p "$3"
cd "$3"
shift 3
wanted=${*:-$steps}
for step in $wanted; do
	case " $steps " in
	*" $step "*) ;;
	*) die "there is no step $step; expected: $steps." ;;
	esac
done
choose_calibration
case $command in
measure)
	gpu=$tool
	measure
	;;
forecast)
	kvcast=$tool
	forecast
	;;
charts)
	kvcast=$tool
	charts
	;;
*) die "there is no command $command; expected traces, measure, forecast or charts." ;;
esac
