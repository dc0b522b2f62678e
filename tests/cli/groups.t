# A run by class, turn and session.
$ kvcast run small.jsonl --capacity 4 --groups - | sed '/^trace/,$d' | cut -d, -f1-8
> kind,name,requests,prompt_tokens,hit_tokens,token_hit_rate,hit_gpu_tokens,output_tokens
> class,auditor,3,44,16,0.363636364,16,8
> class,lawyer,2,24,16,0.666666667,16,4
> turn,1,3,29,8,0.275862069,8,6
> turn,2,2,28,16,0.571428571,16,3
> turn,3,1,18,8,0.444444444,8,4
> session,a,3,44,16,0.363636364,16,8
> session,b,2,24,16,0.666666667,16,4
> session,c,1,7,0,0,0,1
$ kvcast run licence-agents.jsonl.gz --quiet --groups - | head -1
> kind,name,requests,prompt_tokens,hit_tokens,token_hit_rate,hit_gpu_tokens,output_tokens,ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_ms_max,queue_ms_mean,load_ms_mean,prefill_ms_mean,e2e_ms_mean,e2e_ms_p50,e2e_ms_p90,e2e_ms_p95,e2e_ms_p99,e2e_ms_max
$ kvcast run licence-agents.jsonl.gz --quiet --preset lmcache --groups g.csv >/dev/null; head -1 g.csv
> kind,name,requests,prompt_tokens,hit_tokens,token_hit_rate,hit_gpu_tokens,hit_host_tokens,hit_disk_tokens,output_tokens,ttft_ms_mean,ttft_ms_p50,ttft_ms_p90,ttft_ms_p95,ttft_ms_p99,ttft_ms_max,queue_ms_mean,load_ms_mean,prefill_ms_mean,e2e_ms_mean,e2e_ms_p50,e2e_ms_p90,e2e_ms_p95,e2e_ms_p99,e2e_ms_max
# Its rows add up to the requests, for every kind.
$ sums() { awk -F, -v OFS=, 'NR > 1 { n[$1] += $2; t[$1] += $3; h[$1] += $4; o[$1] += $5 } END { for (k in n) print k, n[k], t[k], h[k], o[k] }' | sort; }; for p in lmcache trtllm; do kvcast run licence-agents.jsonl.gz --preset $p --capacity 1GiB --arrivals closed --sessions 4 --groups g.csv --requests r.csv --quiet >/dev/null; sh pick kind requests prompt_tokens hit_gpu_tokens output_tokens <g.csv | sums; awk -F, -v OFS=, 'NR > 1 { print NR, 1, $6, $9, $7 }' r.csv | awk -F, '{ n++; t += $3; h += $4; o += $5 } END { print "all", n, t, h, o }'; done
> class,126,979171,934144,21914
> session,126,979171,934144,21914
> turn,126,979171,934144,21914
> all 126 979171 934144 21914
> class,126,979171,957312,21914
> session,126,979171,957312,21914
> turn,126,979171,957312,21914
> all 126 979171 957312 21914
$ kvcast run licence-agents.jsonl.gz --groups g.csv --requests r.csv --quiet >/dev/null; awk -F, '$4 == 3' r.csv | wc -l; grep ^turn,3, g.csv | cut -d, -f3
> 51
> 51
# The same quantiles as the classes of --json, and as a file of the class alone.
$ kvcast run licence-agents.jsonl.gz --json --groups g.csv | sed -n '/"classes"/,$p' | grep -A5 ttft_ms | sed -n 2,6p; grep -m1 ^class g.csv | cut -d, -f2,9-13
>         "mean": 15.1780361509,
>         "p50": 12.040322,
>         "p90": 24.5092232,
>         "p95": 31.8830884,
>         "p99": 46.0320677,
> compliance-auditor,15.1780362,12.040322,24.5092232,31.8830884,46.0320677
# Late turns share a row; without sessions there are neither turns nor sessions; names are quoted where they have to be.
$ for i in $(seq 25); do printf '{"timestamp":%d,"input_length":8,"output_length":1,"hash_ids":[1,2],"session_id":"a,b","class":"say \\"hi\\""}\n' $i; done >long.jsonl; kvcast run long.jsonl --block 4 --groups - | sed '/^trace/,$d' | cut -d, -f1-6 | sed -n '2,3p;20,$p'
> class,"say ""hi""",25,200,192,0.96
> turn,1,1,8,0,0
> turn,18,1,8,8,1
> turn,19,1,8,8,1
> turn,20+,6,48,48,1
> session,"a,b",25,200,192
$ printf '{"timestamp":0,"input_length":8,"output_length":1,"hash_ids":[1,2]}\n' | kvcast run - --block 4 --groups g.csv >/dev/null && wc -l <g.csv
> 1
# All files of a run appear, or none.
$ kvcast run small.jsonl --groups g2.csv --requests nowhere/r.csv
! kvcast: nowhere/r.csv cannot be written: No such file or directory.
? 1
$ kvcast run small.jsonl --requests r2.csv --groups nowhere/g.csv
! kvcast: nowhere/g.csv cannot be written: No such file or directory.
? 1
$ kvcast run small.jsonl --groups g2.csv --capacity 0; ls g2.csv r2.csv
! kvcast: --capacity 0: expected at least 1 block.
! ls: cannot access 'g2.csv': No such file or directory
! ls: cannot access 'r2.csv': No such file or directory
? 2
