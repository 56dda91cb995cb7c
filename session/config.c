/* Invariant: values[i] and defaults[i] belong to specs[i]; a value in the array has passed its
 * spec's check, so reading it cannot fail. */
#include "session/config.h"

#include <stdlib.h>

#include "core/str.h"

static const OptionSpec specs[] = {
    {.name = "execution.batch-rows",
     .type = OPTION_INTEGER,
     .fallback = "2048",
     .minimum = 1,
     .maximum = 2048,
     .doc = "Rows a source puts into one batch at most; 1 processes change by change."},
    {.name = "execution.check-changes",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Checks behind every operator that what is taken back was there and that keys are held "
            "by one row; ends the job where it is not so. Takes memory for all rows, until the job "
            "is restored."},
    {.name = "execution.checkpointing.dir",
     .type = OPTION_TEXT,
     .doc = "Folder of the checkpoint database; without it nothing survives the process."},
    {.name = "execution.checkpointing.interval",
     .type = OPTION_DURATION,
     .minimum = 1,
     .maximum = INT64_MAX,
     .doc = "Time between two checkpoints; without it there are none but the last."},
    {.name = "execution.checkpointing.min-pause",
     .type = OPTION_DURATION,
     .fallback = "0 ms",
     .doc = "Least time between the end of a checkpoint and the start of the next."},
    {.name = "execution.checkpointing.num-retained",
     .type = OPTION_INTEGER,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1000,
     .doc = "How many finished checkpoints stay restorable."},
    {.name = "execution.checkpointing.timeout",
     .type = OPTION_DURATION,
     .fallback = "10 min",
     .minimum = 1,
     .maximum = INT64_MAX,
     .doc = "A checkpoint that takes longer fails."},
    {.name = "execution.checkpointing.tolerable-failed-checkpoints",
     .type = OPTION_INTEGER,
     .fallback = "0",
     .maximum = INT32_MAX,
     .doc = "How many checkpoints in a row may be given up because another program holds the "
            "database or the disk is full: the job goes on, and what they were to hold goes with "
            "the next. One more is a failure."},
    {.name = "execution.exchange-memory",
     .type = OPTION_BYTES,
     .fallback = "4 mb",
     .minimum = 1024,
     .maximum = INT64_MAX,
     .doc = "Bytes that may wait in one channel between two workers."},
    {.name = "execution.runtime-mode",
     .type = OPTION_ENUM,
     .values = "STREAMING|BATCH",
     .fallback = "STREAMING",
     .doc = "BATCH runs bounded inputs to their end and shows only the final result."},
    {.name = "execution.state-memory-limit",
     .type = OPTION_BYTES,
     .minimum = 1,
     .maximum = INT64_MAX,
     .doc = "Bytes of state the job may keep; past it the job ends with an error, and its last "
            "checkpoint stays."},
    {.name = "execution.state-recovery.ignore-unclaimed-state",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Goes on without the state of INSERTs that the job no longer has; changed ones begin "
            "anew."},
    {.name = "execution.state-recovery.path",
     .type = OPTION_TEXT,
     .doc = "Checkpoint database to start from instead of the job's own."},
    {.name = "execution.checkpointing.savepoint-dir",
     .type = OPTION_TEXT,
     .doc = "Where STOP JOB … WITH SAVEPOINT puts its files."},
    {.name = "parallelism.default",
     .type = OPTION_INTEGER,
     .fallback = "1",
     .minimum = 1,
     .maximum = 128,
     .doc = "Copies of each operator that work beside each other."},
    {.name = "pipeline.auto-watermark-interval",
     .type = OPTION_DURATION,
     .fallback = "200 ms",
     .doc = "Time between two watermarks of a source; 0 makes one with each row that raises it."},
    {.name = "pipeline.max-parallelism",
     .type = OPTION_INTEGER,
     .fallback = "128",
     .minimum = 1,
     .maximum = 32768,
     .doc = "Key groups state is split into: the bound of parallelism for a job's whole life."},
    {.name = "pipeline.name",
     .type = OPTION_TEXT,
     .doc = "Name of the job, by which it finds its checkpoints; default: the file's name."},
    {.name = "restart-strategy.exponential-delay.backoff-multiplier",
     .type = OPTION_DOUBLE,
     .fallback = "1.5",
     .doc = "Factor from one delay to the next."},
    {.name = "restart-strategy.exponential-delay.attempts-before-reset-backoff",
     .type = OPTION_INTEGER,
     .minimum = 1,
     .maximum = INT32_MAX,
     .doc = "Restarts before the job ends with the error; default: no end."},
    {.name = "restart-strategy.exponential-delay.initial-backoff",
     .type = OPTION_DURATION,
     .fallback = "1 s",
     .doc = "Delay before the first restart."},
    {.name = "restart-strategy.exponential-delay.jitter-factor",
     .type = OPTION_DOUBLE,
     .fallback = "0.1",
     .doc = "Share of a delay that is left to chance."},
    {.name = "restart-strategy.exponential-delay.max-backoff",
     .type = OPTION_DURATION,
     .fallback = "1 min",
     .doc = "Longest delay."},
    {.name = "restart-strategy.exponential-delay.reset-backoff-threshold",
     .type = OPTION_DURATION,
     .fallback = "1 h",
     .doc = "After this long without failure the delays start over."},
    {.name = "restart-strategy.fixed-delay.attempts",
     .type = OPTION_INTEGER,
     .fallback = "1",
     .minimum = 0,
     .maximum = INT32_MAX,
     .doc = "Restarts before the job ends with the error."},
    {.name = "restart-strategy.fixed-delay.delay",
     .type = OPTION_DURATION,
     .fallback = "1 s",
     .doc = "Delay before each restart."},
    {.name = "restart-strategy.type",
     .type = OPTION_ENUM,
     .values = "none|off|disable|fixed-delay|fixeddelay|exponential-delay|exponentialdelay",
     .doc =
         "What happens after a failure; default: exponential-delay with checkpoints, else none."},
    {.name = "sql-client.execution.result-mode",
     .type = OPTION_ENUM,
     .values = "TABLEAU|CHANGELOG",
     .fallback = "TABLEAU",
     .doc = "How the shell prints a SELECT."},
    {.name = "state.backend.type",
     .type = OPTION_ENUM,
     .values = "hashmap",
     .fallback = "hashmap",
     .doc = "Where state lives while the job runs."},
    {.name = "table.display.max-column-width",
     .type = OPTION_INTEGER,
     .fallback = "30",
     .minimum = 4,
     .maximum = 100000,
     .doc = "Widest a column of text is printed."},
    {.name = "table.dml-sync",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether INSERT waits for its job to end."},
    {.name = "table.exec.async-lookup.buffer-capacity",
     .type = OPTION_INTEGER,
     .fallback = "100",
     .minimum = 1,
     .maximum = 100000,
     .doc = "Lookups of one lookup join and worker that are under way at once; each asks for some "
            "hundred keys."},
    {.name = "table.exec.async-lookup.output-mode",
     .type = OPTION_ENUM,
     .values = "ORDERED|ALLOW_UNORDERED",
     .fallback = "ORDERED",
     .doc = "Whether rows that are only inserted may pass others whose lookup takes longer."},
    {.name = "table.exec.async-lookup.timeout",
     .type = OPTION_DURATION,
     .fallback = "3 min",
     .minimum = 1,
     .maximum = INT64_MAX / 1000000,
     .doc = "The longest a row may wait for its lookup; then the job fails."},
    {.name = "table.exec.emit.allow-lateness",
     .type = OPTION_DURATION,
     .maximum = INT64_MAX / 1000000,
     .doc = "How long after its end a TUMBLE or HOP of GROUP BY takes late rows, which change its "
            "result; default: table.exec.state.ttl with late-fire.enabled, else not at all."},
    {.name = "table.exec.emit.early-fire.delay",
     .type = OPTION_DURATION,
     .maximum = INT64_MAX / 1000000,
     .doc = "How often, from its first row on, a window is given before its end; 0: with every "
            "row. Needed with early-fire.enabled."},
    {.name = "table.exec.emit.early-fire.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether a TUMBLE or HOP of GROUP BY is given before its end, and then updated."},
    {.name = "table.exec.emit.late-fire.delay",
     .type = OPTION_DURATION,
     .maximum = INT64_MAX / 1000000,
     .doc = "How often, from the first late row on, a window is given after its end; 0: with "
            "every late row. Needed with late-fire.enabled."},
    {.name = "table.exec.emit.late-fire.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether late-fire.delay says how often late rows update a window."},
    {.name = "table.exec.interval-join.min-cleanup-interval",
     .type = OPTION_DURATION,
     .fallback = "0 ms",
     .doc = "How much longer than it must an interval join keeps its rows."},
    {.name = "table.exec.mini-batch.allow-latency",
     .type = OPTION_DURATION,
     .fallback = "0 ms",
     .doc = "The longest a change waits for others in a bundle; needed with mini-batch.enabled."},
    {.name = "table.exec.mini-batch.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether GROUP BY, joins, last rows and upserts tell a bundle as one change per key."},
    {.name = "table.exec.mini-batch.size",
     .type = OPTION_INTEGER,
     .fallback = "-1",
     .minimum = -1,
     .maximum = 1000000000,
     .doc = "The most changes that wait in a bundle; needed with mini-batch.enabled."},
    {.name = "table.exec.late-rows.table",
     .type = OPTION_TEXT,
     .doc = "Table that gets the rows that come too late, with columns operator, watermark and "
            "row; without it they are only counted."},
    {.name = "table.exec.sink.not-null-enforcer",
     .type = OPTION_ENUM,
     .values = "ERROR|DROP",
     .fallback = "ERROR",
     .doc = "What a NULL in a NOT NULL column of a sink does: fail the job or drop the row."},
    {.name = "table.exec.sink.require-on-conflict",
     .type = OPTION_BOOLEAN,
     .fallback = "true",
     .doc = "Whether INSERT needs ON CONFLICT when the query's key is not the sink's."},
    {.name = "table.exec.sink.type-length-enforcer",
     .type = OPTION_ENUM,
     .values = "IGNORE|TRIM_PAD|ERROR",
     .fallback = "IGNORE",
     .doc =
         "What a text or bytes do that are not as long as the CHAR, VARCHAR, BINARY or VARBINARY "
         "column of a sink: go as they are, be cut off or filled up, or fail the job."},
    {.name = "table.exec.sink.upsert-materialize",
     .type = OPTION_ENUM,
     .values = "AUTO|NONE|FORCE",
     .fallback = "AUTO",
     .doc = "When a sink's changes are put in order by its primary key first."},
    {.name = "table.exec.source.bad-rowtime",
     .type = OPTION_ENUM,
     .values = "FAIL|DROP",
     .fallback = "FAIL",
     .doc = "What a row without usable event time does: end the job, or be a late row; the table "
            "option scan.watermark.bad-rowtime sets it for one table."},
    {.name = "table.exec.source.cdc-events-duplicate",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether sources may repeat changes, so that they are normalized by primary key."},
    {.name = "table.exec.source.idle-timeout",
     .type = OPTION_DURATION,
     .fallback = "0 ms",
     .doc = "After this long without a row others do not wait for a source's watermark; 0: they "
            "always do."},
    {.name = "table.exec.state.ttl",
     .type = OPTION_DURATION,
     .fallback = "0 ms",
     .doc = "State that was not written for so long is forgotten; 0 keeps it for ever. STATE_TTL "
            "sets it for one input."},
    {.name = "table.local-time-zone",
     .type = OPTION_TEXT,
     .fallback = "default",
     .doc = "Zone of TIMESTAMP_LTZ values in text: an IANA name, UTC or an offset."},
    {.name = "table.optimizer.agg-phase-strategy",
     .type = OPTION_ENUM,
     .values = "AUTO|ONE_PHASE|TWO_PHASE",
     .fallback = "AUTO",
     .doc = "Whether GROUP BY adds rows up before they travel to their worker, which needs "
            "mini-batch, a bounded run or windows; AUTO: when there are several workers."},
    {.name = "table.optimizer.distinct-agg.split.bucket-num",
     .type = OPTION_INTEGER,
     .fallback = "1024",
     .minimum = 1,
     .maximum = 1000000,
     .doc = "Parts that each group's different values are kept in, with split.enabled."},
    {.name = "table.optimizer.distinct-agg.split.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether the values of DISTINCT aggregates of one group are spread over all workers; "
            "needs mini-batch or a bounded run."},
    {.name = "table.optimizer.multi-join.enabled",
     .type = OPTION_ENUM,
     .values = "AUTO|TRUE|FALSE",
     .fallback = "AUTO",
     .doc = "Whether joins on one key become one operator that keeps the rows of its inputs only; "
            "AUTO: inner joins."},
    {.name = "table.optimizer.non-deterministic-update.strategy",
     .type = OPTION_ENUM,
     .values = "TRY_RESOLVE|IGNORE",
     .fallback = "TRY_RESOLVE",
     .doc =
         "Whether a lookup join keeps what it found for a row that may change, to take back just "
         "that; IGNORE looks up again."},
    {.name = NULL},
};

#define CONFIG_OPTIONS (array_count(specs) - 1)

struct Config {
    char *values[CONFIG_OPTIONS];   /* set by the user */
    char *defaults[CONFIG_OPTIONS]; /* replaced defaults */
};

const OptionSpec *config_specs(void)
{
    return specs;
}

static int64_t config_find(const char *key)
{
    for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
        if (strcmp(specs[i].name, key) == 0)
            return (int64_t)i;
    }
    return -1;
}

static bool config_unknown(const char *key, Error *error)
{
    const char *names[CONFIG_OPTIONS];
    for (size_t i = 0; i < CONFIG_OPTIONS; i++)
        names[i] = specs[i].name;
    error_set(error, ERROR_OPTION, "configuration option \"%s\" does not exist", key);
    const char *nearest = str_nearest(key, names, CONFIG_OPTIONS);
    if (nearest != NULL)
        return error_hint(error, "Did you mean \"%s\"?", nearest);
    return error_hint(error, "SET; lists the options there are.");
}

bool config_set(Config *config, const char *key, const char *value, Error *error)
{
    int64_t index = config_find(key);
    if (index < 0)
        return config_unknown(key, error);
    if (!option_check_value(&specs[index], key, value, error))
        return false;
    memory_free(config->values[index]);
    config->values[index] = memory_strdup(value);
    return true;
}

bool config_reset(Config *config, const char *key, Error *error)
{
    int64_t index = key == NULL ? 0 : config_find(key);
    if (index < 0)
        return config_unknown(key, error);
    size_t from = (size_t)index;
    size_t to = key == NULL ? CONFIG_OPTIONS : from + 1;
    for (size_t i = from; i < to; i++) {
        memory_free(config->values[i]);
        config->values[i] = NULL;
    }
    return true;
}

void config_set_default(Config *config, const char *key, const char *value)
{
    int64_t index = config_find(key);
    assert(index >= 0);
    memory_free(config->defaults[index]);
    config->defaults[index] = memory_strdup(value);
}

const char *config_get(const Config *config, const char *key)
{
    int64_t index = config_find(key);
    if (index < 0)
        return NULL;
    if (config->values[index] != NULL)
        return config->values[index];
    return config->defaults[index] != NULL ? config->defaults[index] : specs[index].fallback;
}

bool config_is_set(const Config *config, const char *key)
{
    int64_t index = config_find(key);
    return index >= 0 && config->values[index] != NULL;
}

bool config_boolean(const Config *config, const char *key)
{
    bool value = false;
    const char *text = config_get(config, key);
    return text != NULL && option_parse_boolean(text, &value) && value;
}

int64_t config_integer(const Config *config, const char *key)
{
    int64_t value = 0;
    const char *text = config_get(config, key);
    return text != NULL && option_parse_integer(text, &value) ? value : 0;
}

int64_t config_duration_ms(const Config *config, const char *key)
{
    int64_t value = 0;
    const char *text = config_get(config, key);
    return text != NULL && option_parse_duration_ms(text, &value) ? value : 0;
}

int64_t config_bytes(const Config *config, const char *key)
{
    int64_t value = 0;
    const char *text = config_get(config, key);
    return text != NULL && option_parse_bytes(text, &value) ? value : 0;
}

double config_double(const Config *config, const char *key)
{
    const char *text = config_get(config, key);
    return text != NULL ? strtod(text, NULL) : 0;
}

Config *config_new(void)
{
    return memory_zalloc(sizeof(Config));
}

void config_free(Config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
        memory_free(config->values[i]);
        memory_free(config->defaults[i]);
    }
    memory_free(config);
}
