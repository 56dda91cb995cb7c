/* Scalar functions of your own, in C.
 *
 * A function computes a whole batch of rows in one call: it loops over call->row_count rows, reads
 * its arguments and sets a result for each. A program registers functions with weir_add_function
 * (weir.h); a shared library exports weir_library, and SQL loads it:
 *
 *     CREATE FUNCTION count_char AS 'count_char' LANGUAGE C USING LIBRARY 'count_char.so';
 *
 * This header stands alone and needs no library to link with: what a function needs of Weir is
 * reached through call->host.
 *
 * Threads: every worker of every job calls a function, at the same time. It keeps nothing between
 * calls but what `user` holds, and guards that itself.
 *
 * How values lie in `values` of an argument, and in `results`, by the type of the signature:
 *
 *     BOOLEAN                           uint8_t, 0 or 1
 *     TINYINT SMALLINT INT BIGINT       int8_t int16_t int32_t int64_t
 *     FLOAT DOUBLE                      float double
 *     STRING BYTES                      WeirString; STRING holds UTF-8
 *     DECIMAL(p, s)                     the value times 10^s: int64_t up to p = 18, else __int128
 *     DATE                              int32_t, days since 1970-01-01
 *     TIME                              int32_t, milliseconds of the day
 *     TIMESTAMP(p) TIMESTAMP_LTZ(p)     int64_t, microseconds since 1970-01-01 00:00 (of the local
 *                                       clock; of UTC for _LTZ); above p = 6 __int128, nanoseconds
 *     INTERVAL YEAR TO MONTH            int32_t, months
 *     INTERVAL DAY TO SECOND            int64_t, milliseconds
 */
#ifndef FUNCTIONS_WEIR_FUNCTION_H
#define FUNCTIONS_WEIR_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the structs below; a library made for another is refused. */
#define WEIR_FUNCTION_ABI 1

/* Text or bytes: up to 12 bytes in place, behind the length; longer ones are pointed to, and their
 * first 4 bytes stand in `start` as well. Bytes behind a short one are zero. */
typedef struct WeirString {
    uint32_t length;
    char start[4];
    union {
        char rest[8];
        const char *pointer;
    } tail;
} WeirString;

typedef struct WeirText {
    const char *data; /* not terminated */
    size_t length;
} WeirText;

/* An argument: a value per row, or one for all of them. */
typedef struct WeirColumn {
    const void *values;
    const uint64_t *valid; /* bit per row, from the lowest: it has a value; NULL: all have */
    bool is_constant;      /* row 0 counts for every row */
} WeirColumn;

typedef struct WeirHost WeirHost;

/* One batch to compute. */
typedef struct WeirCall {
    const WeirHost *host;
    void *user; /* of the WeirFunction */
    uint32_t argument_count;
    uint32_t row_count;
    const uint32_t *rows; /* the numbers of the rows, ascending; NULL: 0 to row_count - 1 */
    const WeirColumn *arguments;
    void *results; /* indexed by row number; zero before the call */
} WeirCall;

