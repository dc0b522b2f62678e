/* fit_machine.h - the machine that tests of the fit measure, or change: every term of the formula but decodes. */
#ifndef KVCAST_TESTS_FIT_MACHINE_H
#define KVCAST_TESTS_FIT_MACHINE_H

#include "calibration.h"

static const struct calibration fit_machine = {
        .prompt_step_ns = 600000,
        .decode_step_ns = 400000,
        .weights_ns = 4000000,
        .sharpness = 4,
        .row_tile_tokens = 128,
        .attention_tile_tokens = 32,
        .terms = {[TERM_ROWS] = CALIBRATION_LINE(17000), [TERM_ROW_TILES] = CALIBRATION_LINE(3000),
                  [TERM_SEQUENCES] = CALIBRATION_LINE(15000), [TERM_PAIRS] = CALIBRATION_LINE(0.9), [TERM_KEYS] = CALIBRATION_LINE(20),
                  [TERM_CONTEXT] = CALIBRATION_LINE(32)},
};

#endif
