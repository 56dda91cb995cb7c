/* Every function, operator and cast over edge values of every type it takes.
 *
 * Nothing is known of the answers but this: no run crashes or reads what it must not (the tests run
 * with sanitizers), a failure carries an error and a row that was asked for, columns, literals and
 * selections agree, and a result of a type that is NOT NULL has no NULL. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/str.h"
#include "core/value_text.h"
#include "functions/function.h"
#include "tests/suite.h"

#define EDGES         8
#define ARGUMENTS_MAX 4
#define TRIES         20

typedef struct EdgeType {
    Type type;
    const char *values[EDGES]; /* as text; the last of fewer stands for the others */
} EdgeType;

#define EDGE_TYPES 22

static uint32_t edge_types(EdgeType *out)
{
    const EdgeType types[] = {
        {type_make(TYPE_BOOLEAN, true, 0, 0), {"TRUE", "FALSE"}},
        {type_make(TYPE_TINYINT, true, 0, 0), {"-128", "127", "0", "-1", "1", "7"}},
        {type_make(TYPE_SMALLINT, true, 0, 0), {"-32768", "32767", "0", "-1", "12"}},
        {type_make(TYPE_INT, true, 0, 0), {"-2147483648", "2147483647", "0", "-1", "1", "3"}},
        {type_make(TYPE_BIGINT, true, 0, 0),
         {"-9223372036854775808", "9223372036854775807", "0", "-1", "5", "1709249415"}},
        {type_make(TYPE_FLOAT, true, 0, 0), {"NaN", "Infinity", "-0.0", "3.4e38", "1e-45", "2.5"}},
        {type_make(TYPE_DOUBLE, true, 0, 0),
         {"NaN", "-Infinity", "-0.0", "1.7e308", "5e-324", "2.5", "-1e15", "0.125"}},
        {type_make(TYPE_DECIMAL, true, 4, 2), {"99.99", "-99.99", "0", "-0.01", "0.5"}},
        {type_make(TYPE_DECIMAL, true, 18, 18), {"0.999999999999999999", "-0.5", "0"}},
        {type_make(TYPE_DECIMAL, true, 38, 0),
         {"99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0",
          "1"}},
        {type_make(TYPE_DECIMAL, true, 38, 38),
         {"0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001",
          "0"}},
        {type_make(TYPE_VARCHAR, true, TYPE_LENGTH_MAX, 0),
         {"", "a", "%", "grüße 漢字 𝄞", "2024-02-29 12:00:00", "1.5",
          "a longer text (with) [signs].*", "UTC"}},
        {type_make(TYPE_CHAR, true, 4, 0), {"year", "12:0", "____", "ab%c"}},
        {type_make(TYPE_VARBINARY, true, TYPE_LENGTH_MAX, 0), {"", "x'00ff'", "x'616263'"}},
        {type_make(TYPE_DATE, true, 0, 0),
         {"0001-01-01", "9999-12-31", "1969-12-31", "2024-02-29"}},
        {type_make(TYPE_TIME, true, 0, 0), {"00:00:00", "23:59:59"}},
        {type_make(TYPE_TIMESTAMP, true, 3, 0),
         {"0001-01-01 00:00:00", "9999-12-31 23:59:59.999", "1969-12-31 23:59:59.999"}},
        {type_make(TYPE_TIMESTAMP, true, 9, 0),
         {"0001-01-01 00:00:00", "9999-12-31 23:59:59.999999999", "1970-01-01 00:00:00.000000001"}},
        {type_make(TYPE_TIMESTAMP_LTZ, true, 3, 0),
         {"0001-01-02 00:00:00", "9999-12-30 23:59:59.999", "2024-03-31 02:30:00"}},
        {type_make(TYPE_TIMESTAMP_LTZ, true, 9, 0),
         {"0001-01-02 00:00:00", "9999-12-30 23:59:59.999999999", "2024-10-27 02:30:00"}},
        {type_make(TYPE_INTERVAL_MONTH, true, 0, 0), {"-2147483648", "2147483647", "1"}},
        {type_make(TYPE_INTERVAL_SECOND, true, 0, 0),
         {"-9223372036854775808", "9223372036854775807", "1"}},
    };
    static_assert(array_count(types) == EDGE_TYPES, "the count above");
    memcpy(out, types, sizeof(types));
    return (uint32_t)array_count(types);
}

