/* gpu_cli.h - what the commands of kvcast-gpu share; as sim/cli.h for kvcast. Only main.c and cmd_*.c include it. */
#ifndef KVCAST_GPU_CLI_H
#define KVCAST_GPU_CLI_H

#include "err.h"
#include "llama_weights.h"

#include <stddef.h>
#include <stdint.h>

struct llama;       /* llama.h */
struct run_options; /* options.h */

/* The help of --products, which several commands have. */
#define GPU_CLI_PRODUCTS_HELP                                                                                          \
	"run matrix products with the algorithms that FILE names; where it is not there, cuBLASLt's candidates are timed first, " \
	"for some seconds, and it is written"

int cmd_info(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_replay(int argc, char **argv);
/* bench --tiers FOLDER */
int cmd_bench_tiers(const struct model *model, const char *folder, int runs);
/* bench cold-repeat, bench layout, bench prefix */
int cmd_bench_cold_repeat(int argc, char **argv);
int cmd_bench_layout(int argc, char **argv);
int cmd_bench_prefix(int argc, char **argv);

/* The model that --model names, with 16-bit keys and values as this program holds them, and its weights where the name is
 * a directory (else NULL; `weights` NULL: not wanted). -1 and a sentence. */
int gpu_cli_load_model(const char *name, struct model *model, struct llama_weights **weights, struct err *err);
/* Whether a device can do what the options say: an engine that takes time, one replica, a model that can be run. 0, or -1 and a
 * sentence. */
int gpu_cli_check_options(const struct run_options *options, struct err *err);
/* Looks at --products FILE (NULL: not given) as far as that needs no device. 0, or -1 and a sentence. */
int gpu_cli_check_products(const char *path, const struct model *model, struct err *err);
/* Says on stderr where the file, if there was one, had no algorithm for a product. */
void gpu_cli_tell_missed(const struct llama *llama, const char *path);
/* Prints "kvcast-gpu: SENTENCE" on stderr and returns 1. */
int gpu_cli_fail(const struct err *err);
/* 0, or 1 after saying that there is no device. */
int gpu_cli_need_device(void);
/* Through signals, if need be. */
void gpu_cli_sleep_ns(int64_t ns);
/* Device, driver, CUDA and cuBLAS versions. Returns `text`. */
const char *gpu_cli_machine(char *text, size_t size);
/* The same as one comment line, to stand above results. */
void gpu_cli_print_machine(void);
/* As cli_finish_stdout() of sim/cli.h. */
int gpu_cli_finish_stdout(void);

#endif