struct WeirHost {
    /* Memory for what results point to; it lives as long as they do. */
    void *(*allocate)(WeirCall *call, size_t bytes);
    /* The row's result is NULL. */
    void (*set_null)(WeirCall *call, uint32_t row);
    /* The row cannot be computed: ends the job with the message, lower case, without full stop.
     * Returns false, for the function to return. */
    bool (*fail_row)(WeirCall *call, uint32_t row, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
};

enum {
    /* May give different results for the same arguments: it is called for every row. What is not
     * is computed once where all its arguments are constants, maybe when the statement is planned.
     */
    WEIR_NOT_DETERMINISTIC = 1,
    /* Is called for rows with NULL arguments too. Of others the result is NULL there. */
    WEIR_TAKES_NULL = 2
};

typedef struct WeirFunction {
    const char *name;
    /* Flink's types: "(STRING, BIGINT) -> DOUBLE". Behind a parameter `?` says that it may be left
     * out, `...` that it may come once or more; both stand at the end. NOT NULL at a parameter
     * refuses arguments that may be NULL; at the result it says that the function gives none.
     * ARRAY, MAP, MULTISET and ROW are not taken. A name with several functions has several
     * signatures; the first that fits is called. */
    const char *signature;
    bool (*compute)(WeirCall *call);
    unsigned flags;
    const char *doc; /* a sentence; NULL: none */
    void *user;      /* handed to every call */
} WeirFunction;

/* What a library exports, as `const WeirLibrary weir_library = {WEIR_FUNCTION_ABI, functions};` */
typedef struct WeirLibrary {
    uint32_t abi;                  /* WEIR_FUNCTION_ABI */
    const WeirFunction *functions; /* the last has name NULL */
} WeirLibrary;
#define WEIR_EXPORT __attribute__((visibility("default")))
extern WEIR_EXPORT const WeirLibrary weir_library;

/* ------------------------------------------------------------- reading and writing */

/* The number of the i-th row to compute. */
static inline uint32_t weir_call_row(const WeirCall *call, uint32_t i)
{
    return call->rows == NULL ? i : call->rows[i];
}

static inline bool weir_argument_is_null(const WeirCall *call, uint32_t argument, uint32_t row)
{
    const WeirColumn *column = &call->arguments[argument];
    row = column->is_constant ? 0 : row;
    return column->valid != NULL && (column->valid[row / 64] >> (row % 64) & 1) == 0;
}

/* Where the argument's value of that row lies. */
static inline const void *weir_argument(const WeirCall *call, uint32_t argument, uint32_t row,
                                        size_t value_bytes)
{
    const WeirColumn *column = &call->arguments[argument];
    return (const char *)column->values + value_bytes * (column->is_constant ? 0 : row);
}

static inline bool weir_argument_boolean(const WeirCall *call, uint32_t argument, uint32_t row)
{
    return *(const uint8_t *)weir_argument(call, argument, row, sizeof(uint8_t)) != 0;
}
static inline int32_t weir_argument_int(const WeirCall *call, uint32_t argument, uint32_t row)
{
    return *(const int32_t *)weir_argument(call, argument, row, sizeof(int32_t));
}
static inline int64_t weir_argument_bigint(const WeirCall *call, uint32_t argument, uint32_t row)
{
    return *(const int64_t *)weir_argument(call, argument, row, sizeof(int64_t));
}
static inline double weir_argument_double(const WeirCall *call, uint32_t argument, uint32_t row)
{
    return *(const double *)weir_argument(call, argument, row, sizeof(double));
}
/* Borrowed: lasts as long as the call, and in a result of weir_return_borrowed. */
static inline WeirText weir_argument_text(const WeirCall *call, uint32_t argument, uint32_t row)
{
    const WeirString *string =
        (const WeirString *)weir_argument(call, argument, row, sizeof(WeirString));
    WeirText text = {string->length <= 12 ? string->start : string->tail.pointer, string->length};
    return text;
}

static inline void weir_return_null(WeirCall *call, uint32_t row)
{
    call->host->set_null(call, row);
}
static inline void weir_return_boolean(WeirCall *call, uint32_t row, bool value)
{
    ((uint8_t *)call->results)[row] = value ? 1 : 0;
}
static inline void weir_return_int(WeirCall *call, uint32_t row, int32_t value)
{
    ((int32_t *)call->results)[row] = value;
}
static inline void weir_return_bigint(WeirCall *call, uint32_t row, int64_t value)
{
    ((int64_t *)call->results)[row] = value;
}
static inline void weir_return_double(WeirCall *call, uint32_t row, double value)
{
    ((double *)call->results)[row] = value;
}
/* Text that lives as long as the result: part of an argument, of the host's memory, or constant. */
static inline void weir_return_borrowed(WeirCall *call, uint32_t row, const char *data,
                                        size_t length)
{
    WeirString *string = (WeirString *)call->results + row;
    memset(string, 0, sizeof(*string));
    string->length = length <= UINT32_MAX ? (uint32_t)length : UINT32_MAX;
    if (length <= 12) {
        if (length != 0)
            memcpy((char *)string + sizeof(uint32_t), data, length);
        return;
    }
    memcpy(string->start, data, sizeof(string->start));
    string->tail.pointer = data;
}
/* A copy of any text. */
static inline void weir_return_text(WeirCall *call, uint32_t row, const char *data, size_t length)
{
    if (length > 12)
        data = (const char *)memcpy(call->host->allocate(call, length), data, length);
    weir_return_borrowed(call, row, data, length);
}

#ifdef __cplusplus
}
#endif

#endif
