/* One made-up column: how its values are drawn, and the loops that draw them. Private to datagen.
 */
#ifndef CONNECTORS_DATAGEN_FIELD_H
#define CONNECTORS_DATAGEN_FIELD_H

#include "core/clock.h"
#include "core/datetime.h"
#include "core/vector.h"

typedef struct DatagenField {
    const Type *type;
    uint64_t seed;
    bool is_sequence;
    bool is_variable; /* text: the length is random too */
    int64_t start;    /* sequence */
    int64_t end;
    int128_t min; /* integers, intervals; DECIMAL: unscaled */
    int128_t max;
    double real_min; /* FLOAT, DOUBLE */
    double real_max;
    uint32_t length; /* text and bytes */
    int64_t max_past_ms;
    double null_rate;
} DatagenField;

/* The moment a batch is made at. */
typedef struct DatagenNow {
    int64_t utc_us;
    int64_t local_us;
} DatagenNow;

DatagenNow datagen_now(const Clock *clock, const TimeZone *zone);

/* Random over the whole range of the type; `index` tells columns of one table apart. */
void datagen_field_init(DatagenField *field, const Type *type, uint64_t seed, uint32_t index);
bool datagen_is_number(const Type *type); /* takes min and max */
bool datagen_can_count(const Type *type); /* may be a sequence */
bool datagen_holds(const Type *type, int64_t number);
bool datagen_set_bound(DatagenField *field, Str text, bool is_min);
bool datagen_bounds_hold(const DatagenField *field);

/* Makes the values of rows first..first+count into the vector. */
void datagen_field_fill(const DatagenField *field, uint64_t first, uint32_t count,
                        const DatagenNow *now, Vector *vector, Arena *arena);

#endif
