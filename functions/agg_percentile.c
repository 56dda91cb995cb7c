/* PERCENTILE: the value below which a part of the values lies, between two of them by how near it
 * is to each.
 *
 * The operator keeps the values in the order they came; with a frequency, value and frequency as a
 * ROW. Cost: each change sorts the values of its group again, so windows, which answer once, suit
 * it best. */
#include <stdlib.h>

#include "functions/aggregate_internal.h"

typedef struct PercentilePlan {
    const double *parts; /* each from 0 to 1 */
    uint32_t part_count;
    bool is_array;
} PercentilePlan;

/* Values that stand `weight` times. */
typedef struct Sample {
    double value;
    int64_t weight;
} Sample;

static int compare_samples(const void *left, const void *right)
{
    const double a = ((const Sample *)left)->value, b = ((const Sample *)right)->value;
    return (a > b) - (a < b);
}

/* The samples that count; `*total` is the sum of their weights. False: it is too large. */
static bool read_samples(const Vector *values, uint32_t count, Sample *samples,
                         uint32_t *sample_count, int64_t *total)
{
    const bool weighted = values->type->kind == TYPE_ROW;
    const Vector *numbers = weighted ? &values->children[0] : values;
    *sample_count = 0;
    *total = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t weight = 1;
        if (weighted)
            weight = vector_is_null(&values->children[1], i)
                         ? 0
                         : ((const int64_t *)values->children[1].data)[i];
        if (vector_is_null(numbers, i) || weight <= 0)
            continue;
        samples[(*sample_count)++] = (Sample){((const double *)numbers->data)[i], weight};
        if (__builtin_add_overflow(*total, weight, total))
            return false;
    }
    return true;
}

/* The value at a place, counted from 0, of the sorted samples. */
static double sample_at(const Sample *samples, int64_t place)
{
    while (place >= samples->weight) {
        place -= samples->weight;
        samples++;
    }
    return samples->value;
}

static double percentile(const Sample *samples, int64_t total, double part)
{
    const double place = (double)(total - 1) * part;
    int64_t below = (int64_t)place;
    if (below > total - 1)
        below = total - 1;
    const double low = sample_at(samples, below);
    const double over = place - (double)below;
    if (over <= 0 || below == total - 1)
        return low;
    return low * (1 - over) + sample_at(samples, below + 1) * over;
}

static bool percentile_make(const void *data, const Vector *values, uint32_t count, Vector *out,
                            uint32_t row, Arena *arena, Error *error)
{
    const PercentilePlan *plan = data;
    Sample *samples = memory_alloc(((size_t)count + 1) * sizeof(*samples));
    uint32_t sample_count;
    int64_t total;
    const bool fits = read_samples(values, count, samples, &sample_count, &total);
    if (!fits) {
        error_set(error, ERROR_DATA, "the frequencies of PERCENTILE add up to more than a BIGINT");
    } else if (sample_count == 0) {
        vector_set_null(out, row, arena);
    } else {
        qsort(samples, sample_count, sizeof(*samples), compare_samples);
        const uint32_t offset =
            plan->is_array ? vector_list_append(out, row, plan->part_count, arena) : row;
        Vector *to = plan->is_array ? &out->children[0] : out;
        for (uint32_t p = 0; p < plan->part_count; p++) {
            ((double *)to->data)[offset + p] = percentile(samples, total, plan->parts[p]);
            vector_set_valid(to, offset + p);
        }
    }
    memory_free(samples);
    return fits;
}

/* --------------------------------------------------------------------- binding */

static bool read_part(const FunctionSite *site, const Vector *value, uint32_t index, double *part,
                      Error *error)
{
    const Type *type = value->type;
    if (vector_is_null(value, index) || !type_is_numeric(type))
        return false;
    Vector *single = arena_new_one(site->arena, Vector);
    vector_make_constant(single, value, index, site->arena);
    const Vector *literals[] = {single};
    const FunctionSite alone = {&type, literals, 1, site->zone, site->arena, NULL};
    const Vector *number = bind_literal_as(&alone, 0, &type_double);
    if (number == NULL)
        return false;
    *part = ((const double *)number->data)[0];
    if (*part >= 0 && *part <= 1)
        return true;
    return error_set(error, ERROR_DATA, "the percentage of PERCENTILE is %g, not from 0 to 1",
                     *part);
}

static bool read_parts(const FunctionSite *site, PercentilePlan *plan, Error *error)
{
    const Vector *literal = site->literals[1];
    if (literal == NULL || vector_is_null(literal, 0)) {
        error_set(error, ERROR_UNSUPPORTED, "the percentage of PERCENTILE must be a literal");
        return error_hint(error, "Write PERCENTILE(x, 0.95) or PERCENTILE(x, ARRAY[0.5, 0.95]).");
    }
    plan->is_array = literal->type->kind == TYPE_ARRAY;
    const ListEntry entry =
        plan->is_array ? ((const ListEntry *)literal->data)[0] : (ListEntry){0, 1};
    double *parts = arena_new_array(site->arena, double, (size_t)entry.length + 1);
    for (uint32_t i = 0; i < entry.length; i++)
        if (!read_part(site, plan->is_array ? &literal->children[0] : literal, entry.offset + i,
                       &parts[i], error))
            return false;
    plan->parts = parts;
    plan->part_count = entry.length;
    return true;
}

static bool bind_percentile(const AggregateFunction *function, const FunctionSite *site,
                            bool retracting, BoundAggregate *out, Error *error)
{
    if (site->argument_count != 2)
        return false;
    const Type **types = aggregate_begin(function, site, &type_double, out);
    PercentilePlan *plan = arena_new_one(site->arena, PercentilePlan);
    const bool weighted = types[0]->kind == TYPE_ROW;
    const bool fits = weighted ? types[0]->field_count == 2 &&
                                     type_is_numeric(types[0]->fields[0].type) &&
                                     type_is_numeric(types[0]->fields[1].type)
                               : type_is_numeric(types[0]);
    if (!fits || !read_parts(site, plan, error))
        return false;
    const TypeField pair[] = {{"value", &type_double}, {"frequency", &type_bigint}};
    types[0] = weighted ? type_new_nested(site->arena, TYPE_ROW, true, pair, 2) : &type_double;
    const TypeField element = {NULL, type_with_nullable(site->arena, &type_double, false)};
    out->result =
        plan->is_array ? type_new_nested(site->arena, TYPE_ARRAY, true, &element, 1) : &type_double;
    out->keeps = AGGREGATE_KEEPS_ALL;
    out->make = percentile_make;
    out->data = plan;
    return true;
}

static const AggregateFunction functions[] = {
    {"PERCENTILE", "(NUMERIC, percentage [, frequency]) -> DOUBLE", bind_percentile, 0,
     "The value at a percentage (from 0 to 1, or an ARRAY of such) of the sorted values, between "
     "two of them in proportion; a frequency says how often a value counts."},
    {0},
};

extern const AggregateFamily agg_percentile;
const AggregateFamily agg_percentile = {functions};
