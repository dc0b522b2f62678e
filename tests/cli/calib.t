# A link is as fast as the calibration measured for a tier of that name, where --tier does not say; in a sweep too.
$ printf '{"kvcast_calibration":2,"name":"c","device":"D","model":"M","provenance":"made up","estimate":false,"step":{"prompt_step_ns":1000000,"decode_step_ns":900000,"weights_ns":4000000,"sharpness":4,"rows_ns":20000,"pairs_ns":[[1000000,1000000],[2000000,1900000]],"context_ns":30},"transfers":[{"tier":"host","read_bytes_per_s":2e9,"write_bytes_per_s":1e9,"latency_ns":50000}]}' >c.json
$ printf '#!/bin/sh\nexec kvcast run licence-agents.jsonl.gz --engine vllm --calib c.json --model llama-3.1-8b --tier gpu:2000 --load always --no-timing --csv "$@"\n' >tiered; chmod +x tiered
$ ./tiered --tier host:9000 >a; ./tiered --tier host:9000,read=2GB/s,write=1GB/s,latency=50us | cmp - a
$ ./tiered --tier host:9000,read=inf | cmp -s - a
? 1
$ ./tiered --tier attic:9000 >b; ./tiered --tier attic:9000,read=inf,write=inf,latency=0s | cmp - b
$ kvcast sweep licence-agents.jsonl.gz --engine vllm --calib c.json --model llama-3.1-8b --tier gpu:2000 --tier host:9000 --load always --no-timing --csv | cmp - a
$ kvcast run small.jsonl --calib c.json --quiet | grep measured
>   uncontended; D, M; measured

# From samples to a calibration. These are of a machine with 4 ms of weights, 20 us a row, 0.9 ns a pair and 32 ns a context token.
$ { echo '# model: llama-3.1-8b'; echo '# device: made-up GPU'; echo kind,prompts,new_tokens,cached_tokens,decodes,context_tokens,tier,bytes,repeats,median_ns,least_ns,most_ns,clock_mhz,celsius; awk 'function step(p, n, c, d, x, r, w) { r = p * n + d; w = 20000 * r; ns = 500000 + sqrt(1.6e13 + w * w) + 0.9 * p * (n * c + n * (n + 1) / 2) + 32 * d * x; printf "step,%d,%d,%d,%d,%d,,,5,%.0f,%.0f,%.0f,,\n", p, p ? n : 0, c, d, x, ns, ns, ns } BEGIN { for (n = 16; n < 9000; n *= 2) for (c = 0; c < 20000; c = 2 * c + 500) step(1, n, c, 0, 0); for (d = 1; d < 100; d *= 2) for (x = 100; x < 9000; x *= 4) step(0, 0, 0, d, x); for (b = 1; b < 5000; b *= 4) printf "read,,,,,,host,%d,5,%.0f,1,1e12,,\nwrite,,,,,,host,%d,5,%.0f,1,1e12,,\n", b * 65536, 2e4 + b * 65536 / 50, b * 65536, 2e4 + b * 65536 / 40 }'; } >samples.csv
$ kvcast fit samples.csv -o fitted.json --bootstraps 20 --folds 4 --cells cells.csv
> samples  samples.csv: 88 steps; made-up GPU, llama-3.1-8b
> 
>   held-out error, %    mean      p90    worst  at
>   physical             0.10     0.00     4.71  1 x 16 new after 15500   <- chosen
>   curves               1.19     3.80     4.76  1 x 256 new after 0
> 
>   host     read 50.00 GB/s, write 40.00 GB/s, latency 20.0 us; mean error 0.0 %
$ sed -n 's/^  "\(rows_ns\|pairs_ns\|context_ns\|sharpness\)": \([^,]*\),*/\1 \2/p' fitted.json; head -n 2 cells.csv; wc -l <cells.csv
> sharpness 2
> rows_ns 20000.0
> pairs_ns 0.9
> context_ns 32.0
> prompts,new_tokens,cached_tokens,decodes,context_tokens,measured_ms,least_ms,most_ms,fitted_ms,low_ms,high_ms,held_out_physical_ms,held_out_curves_ms,chosen
> 1,16,0,0,0,4.512902,4.512902,4.512902,4.512902,4.512902,4.512902,4.512902,4.502458,physical
> 89
$ kvcast run small.jsonl --calib fitted.json --quiet | grep measured
>   uncontended; made-up GPU, llama-3.1-8b; measured
$ kvcast fit samples.csv --bootstraps 2 --folds 2 --max-error 1e-9 -o never.json >/dev/null; ls never.json
! kvcast: samples.csv: the better model is off by 0.10 % on held-out steps, more than --max-error 1e-09; no calibration was written.
! ls: cannot access 'never.json': No such file or directory
? 2
$ head -n 20 samples.csv | kvcast fit -
! kvcast: standard input: 17 steps were measured, but a fit needs at least 30.
? 1
$ kvcast fit samples.csv --folds 1
! kvcast fit: --folds 1: expected a whole number from 2 to 100
! Try `kvcast fit --help' or `kvcast fit --usage' for more information.
? 2
$ kvcast fit
! kvcast fit: the samples are missing: a file of kvcast-gpu calibrate, or - for standard input
! Try `kvcast fit --help' or `kvcast fit --usage' for more information.
? 2
