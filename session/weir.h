/* Weir's C API: open a session, execute SQL, look at what comes back.
 *
 * A session belongs to one thread at a time, except weir_interrupt. Jobs run on threads of their
 * own; callbacks come from those threads, one at a time per statement.
 *
 * Every string handed out is UTF-8. Functions that can fail return a WeirStatus and leave the
 * message in the session (weir_error_message); nothing is printed. */
#ifndef SESSION_WEIR_H
#define SESSION_WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

typedef struct WeirSession WeirSession;
typedef struct WeirResult WeirResult;

typedef enum WeirStatus { WEIR_OK = 0, WEIR_ERROR = 1, WEIR_INTERRUPTED = 2 } WeirStatus;

/* Change kinds of result rows. */
typedef enum WeirChange {
    WEIR_INSERT = 0,
    WEIR_UPDATE_BEFORE = 1,
    WEIR_UPDATE_AFTER = 2,
    WEIR_DELETE = 3
} WeirChange;

/* The version, "0.1.0". */
WEIR_API const char *weir_version(void);

/* Sets malloc's thresholds for the whole process, so that memory of batches stays with it. */
WEIR_API WeirSession *weir_open(void);
/* Cancels what still runs; results that were not freed have no more rows. */
WEIR_API void weir_close(WeirSession *session);

/* ------------------------------------------------------------ configuration */

/* As SET 'key' = 'value'. */
WEIR_API WeirStatus weir_set(WeirSession *session, const char *key, const char *value);
/* The value in force, NULL when the key is not known or has none; valid until the next call. */
WEIR_API const char *weir_get(WeirSession *session, const char *key);

/* Name of the jobs while pipeline.name is not set: the file's name, for a program that runs files.
 */
WEIR_API void weir_default_name(WeirSession *session, const char *name);
/* Jobs started from now on forget the checkpoints they find. */
WEIR_API void weir_start_fresh(WeirSession *session, bool fresh);

/* Text of print tables, and notices ("restored from epoch 7"); NULL restores the default, which is
 * the process's standard output and error. */
typedef void (*WeirTextCallback)(void *user, const char *text, size_t length, bool standard_error);
WEIR_API void weir_on_text(WeirSession *session, WeirTextCallback callback, void *user);
typedef void (*WeirNoticeCallback)(void *user, const char *text);
WEIR_API void weir_on_notice(WeirSession *session, WeirNoticeCallback callback, void *user);

/* ---------------------------------------------------------------- functions */

/* A scalar function of your own, declared in weir_function.h, for the statements that follow.
 * Copies what it is given but for `user`, which `destroy` (may be NULL) gets when the session
 * closes. A name may be given several functions with different signatures. */
struct WeirFunction;
WEIR_API WeirStatus weir_add_function(WeirSession *session, const struct WeirFunction *function,
                                      void (*destroy)(void *user));

/* --------------------------------------------------------------- statements */

/* Finds the next statement of a script at or after *offset. 1: [*start, *end) is one, *offset moved
 * behind it. 0: no more. -1: it has begun but its semicolon has not come. */
WEIR_API int weir_next_statement(const char *script, size_t length, size_t *offset, size_t *start,
                                 size_t *end);

/* Executes one statement (without its semicolon) of a script and gives its result; the whole script
 * is passed so that errors name the right line. `file` words those errors; NULL: none. A query or
 * INSERT has started when this returns: read the result to follow it. The caller frees the result;
 * with `result` NULL it is freed at once. */
WEIR_API WeirStatus weir_execute(WeirSession *session, const char *script, size_t length,
                                 size_t start, size_t end, const char *file, WeirResult **result);

/* The same for a text that is one statement. */
WEIR_API WeirStatus weir_execute_text(WeirSession *session, const char *sql, WeirResult **result);

/* Whether the statement would start a query or a job; false too when it cannot be parsed. */
WEIR_API bool weir_starts_job(const char *script, size_t length, size_t start, size_t end);

/* Asks the running statement to stop; from any thread or a signal handler. `cancel`: at once, else
 * after a last checkpoint. */
WEIR_API void weir_interrupt(WeirSession *session, bool cancel);

/* The last error, formatted with place, line, caret and hint; "" when there is none. */
WEIR_API const char *weir_error_message(WeirSession *session);
/* Its stable word ("syntax", "name", "network", …). */
WEIR_API const char *weir_error_code(WeirSession *session);

/* ------------------------------------------------------------------ results */

/* What asks for a column that is not there, or for a value while there is no row, gets NULL or 0:
 * of weir_text the text "NULL". */

typedef enum WeirResultKind {
    WEIR_RESULT_DONE,  /* nothing to show: CREATE, SET, … */
    WEIR_RESULT_ROWS,  /* rows of SHOW, DESCRIBE, EXPLAIN; ends by itself */
    WEIR_RESULT_QUERY, /* changes of a running SELECT */
    WEIR_RESULT_JOB,   /* a running INSERT or statement set; no rows */
    WEIR_RESULT_HELP,  /* the shell's HELP, QUIT, CLEAR: for the client to do */
    WEIR_RESULT_QUIT,
    WEIR_RESULT_CLEAR
} WeirResultKind;

WEIR_API WeirResultKind weir_result_kind(const WeirResult *result);
WEIR_API uint32_t weir_column_count(const WeirResult *result);
WEIR_API const char *weir_column_name(const WeirResult *result, uint32_t column);
/* As SQL: "BIGINT", "DECIMAL(10, 2)". */
WEIR_API const char *weir_column_type(const WeirResult *result, uint32_t column);
/* Width Flink's tableau gives the column, by its type. */
WEIR_API uint32_t weir_column_width(const WeirResult *result, uint32_t column);
WEIR_API bool weir_result_is_bounded(const WeirResult *result);

