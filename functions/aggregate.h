/* Aggregate functions: state in place, a whole batch of changes per call.
 *
 * An aggregate's state is a fixed number of bytes inside its group's record in a state table, all
 * zero when empty. Strings in it are StringViews whose long text belongs to the state table; the
 * aggregate says at which offsets they lie and replaces them through AggregateMemory.
 *
 * An update walks the rows in order and can write, for every row, the aggregate's value before and
 * after that row: so a group that changes twice in a batch still shows each step, and the operator
 * needs no call per row. */
#ifndef FUNCTIONS_AGGREGATE_H
#define FUNCTIONS_AGGREGATE_H

#include "functions/function.h"

/* Replaces a string in state: gives back the old text's memory, keeps a copy of the new. */
typedef struct AggregateMemory {
    void (*assign)(struct AggregateMemory *memory, StringView *slot, Str value);
} AggregateMemory;

typedef struct AggregateUpdate {
    const Vector *const *args;
    uint32_t row_count;
    uint8_t *const *states; /* states[i]: this aggregate's bytes in the group of row i; aligned to 8
                               (128-bit values are read with memcpy) */
    const uint8_t *kinds;   /* change kinds; NULL: all +I */
    const uint8_t *active;  /* rows that count for it (FILTER, DISTINCT); NULL: all */
    /* Rows in the group of row i after row i; at 0 the state goes back to empty. NULL when the
     * input cannot retract. */
    const int64_t *group_rows;
    Vector *before; /* where to write the value before row i, and after it; NULL: not wanted */
    Vector *after;
    AggregateMemory *memory;
    Arena *arena; /* of the output batch: long strings in before and after are copied there */
    const void *data;
} AggregateUpdate;

typedef struct AggregateFunction AggregateFunction;

/* Values that the operator keeps for an aggregate, in the order they came. */
typedef enum AggregateKeeps {
    AGGREGATE_KEEPS_NONE,
    AGGREGATE_KEEPS_FIRST, /* the answer is made of the first */
    AGGREGATE_KEEPS_LAST,
    AGGREGATE_KEEPS_ALL
} AggregateKeeps;

typedef struct BoundAggregate {
    const AggregateFunction *function;
    const Type *result;
    const Type **argument_types;
    uint32_t argument_count;
    uint32_t state_bytes;           /* a multiple of 8 */
    const uint32_t *string_offsets; /* where StringViews lie in the state */
    uint32_t string_count;
    bool (*update)(const AggregateUpdate *update, Error *error);
    /* Current values: row i of out from states[i]; false with an error when one cannot be made. */
    bool (*result_of)(const void *data, uint8_t *const *states, uint32_t count, Vector *out,
                      Arena *arena, Error *error);
    /* Adds the state `from`, whose rows came later, to `to`; false with an error when the result
     * cannot be kept. Not for DISTINCT: two sets may share values. */
    bool (*merge)(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                  Error *error);
    /* A state of rows that came and went, not all of them this state's own, may be merged too: what
     * it holds adds up to the difference they make. */
    bool merges_changes;
    /* Rows are better not joined to states before they meet their group: it would take longer. */
    bool merges_slowly;
    /* Merged, states give a result that may differ in its last digits: sums are rounded. */
    bool merge_rounds;
    /* With retracting input the value cannot be kept in place: the operator keeps the argument's
     * values in order and answers with the first (MIN) or last (MAX). `update` then serves only
     * insert-only input. */
    bool ordered_when_retracting;
    bool ordered_last;
    /* The value cannot be kept in place: the operator keeps the first argument's values in the
     * order they came and `make` makes row `row` of `out` from the first, the last or all of them;
     * a retraction takes the first of equal ones. `update` and `result_of` are not used. */
    AggregateKeeps keeps;
    bool keeps_nulls;
    bool (*make)(const void *data, const Vector *values, uint32_t count, Vector *out, uint32_t row,
                 Arena *arena, Error *error);
    const void *data;
} BoundAggregate;

struct AggregateFunction {
    const char *name;
    const char *signature;
    /* `retracting`: the input may contain -U and -D. */
    bool (*bind)(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                 BoundAggregate *out, Error *error);
    unsigned flags;
    const char *doc;
};

typedef struct AggregateFamily {
    const AggregateFunction *functions; /* ends with a name of NULL */
} AggregateFamily;

/* For callers that only update states: what must keep values is refused. */
bool aggregate_bind(const char *name, const FunctionSite *site, bool retracting,
                    BoundAggregate *out, Error *error) MUST_CHECK;
/* The same, but what must keep all values keeps them in its state, while rows only come. */
bool aggregate_bind_in_state(const char *name, const FunctionSite *site, bool retracting,
                             BoundAggregate *out, Error *error) MUST_CHECK;
/* For those that keep values where out->keeps says so. */
bool aggregate_bind_keeping(const char *name, const FunctionSite *site, bool retracting,
                            BoundAggregate *out, Error *error) MUST_CHECK;
/* Has SUM and AVG of FLOAT and DOUBLE keep their sum exactly, so that values can be taken away and
 * leave what was there before, and round it once; false: it is another function or type. */
bool aggregate_make_exact(BoundAggregate *bound);
/* Whether a function of that name aggregates. COUNT(*) binds as COUNT without arguments. */
bool aggregate_exists(const char *name);
const AggregateFunction *aggregate_at(uint32_t index);

#endif
