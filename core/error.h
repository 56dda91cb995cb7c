/* What went wrong, where, and what to do about it.
 *
 * A function that can fail returns bool or a pointer and takes `Error *error` last. On failure it
 * has filled the error exactly once; on success it has not touched it. An Error is plain memory:
 * it may be copied by assignment and owns nothing.
 *
 * Wording follows PostgreSQL's style guide: message in lower case without full stop, names in
 * double quotes, "could not" where a retry may help and "cannot" where it never will; detail and
 * hint are sentences; the hint says what to do. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include "core/base.h"

struct Buffer;

typedef enum ErrorCode {
    ERROR_NONE = 0,
    ERROR_SYNTAX,      /* the text is not in the language */
    ERROR_NAME,        /* a table, column, function, … that does not exist, or exists already */
    ERROR_TYPE,        /* types do not fit */
    ERROR_OPTION,      /* an option is not known, missing or has a bad value */
    ERROR_UNSUPPORTED, /* understood and refused; the hint names the nearest thing that works */
    ERROR_DATA,        /* a value met while running: division by zero, failed cast, malformed row */
    ERROR_SCHEMA,      /* a captured table no longer fits its declaration */
    ERROR_IO,          /* files, disks */
    ERROR_NETWORK,     /* the other side cannot be reached or went away; worth a retry */
    ERROR_BUSY,        /* something else holds it for now: a lock, all connections; worth a retry */
    ERROR_ACCESS,      /* wrong password, missing privilege */
    ERROR_POSITION,    /* a position asked for is not available any more */
    ERROR_STATE,       /* a checkpoint that is corrupt or does not fit the job */
    ERROR_LIMIT,       /* a bound of the engine or a limit set by the user was reached */
    ERROR_CANCELLED,   /* the user asked to stop */
    ERROR_INTERNAL     /* a bug in Weir */
} ErrorCode;

typedef struct Error {
    ErrorCode code;
    char message[1024];
    char detail[1024];
    char hint[1024];
    /* Place in the statement: byte offset and length, -1 where there is none. The session turns it
     * into line, column and caret, since it alone has the text. */
    int64_t sql_offset;
    int64_t sql_length;
    /* Place elsewhere, already worded: "orders.csv:17", "binlog mysql-bin.000003:4711". */
    char place[512];
} Error;

/* Starts an error: code and message, everything else empty. Returns false, so that
 * `return error_set(error, …);` reads well. A NULL error is allowed and ignored. */
bool error_set(Error *error, ErrorCode code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Adds to an error that error_set has started; each returns false. */
bool error_detail(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);
bool error_hint(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);
bool error_place(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Names the place in the statement unless a more exact one is there already. */
bool error_at(Error *error, int64_t sql_offset, int64_t sql_length);

/* Puts words before the message: "table \"orders\": …". Returns false. */
bool error_prefix(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);

void error_clear(Error *error);

/* Whether doing the same again later may succeed: what was away comes back, what was held is free.
 */
bool error_retryable(const Error *error);

/* "syntax", "name", …: stable words for scripts and tests. */
const char *error_code_name(ErrorCode code);

/* Appends message, place, detail and hint, a line each, no trailing newline. */
void error_print(const Error *error, struct Buffer *out);

#endif
