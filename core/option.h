/* Options as tables: connectors, formats and the configuration declare theirs, and an unknown or
 * bad one is refused with the nearest known name and the list of valid ones.
 *
 * Names follow Flink. A name that ends in ".*" takes any suffix ("fields.#.min" takes one segment
 * for '#'). Values are text until asked for; durations and sizes are read as Flink reads them
 * ("10 s", "1min", "64 mb"). */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include "core/arena.h"
#include "core/error.h"

typedef enum OptionType {
    OPTION_TEXT,
    OPTION_SECRET, /* text that is never printed */
    OPTION_BOOLEAN,
    OPTION_INTEGER,
    OPTION_DOUBLE,
    OPTION_DURATION, /* milliseconds */
    OPTION_BYTES,
    OPTION_ENUM
} OptionType;

typedef struct OptionSpec {
    const char *name;
    OptionType type;
    bool required;
    const char *fallback; /* default as text; NULL: none */
    const char *values;   /* ENUM: "a|b|c", compared without case */
    int64_t minimum;      /* INTEGER, DURATION, BYTES: checked when minimum < maximum */
    int64_t maximum;
    const char *doc; /* one sentence */
} OptionSpec;

typedef struct Option {
    const char *key;
    const char *value;
    int64_t sql_offset; /* where the value stands in the statement, or -1 */
    int64_t sql_length;
    int64_t key_offset, key_length; /* where the key stands; length 0: not known */
} Option;

/* The options given for one thing. Immutable once made; keys are unique. */
typedef struct Options {
    uint32_t count;
    const Option *items;
} Options;

/* The given value, or NULL. */
const Option *options_find(const Options *options, const char *key);

/* Place an error that is about the value, or about the option being there at all. Return false. */
bool option_error_at(const Option *option, Error *error);
bool option_error_at_key(const Option *option, Error *error);

/* Checks every given option against the tables (`specs`, then `more` when not NULL; each ends with
 * a name of NULL) and every required one for presence. `owner` words the error: "connector
 * \"filesystem\"". */
bool options_check(const Options *options, const char *owner, const OptionSpec *specs,
                   const OptionSpec *more, Error *error) MUST_CHECK;

/* Values by name: the given one, else the table's default. They cannot fail once options_check
 * passed; asking for a name that is not in the table is a bug and asserts. */
const char *option_text(const Options *options, const OptionSpec *specs, const char *key);
bool option_boolean(const Options *options, const OptionSpec *specs, const char *key);
int64_t option_integer(const Options *options, const OptionSpec *specs, const char *key);
double option_double(const Options *options, const OptionSpec *specs, const char *key);
int64_t option_duration_ms(const Options *options, const OptionSpec *specs, const char *key);

/* Reading one value; used by options_check and by SET. */
bool option_parse_boolean(const char *text, bool *out);
bool option_parse_integer(const char *text, int64_t *out);
bool option_parse_duration_ms(const char *text, int64_t *out);
bool option_parse_bytes(const char *text, int64_t *out);
bool option_check_value(const OptionSpec *spec, const char *key, const char *value,
                        Error *error) MUST_CHECK;

/* Whether the key names a secret ("password", "secret", "token" anywhere in it) or its spec says
 * so: such values are printed as ******. */
bool option_is_secret(const OptionSpec *specs, const char *key);

#endif
