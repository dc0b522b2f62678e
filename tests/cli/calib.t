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
