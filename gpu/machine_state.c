#include "machine_state.h"

#include "gpu.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* What nvml.h declares, as far as it is used; the numbers are its constants. */
#define NVML_CLOCK_SM        1
#define NVML_TEMPERATURE_GPU 0
typedef int nvml_plain(void);
typedef int nvml_driver(char *version, unsigned length);
typedef int nvml_handle(const char *bus_id, void **device);
typedef int nvml_number(void *device, int which, unsigned *value);

struct machine_state {
	void *library, *device;
	nvml_plain *shutdown;
	nvml_number *clock, *temperature;
	char driver[96];
};

/* ISO C has no cast from an object pointer to a function's. */
#define FIND(library, function, name)                                                                                  \
	do {                                                                                                           \
		void *symbol = dlsym((library), (name));                                                               \
		memcpy(&(function), &symbol, sizeof(symbol));                                                          \
	} while (0)

struct machine_state *machine_state_open(void)
{
	void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
	if (!library)
		return NULL;
	struct machine_state *state = mem_alloc(1, sizeof(*state));
	nvml_plain *init;
	nvml_driver *driver;
	nvml_handle *handle;
	char bus_id[64] = "";
	int ordinal = 0;
	state->library = library;
	FIND(library, init, "nvmlInit_v2");
	FIND(library, driver, "nvmlSystemGetDriverVersion");
	FIND(library, handle, "nvmlDeviceGetHandleByPciBusId_v2");
	FIND(library, state->shutdown, "nvmlShutdown");
	FIND(library, state->clock, "nvmlDeviceGetClockInfo");
	FIND(library, state->temperature, "nvmlDeviceGetTemperature");
	if (init && driver && handle && state->shutdown && state->clock && state->temperature && init() == 0) {
		GPU_CALL(cudaGetDevice(&ordinal));
		GPU_CALL(cudaDeviceGetPCIBusId(bus_id, sizeof(bus_id), ordinal));
		if (driver(state->driver, sizeof(state->driver)) == 0 && handle(bus_id, &state->device) == 0)
			return state;
		state->shutdown();
	}
	dlclose(library);
	free(state);
	return NULL;
}

void machine_state_close(struct machine_state *state)
{
	if (!state)
		return;
	state->shutdown();
	dlclose(state->library);
	free(state);
}

static uint32_t number(nvml_number *ask, void *device, int which)
{
	unsigned value = 0;
	return ask(device, which, &value) == 0 ? value : 0;
}

uint32_t machine_state_clock_mhz(const struct machine_state *state)
{
	return state ? number(state->clock, state->device, NVML_CLOCK_SM) : 0;
}

uint32_t machine_state_celsius(const struct machine_state *state)
{
	return state ? number(state->temperature, state->device, NVML_TEMPERATURE_GPU) : 0;
}

const char *machine_state_driver(const struct machine_state *state)
{
	return state ? state->driver : "";
}