static void edge_store(Vector *vector, uint32_t row, const char *text, const TimeZone *zone,
                       Arena *arena)
{
    Error error = {0};
    if (vector->type->kind == TYPE_INTERVAL_MONTH)
        ((int32_t *)vector->data)[row] = (int32_t)strtol(text, NULL, 10);
    else if (vector->type->kind == TYPE_INTERVAL_SECOND)
        ((int64_t *)vector->data)[row] = strtoll(text, NULL, 10);
    else
        ck_assert_msg(value_parse(vector, row, str_of(text), zone, arena, &error), "%s",
                      error.message);
}

/* A column with every edge value, shifted so that arguments meet in different pairs. */
static void edge_column(Vector *vector, const EdgeType *edge, uint32_t shift, const TimeZone *zone,
                        Arena *arena)
{
    const Type *type = arena_memdup(arena, &edge->type, sizeof(edge->type));
    vector_init(vector, type, EDGES, arena);
    for (uint32_t row = 0; row < EDGES; row++) {
        const char *text = edge->values[(row + shift) % EDGES];
        edge_store(vector, row, text == NULL ? edge->values[0] : text, zone, arena);
    }
}

typedef struct Trial {
    Arena *arena;
    const TimeZone *zone;
    FunctionSite site;
    FunctionEnvironment environment;
    const char *name;
    unsigned seed;
} Trial;

/* Runs over one row, so that a failing row does not hide the others. Returns the answer as text. */
static const char *run_row(Trial *trial, const BoundFunction *bound, const Vector *const *args,
                           uint32_t count, uint32_t row)
{
    Vector out;
    vector_init(&out, bound->result, EDGES, trial->arena);
    memset(out.data, 0, physical_size(bound->result->physical) * EDGES);
    KernelCall call = {
        args, count, &row, 1, &out, trial->arena, bound->data, &trial->environment, UINT32_MAX};
    Error error = {0};
    if (!bound->kernel(&call, &error)) {
        ck_assert_msg((bound->function->flags & FUNCTION_CAN_FAIL) != 0 &&
                          error.code != ERROR_NONE && call.error_row == row,
                      "seed %u: %s fails without saying so: %s", trial->seed, trial->name,
                      error.message);
        return NULL;
    }
    ck_assert_msg(bound->result->nullable || !vector_is_null(&out, row), "seed %u: %s gives NULL",
                  trial->seed, trial->name);
    Buffer text = {0};
    if (bound->result->kind != TYPE_INTERVAL_MONTH && bound->result->kind != TYPE_INTERVAL_SECOND)
        value_print(&out, row, trial->zone, &text);
    const char *kept = arena_strdup(trial->arena, buffer_text(&text));
    buffer_deinit(&text);
    return kept;
}

/* Casts what the binder wants cast, row by row; a row whose cast fails or is NULL is left out. */
static bool cast_argument(Trial *trial, const Vector *from, const Type *to, Vector *out,
                          bool *usable)
{
    BoundFunction cast;
    Error error = {0};
    ck_assert_msg(cast_bind(from->type, to, CAST_EXPLICIT, &trial->site, &cast, &error), "%s: %s",
                  trial->name, error.message);
    vector_init(out, to, EDGES, trial->arena);
    memset(out->data, 0, physical_size(to->physical) * EDGES);
    for (uint32_t row = 0; row < EDGES; row++) {
        KernelCall call = {&from,     1, &row, 1, out, trial->arena, cast.data, &trial->environment,
                           UINT32_MAX};
        if (!cast.kernel(&call, NULL) || vector_is_null(out, row))
            usable[row] = false;
    }
    return true;
}

static void run_bound(Trial *trial, const BoundFunction *bound, Vector *columns, uint32_t count)
{
    const Vector *args[ARGUMENTS_MAX];
    bool usable[EDGES];
    memset(usable, true, sizeof(usable));
    for (uint32_t k = 0; k < count; k++) {
        args[k] = &columns[k];
        if (type_equal_ignoring_null(bound->argument_types[k], columns[k].type))
            continue;
        Vector *converted = arena_new_one(trial->arena, Vector);
        cast_argument(trial, &columns[k], bound->argument_types[k], converted, usable);
        args[k] = converted;
    }
    const bool random = (bound->function->flags & FUNCTION_NOT_DETERMINISTIC) != 0;
    for (uint32_t row = 0; row < EDGES; row++) {
        if (!usable[row])
            continue;
        const char *answer = run_row(trial, bound, args, count, row);
        Vector constants[ARGUMENTS_MAX];
        const Vector *constant_args[ARGUMENTS_MAX];
        for (uint32_t k = 0; k < count; k++) {
            vector_make_constant(&constants[k], args[k], row, trial->arena);
            constant_args[k] = &constants[k];
        }
        const char *again = run_row(trial, bound, constant_args, count, row);
        if (random)
            continue;
        ck_assert_msg((answer == NULL) == (again == NULL) &&
                          (answer == NULL || strcmp(answer, again) == 0),
                      "seed %u: %s: %s with columns, %s with constants", trial->seed, trial->name,
                      answer, again);
    }
}

