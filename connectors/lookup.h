/* Lookups: the rows of a table that have given keys, asked for while a job runs.
 *
 * A connector that can answer by keys has a LookupClass in its Connector; one whose whole table can
 * be held in memory says so with `lookup_by_scan` and is read through its source. The options
 * below are those of every such table.
 *
 * Threads: one instance is used by one thread at a time. */
#ifndef CONNECTORS_LOOKUP_H
#define CONNECTORS_LOOKUP_H

#include "connectors/connector.h"

/* The options of tables that can be looked up: lookup.cache and the rest. */
extern const OptionSpec lookup_options[];

typedef enum LookupCompare {
    LOOKUP_EQUAL,
    LOOKUP_NOT_EQUAL,
    LOOKUP_LESS,
    LOOKUP_LESS_EQUAL,
    LOOKUP_GREATER,
    LOOKUP_GREATER_EQUAL
} LookupCompare;

/* A comparison of a column with one value of its type, not NULL. */
typedef struct LookupPredicate {
    uint32_t column; /* of the columns that are read */
    LookupCompare compare;
    const Vector *value;
} LookupPredicate;

/* What is asked for. */
typedef struct LookupInfo {
    ScanInfo scan;        /* the columns that are read; no metadata when keys are asked for */
    const uint32_t *keys; /* which of them are keys; none: the predicates choose alone */
    uint32_t key_count;
    /* Rows for which one does not hold may be left out; whoever asks checks them again. */
    const LookupPredicate *predicates;
    uint32_t predicate_count;
} LookupInfo;

typedef struct LookupContext {
    const LookupInfo *info;
    const TimeZone *zone;
    /* Whether the job is to end: a find that takes long asks now and then, and gives up. */
    bool (*stopped)(void *to);
    void *stopped_to;
} LookupContext;

typedef struct Lookup Lookup;

/* Takes the batch over. asked[i] is the row of `keys` that row i was found for; NULL: each row is
 * given once, whichever of them it was found for. */
typedef void (*LookupGive)(void *to, Batch *batch, const uint32_t *asked);

struct LookupClass {
    /* Whether the other side finds every value of the type that equals a key; with `ordered` also
     * whether it compares them as we do. */
    bool (*compares)(const Type *type, bool ordered);
    /* Makes an instance, without I/O. */
    Lookup *(*open)(const LookupContext *context, Error *error);
    /* Gives every row whose keys equal those of a row of `keys`, in batches of the scan's schema;
     * rows beside those do no harm. Columns of `keys` are in the order of info->keys, without NULLs
     * and without two equal rows; without key columns it has one row. NULL: only checks the table
     * and its columns. Connects when it is not connected; after a failure it no longer is. Blocks.
     */
    bool (*find)(Lookup *lookup, const Batch *keys, LookupGive give, void *to, Error *error);
    void (*close)(Lookup *lookup);
};

#endif
