/* The configuration of a session: what SET, RESET and -D change, by Flink's names.
 *
 * Only options that are honoured are in the table; any other name is refused with the nearest. */
#ifndef SESSION_CONFIG_H
#define SESSION_CONFIG_H

#include "core/option.h"

typedef struct Config Config;

Config *config_new(void);
void config_free(Config *config);

bool config_set(Config *config, const char *key, const char *value, Error *error) MUST_CHECK;
/* Back to the default; a NULL key: all of them. */
bool config_reset(Config *config, const char *key, Error *error) MUST_CHECK;

/* Replaces a default, for values that come from where the program was started (the file's name). */
void config_set_default(Config *config, const char *key, const char *value);

/* The value in force, NULL when there is none or the key is not known. */
const char *config_get(const Config *config, const char *key);
/* Whether the user set it. */
bool config_is_set(const Config *config, const char *key);
bool config_boolean(const Config *config, const char *key);
int64_t config_integer(const Config *config, const char *key);
int64_t config_duration_ms(const Config *config, const char *key);
int64_t config_bytes(const Config *config, const char *key);
double config_double(const Config *config, const char *key);

/* Every option there is; ends with a name of NULL. */
const OptionSpec *config_specs(void);

#endif
