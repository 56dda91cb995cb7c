/* The order of the rows of a partition: their sort keys, and distances between their positions.
 *
 * A sort key is made of the order columns and of the row's arrival, so that no two are the same. */
#ifndef EXECUTOR_OVER_ORDER_H
#define EXECUTOR_OVER_ORDER_H

#include <string.h>

#include "core/str.h"
#include "planner/plan.h"

/* Behind the order columns in a sort key: later of equal rows is larger, and comes behind. */
#define OVER_ARRIVAL_BYTES 8

/* The key of a row without its arrival. */
static inline Str over_order_part(Str sort_key)
{
    return (Str){sort_key.data, sort_key.length - OVER_ARRIVAL_BYTES};
}

static inline void over_write_arrival(Str sort_key, uint64_t arrival)
{
    uint64_t big_endian = __builtin_bswap64(arrival);
    memcpy((char *)(uintptr_t)sort_key.data + sort_key.length - OVER_ARRIVAL_BYTES, &big_endian,
           OVER_ARRIVAL_BYTES);
}

static inline uint64_t over_read_arrival(Str sort_key)
{
    uint64_t big_endian;
    memcpy(&big_endian, sort_key.data + sort_key.length - OVER_ARRIVAL_BYTES, OVER_ARRIVAL_BYTES);
    return __builtin_bswap64(big_endian);
}

static inline int over_keys_compare(Str a, Str b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static inline bool over_keys_equal(Str a, Str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline uint32_t over_clip(int64_t position, uint32_t rows)
{
    return position < 0 ? 0 : position > rows ? rows : (uint32_t)position;
}

/* Distances far beyond any partition, so that sums do not overflow. */
#define OVER_FAR ((int64_t)1 << 40)

/* Rows from the current one to a bound of ROWS; negative before it. */
static inline int64_t over_row_offset(const PlanFrameBound *bound)
{
    int64_t rows = bound->rows < OVER_FAR ? bound->rows : OVER_FAR;
    switch (bound->kind) {
    case PLAN_BOUND_UNBOUNDED_PRECEDING:
        return -OVER_FAR;
    case PLAN_BOUND_PRECEDING:
        return -rows;
    case PLAN_BOUND_CURRENT_ROW:
        return 0;
    case PLAN_BOUND_FOLLOWING:
        return rows;
    default:
        return OVER_FAR;
    }
}

#endif
