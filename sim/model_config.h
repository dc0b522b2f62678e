/* model_config.h - a Hugging Face config.json, as Transformers 3 to 5 write it; inside model.c. */
#ifndef KVCAST_MODEL_CONFIG_H
#define KVCAST_MODEL_CONFIG_H

#include "model.h"

/* Fills all but the name. -1 and a sentence where the file cannot be read or lacks a size. */
int model_config_read(struct model *model, const char *path, struct err *err);

#endif