static Trial trial_open(const char *name, unsigned seed)
{
    Trial trial = {.arena = arena_new(4096), .name = name, .seed = seed};
    trial.zone = time_zone_open(trial.arena, "Europe/Berlin", NULL);
    trial.environment = (FunctionEnvironment){.clock = &clock_system,
                                              .zone = trial.zone,
                                              .batch_time_us = INT64_C(1709249415123456),
                                              .watermark_us = INT64_MIN};
    return trial;
}

static void try_function(const char *name, const EdgeType *edges, uint32_t count, unsigned seed)
{
    Trial trial = trial_open(name, seed);
    Vector columns[ARGUMENTS_MAX];
    const Type *types[ARGUMENTS_MAX];
    const Vector *literals[ARGUMENTS_MAX] = {NULL};
    for (uint32_t k = 0; k < count; k++) {
        const uint32_t which = (uint32_t)rand() % EDGE_TYPES;
        edge_column(&columns[k], &edges[which], (uint32_t)rand() % EDGES, trial.zone, trial.arena);
        types[k] = columns[k].type;
        if (rand() % 2 == 0)
            continue;
        Vector *literal = arena_new_one(trial.arena, Vector);
        vector_make_constant(literal, &columns[k], 0, trial.arena);
        columns[k] = *literal;
        literals[k] = literal;
    }
    trial.site = (FunctionSite){types, literals, count, trial.zone, trial.arena, NULL};
    BoundFunction bound;
    Error error = {0};
    if (function_bind(name, &trial.site, &bound, &error)) {
        ck_assert_uint_eq(bound.argument_count, count);
        run_bound(&trial, &bound, columns, count);
    } else {
        ck_assert_int_ne(error.code, ERROR_NONE);
    }
    arena_free(trial.arena);
}

START_TEST(test_functions)
{
    const unsigned seed = (unsigned)clock_monotonic_us();
    srand(seed);
    EdgeType edges[EDGE_TYPES];
    edge_types(edges);
    const ScalarFunction *function;
    for (uint32_t i = 0; (function = function_at(i)) != NULL; i++) {
        for (uint32_t count = 0; count <= ARGUMENTS_MAX; count++) {
            for (uint32_t k = 0; k < TRIES; k++)
                try_function(function->name, edges, count, seed);
        }
    }
}
END_TEST

START_TEST(test_casts)
{
    const unsigned seed = (unsigned)clock_monotonic_us();
    EdgeType edges[EDGE_TYPES];
    edge_types(edges);
    uint32_t bound_count = 0;
    for (uint32_t from = 0; from < EDGE_TYPES; from++) {
        for (uint32_t to = 0; to < EDGE_TYPES; to++) {
            for (uint32_t mode = CAST_EXPLICIT; mode <= CAST_IMPLICIT; mode++) {
                Trial trial = trial_open("CAST", seed);
                Vector column;
                edge_column(&column, &edges[from], 0, trial.zone, trial.arena);
                trial.site = (FunctionSite){&column.type, NULL, 1, trial.zone, trial.arena, NULL};
                BoundFunction bound;
                Error error = {0};
                const bool done = cast_bind(column.type, &edges[to].type, (CastMode)mode,
                                            &trial.site, &bound, &error);
                ck_assert_int_ne(done, error.code != ERROR_NONE);
                if (mode == CAST_IMPLICIT)
                    ck_assert_msg(done == cast_is_implicit(column.type, &edges[to].type),
                                  "%s to %s", type_text(trial.arena, column.type),
                                  type_text(trial.arena, &edges[to].type));
                if (done)
                    run_bound(&trial, &bound, &column, 1);
                bound_count += done;
                arena_free(trial.arena);
            }
        }
    }
    ck_assert_uint_gt(bound_count, 300);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("edges");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, test_functions);
    tcase_add_test(tests, test_casts);
    return test_run("function edges", tests);
}
