# A calibration against each measured step: 1 us a row, 2 ns for each 64th of a distinct token beyond half of the context, and power.
$ printf '{"kvcast_calibration":2,"name":"byhand","device":"D","model":"M","provenance":"made up","estimate":true,"step":{"prompt_step_ns":0,"decode_step_ns":100,"rows_ns":1000,"distinct_free_64ths":32,"distinct_ns":2},"power":{"slowdown":0.2,"light_slowdown":0,"half_life_ns":2000,"from":0.5,"full":0.500001,"most":1,"pairs_load":1,"least_rows":2}}' >estimate.json; sed 's/"estimate":true/"estimate":false/' estimate.json >byhand.json
$ echo step,start_ms,took_ms,rest_ms,sequences,new_tokens,distinct_keys,parts >head; { cat head; printf '%s\n' 7,40.0,0.005,0.000,1,4,0,4@0 8,40.1,0.003,0.001,2,2,90,'1@100 1@60' 9,90.0,0.004,0.001,1,4,8,4@8 10,90.1,0.010,0.000,2,9,10,'8@0 1@10' 11,99.0,0.002,0.012,1,2,0,2@0; } >log.csv
$ kvcast compare --steps log.csv --calib byhand.json --rows rows.csv; cat rows.csv
> log          log.csv
>              5 steps; 2.4e-05 s measured, 2.5848e-05 predicted
> calibration  byhand
>              D, M; measured
> 
>                         share of   error of         error of a step, in %
>   new tokens    steps  time, in %  sum, in %   mean |.|     p5     p50     p95
>   1-8               4       58.33      +2.00       9.29 -10.20   +6.25  +12.64
>   9-64              1       41.67     +15.68      15.68 +15.68  +15.68  +15.68
>   all               5      100.00      +7.70      10.57  -9.60  +12.50  +15.08
> step,new_tokens,sequences,measured_ms,predicted_ms
> 7,4,1,0.005000,0.004400
> 8,2,2,0.003000,0.003380
> 9,4,1,0.004000,0.004500
> 10,9,2,0.010000,0.011568
> 11,2,1,0.002000,0.002000
$ gzip -c log.csv >log.csv.gz; kvcast compare --steps log.csv.gz --calib estimate.json | head -n 4
> log          log.csv.gz
>              5 steps; 2.4e-05 s measured, 2.5848e-05 predicted
> calibration  byhand
>              D, M; an estimate, not measured
$ kvcast compare --steps - --json --calib estimate.json <log.csv
> {
>   "log": "-",
>   "calibration": {
>     "name": "byhand",
>     "device": "D",
>     "model": "M",
>     "estimate": true
>   },
>   "classes": [
>     {
>       "new_tokens": "1-8",
>       "steps": 4,
>       "measured_ms": 0.014,
>       "predicted_ms": 0.01428,
>       "time_share": 0.583333333,
>       "sum_error": 0.02,
>       "step_error": {
>         "mean_absolute": 0.0929166667,
>         "p5": -0.102,
>         "p50": 0.0625,
>         "p95": 0.126416667
>       }
>     },
>     {
>       "new_tokens": "9-64",
>       "steps": 1,
>       "measured_ms": 0.01,
>       "predicted_ms": 0.011568,
>       "time_share": 0.416666667,
>       "sum_error": 0.1568,
>       "step_error": {
>         "mean_absolute": 0.1568,
>         "p5": 0.1568,
>         "p50": 0.1568,
>         "p95": 0.1568
>       }
>     },
>     {
>       "new_tokens": "all",
>       "steps": 5,
>       "measured_ms": 0.024,
>       "predicted_ms": 0.025848,
>       "time_share": 1.0,
>       "sum_error": 0.077,
>       "step_error": {
>         "mean_absolute": 0.105693333,
>         "p5": -0.096,
>         "p50": 0.125,
>         "p95": 0.150773333
>       }
>     }
>   ]
> }
$ kvcast compare --steps log.csv | sed -n 3,4p
> calibration  h200-llama-3.1-8b.estimate
>              NVIDIA H200, llama-3.1-8b; an estimate, not measured
# What is no log, or not whole.
$ cut -d, -f1-6,8 log.csv >narrow.csv; kvcast compare --steps narrow.csv
! kvcast: narrow.csv: there is no column "distinct_keys".
? 1
$ { cat head; echo 1,0,5,0,2,513,16384,512@16384 1@9k; } >bad.csv; kvcast compare --steps bad.csv
! kvcast: bad.csv:2: field "parts", part 2 is "1@9k"; expected NEW@CONTEXT, such as 512@16384, whole numbers of tokens up to 1000000000, with one space between parts.
? 1
$ { cat head; echo 1,0,5,0,2,513,25385,512@16384 1@9000; } >bad.csv; kvcast compare --steps bad.csv
! kvcast: bad.csv:2: field "distinct_keys" is 25385; expected at most 25384, the tokens that "parts" come after.
? 1
$ { cat head; echo 1,0,5,0,3,513,25384,512@16384 1@9000; } >bad.csv; kvcast compare --steps bad.csv
! kvcast: bad.csv:2: field "sequences" is 3; expected 2, as many as "parts" has.
? 1
$ { cat head; echo 1,0,0,0,2,513,25384,512@16384 1@9000; } >bad.csv; kvcast compare --steps bad.csv
! kvcast: bad.csv:2: field "took_ms" is "0"; expected more than 0, which has no relative error.
? 1
$ sed 3d log.csv >bad.csv; kvcast compare --steps bad.csv
! kvcast: bad.csv:3: field "step" is 9; expected 8, as a step depends on those before it.
? 1
$ kvcast compare --steps head
! kvcast: head: there is no step in it.
? 1
$ kvcast compare --steps nothing.csv
! kvcast: nothing.csv cannot be opened: No such file or directory.
? 1
$ kvcast compare --steps log.csv --calib nothing
! kvcast: --calib nothing: no such file, and no built-in calibration of that name (h200-llama-3.1-8b.estimate, h200-llama-3.1-8b, h200-qwen2.5-1.5b).
? 1
# It stands alone.
$ kvcast compare --steps log.csv p.csv m.csv
! kvcast compare: --steps takes a log of steps and a calibration; expected neither two files nor --decisions beside it
! Try `kvcast compare --help' or `kvcast compare --usage' for more information.
? 2
$ kvcast compare --steps log.csv --decisions
! kvcast compare: --steps takes a log of steps and a calibration; expected neither two files nor --decisions beside it
! Try `kvcast compare --help' or `kvcast compare --usage' for more information.
? 2
$ kvcast compare p.csv m.csv --calib byhand.json
! kvcast compare: --calib is for --steps; two files were made with their own
! Try `kvcast compare --help' or `kvcast compare --usage' for more information.
? 2