typedef enum WeirStep {
    WEIR_STEP_ROW,  /* a row is there */
    WEIR_STEP_IDLE, /* none came within the timeout; ask again */
    WEIR_STEP_END,  /* there will be no more */
    WEIR_STEP_ERROR /* the job failed; see weir_error_message */
} WeirStep;

/* Moves to the next row. A negative timeout waits for ever; for a JOB result it waits for the end.
 */
WEIR_API WeirStep weir_next(WeirResult *result, int64_t timeout_ms);
WEIR_API WeirChange weir_row_change(const WeirResult *result);
WEIR_API bool weir_is_null(const WeirResult *result, uint32_t column);
/* The value as text, as Flink's shell prints it; valid until the next weir_next. */
WEIR_API const char *weir_text(const WeirResult *result, uint32_t column, size_t *length);
/* Numbers without a detour through text: integers, dates (days), times (ms), timestamps
 * (microseconds); FLOAT and DOUBLE. 0 for other types. */
WEIR_API int64_t weir_int64(const WeirResult *result, uint32_t column);
WEIR_API double weir_double(const WeirResult *result, uint32_t column);

/* Calls back for every change until the query ends; the row is valid during the call. Return false
 * to cancel, which gives INTERRUPTED. */
typedef bool (*WeirRowCallback)(void *user, const WeirResult *row);
WEIR_API WeirStatus weir_each(WeirResult *result, WeirRowCallback callback, void *user);

/* Frees the result; a query that still runs is cancelled, a job goes on in the background. */
WEIR_API void weir_result_free(WeirResult *result);

/* --------------------------------------------------------------------- jobs */

typedef struct WeirJobStatus {
    char id[40];
    char name[256];
    char state[16]; /* RUNNING, RESTARTING, FINISHED, STOPPED, CANCELLED, FAILED */
    uint64_t rows_in, rows_out;
    bool snapshot;
    double snapshot_percent, snapshot_seconds_left, seconds_behind; /* negative: not known */
    uint64_t rows_skipped;
    uint64_t state_bytes;
    uint64_t checkpoint_epoch;
    double checkpoint_seconds_ago; /* negative: none yet */
    double checkpoint_pause_ms;    /* the longest time a worker stood still for it */
    uint64_t checkpoint_bytes;     /* what it wrote */
    uint32_t restarts;
    double restart_seconds_left; /* while RESTARTING, until the next try; negative: not waiting */
    char position[256];
    uint64_t late_rows;              /* came too late for what an operator does */
    char watermark[64];              /* how far event time has come; "" without one */
    char watermark_table[128];       /* whose rows hold it there */
    char watermark_split[128];       /* which of its files; "" where there are no several */
    double watermark_stands_seconds; /* for how long it has not moved */
} WeirJobStatus;

/* Status of the job behind a QUERY or JOB result. */
WEIR_API WeirStatus weir_result_status(WeirResult *result, WeirJobStatus *status);
/* The session's jobs, running and ended, of the latter the last hundred at least; returns how many
 * there are. */
WEIR_API uint32_t weir_jobs(WeirSession *session, WeirJobStatus *out, uint32_t capacity);
/* Waits until every job of the session has ended (OK) or one has failed (ERROR, once per job);
 * INTERRUPTED when the timeout passed first. A pending weir_interrupt goes to all jobs. */
WEIR_API WeirStatus weir_wait(WeirSession *session, int64_t timeout_ms);

/* ------------------------------------------------------- feeding by hand */

/* Tables with 'connector' = 'feed' take rows from here, in the literal form "+I[1, Ann, NULL]", one
 * a line; the -U and +U of an update belong into one call. They go, as one batch, to every running
 * query that reads the table.
 *
 * Nothing of this is remembered for later queries. A job that goes on from a checkpoint has what
 * was given before it, an end included; what was given after it has to be given again. */
WEIR_API WeirStatus weir_feed(WeirSession *session, const char *table, const char *rows);
WEIR_API WeirStatus weir_feed_end(WeirSession *session, const char *table);
/* The watermark of a table declared with SOURCE_WATERMARK(), in microseconds since 1970 (of the
 * local clock where the event time is TIMESTAMP). */
WEIR_API WeirStatus weir_feed_watermark(WeirSession *session, const char *table,
                                        int64_t watermark_us);
/* From the first call on, time stands still for the session's jobs and moves, forward, only with
 * further calls: microseconds since 1970 in UTC. Before the first job is started. */
WEIR_API void weir_set_clock(WeirSession *session, int64_t now_us);
/* Returns when everything fed has arrived in the results. */
WEIR_API WeirStatus weir_settle(WeirSession *session);

/* ------------------------------------------------------------ introspection */

typedef struct WeirEntry {
    const char *name;
    const char *signature; /* of functions */
    const char *category;
    const char *doc;
    char type[64]; /* of metadata columns: what signature points at */
} WeirEntry;

/* Functions, connectors, formats by number from 0; false past the last. */
WEIR_API bool weir_function_at(uint32_t index, WeirEntry *entry);
WEIR_API bool weir_connector_at(uint32_t index, WeirEntry *entry);
WEIR_API bool weir_format_at(uint32_t index, WeirEntry *entry);
/* Option `option` of a connector or format, or of the configuration (owner NULL). `signature` is
 * type and default. */
WEIR_API bool weir_option_at(const char *owner, uint32_t option, WeirEntry *entry);
/* Metadata column `column` of a connector; `signature` is its type. */
WEIR_API bool weir_metadata_at(const char *connector, uint32_t column, WeirEntry *entry);

#ifdef __cplusplus
}
#endif

#endif
