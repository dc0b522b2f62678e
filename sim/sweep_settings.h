/* sweep_settings.h - everything that a sweep's rows depend on, in texts, to tell whether rows are of the same sweep.
 *
 * Options that change no row (--jobs, --quiet) are not in it. A preset counts as the options it stands for, @FILE as its SPEC,
 * a capacity as its blocks. The trace's content, and that of a calibration and a model, stand as checksum or number. The version
 * of the program is its caller's to add.
 */
#ifndef KVCAST_SWEEP_SETTINGS_H
#define KVCAST_SWEEP_SETTINGS_H

#include "options.h"
#include "sweep.h"
#include "vary.h"

#include <jansson.h>

/* An object of texts, for the caller to release. `options` are those of options_load. */
json_t *sweep_settings(const struct sweep *sweep, const struct run_options *options, const struct vary *vary);

#endif
