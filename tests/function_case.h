/* Cases for scalar functions as text, shared by the tests of functions/.
 *
 *     {"SUBSTRING", "STRING hello | INT 2", "STRING ello"}
 *
 * Arguments are "TYPE value", separated by " | "; "!" before the type makes one a literal in every
 * run. The answer is a type and value, or "error: …" with the start of the message. Every case runs
 * with columns, with literals and with a selection of rows, and must answer the same. */
#ifndef TESTS_FUNCTION_CASE_H
#define TESTS_FUNCTION_CASE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/str.h"
#include "core/value_text.h"
#include "functions/function.h"

typedef struct FunctionCase {
    const char *function;
    const char *arguments;
    const char *expected;
} FunctionCase;

#define CASE_ARGUMENTS_MAX 16
#define CASE_ROWS          5

typedef struct CaseRun {
    Arena *arena;
    const TimeZone *zone;
    FunctionEnvironment environment;
    uint32_t count;
    const Type *types[CASE_ARGUMENTS_MAX];
    Vector columns[CASE_ARGUMENTS_MAX];
    Vector literals[CASE_ARGUMENTS_MAX];
    bool is_literal[CASE_ARGUMENTS_MAX];
} CaseRun;

static inline Type case_type(Str name)
{
    static const struct {
        const char *name;
        TypeKind kind;
        int32_t size;
    } names[] = {{"NULL", TYPE_NULL, 0},
                 {"BOOLEAN", TYPE_BOOLEAN, 0},
                 {"TINYINT", TYPE_TINYINT, 0},
                 {"SMALLINT", TYPE_SMALLINT, 0},
                 {"INT", TYPE_INT, 0},
                 {"BIGINT", TYPE_BIGINT, 0},
                 {"FLOAT", TYPE_FLOAT, 0},
                 {"DOUBLE", TYPE_DOUBLE, 0},
                 {"DECIMAL", TYPE_DECIMAL, 10},
                 {"CHAR", TYPE_CHAR, 1},
                 {"VARCHAR", TYPE_VARCHAR, TYPE_LENGTH_MAX},
                 {"STRING", TYPE_VARCHAR, TYPE_LENGTH_MAX},
                 {"BINARY", TYPE_BINARY, 1},
                 {"BYTES", TYPE_VARBINARY, TYPE_LENGTH_MAX},
                 {"DATE", TYPE_DATE, 0},
                 {"TIME", TYPE_TIME, 0},
                 {"TIMESTAMP", TYPE_TIMESTAMP, 6},
                 {"TIMESTAMP_LTZ", TYPE_TIMESTAMP_LTZ, 6},
                 {"MONTHS", TYPE_INTERVAL_MONTH, 0},
                 {"MILLIS", TYPE_INTERVAL_SECOND, 0}};
    char text[64];
    snprintf(text, sizeof(text), "%.*s", (int)name.length, name.data);
    int size = -1;
    int scale = 0;
    char *open = strchr(text, '(');
    if (open != NULL) {
        *open = '\0';
        sscanf(open + 1, "%d,%d", &size, &scale);
    }
    for (size_t i = 0; i < array_count(names); i++) {
        if (strcmp(names[i].name, text) == 0)
            return type_make(names[i].kind, true, size < 0 ? names[i].size : size, scale);
    }
    ck_abort_msg("no type %s", text);
}

/* Intervals are written as a bare number of months or milliseconds. */
static inline void case_value(Vector *vector, uint32_t row, Str text, const CaseRun *run)
{
    if (str_equal(text, STR("NULL"))) {
        vector_set_null(vector, row, run->arena);
        return;
    }
    char number[32];
    snprintf(number, sizeof(number), "%.*s", (int)text.length, text.data);
    if (vector->type->kind == TYPE_INTERVAL_MONTH) {
        ((int32_t *)vector->data)[row] = atoi(number);
    } else if (vector->type->kind == TYPE_INTERVAL_SECOND) {
        ((int64_t *)vector->data)[row] = atoll(number);
    } else {
        Error error = {0};
        ck_assert_msg(value_parse(vector, row, text, run->zone, run->arena, &error), "%s",
                      error.message);
    }
}

static inline void case_argument(CaseRun *run, Str text)
{
    const uint32_t k = run->count++;
    ck_assert_uint_lt(k, CASE_ARGUMENTS_MAX);
    if (text.length > 0 && text.data[0] == '!') {
        run->is_literal[k] = true;
        text = (Str){text.data + 1, text.length - 1};
    }
    const char *space = memchr(text.data, ' ', text.length);
    const size_t type_length = space == NULL ? text.length : (size_t)(space - text.data);
    const Type type = case_type((Str){text.data, type_length});
    run->types[k] = arena_memdup(run->arena, &type, sizeof(type));
    const Str value = space == NULL ? STR("") : (Str){space + 1, text.length - type_length - 1};
    vector_init(&run->columns[k], run->types[k], CASE_ROWS, run->arena);
    vector_init_constant(&run->literals[k], run->types[k], run->arena);
    if (!str_equal(value, STR("NULL")))
        vector_set_valid(&run->literals[k], 0);
    for (uint32_t row = 0; row < CASE_ROWS; row++)
        case_value(&run->columns[k], row, value, run);
    case_value(&run->literals[k], 0, value, run);
}

static inline void case_arguments(CaseRun *run, const char *text)
{
    while (*text != '\0') {
        const char *bar = strstr(text, " | ");
        const size_t length = bar == NULL ? strlen(text) : (size_t)(bar - text);
        case_argument(run, (Str){text, length});
        text += length + (bar == NULL ? 0 : 3);
    }
}

/* Casts the arguments as the planner does, leaves out rows with a NULL as the evaluator does, runs
 * the kernel over `rows`, and writes "TYPE value" of the last row asked for. */
static inline bool case_run_bound(CaseRun *run, const FunctionSite *site,
                                  const BoundFunction *bound, const Vector *const *inputs,
                                  const uint32_t *rows, uint32_t row_count, Vector *out,
                                  Error *error)
{
    const Vector *args[CASE_ARGUMENTS_MAX];
    for (uint32_t k = 0; k < run->count; k++) {
        args[k] = inputs[k];
        const Type *wanted = bound->argument_types[k];
        if (type_equal_ignoring_null(wanted, run->types[k]))
            continue;
        BoundFunction cast;
        if (!cast_bind(run->types[k], wanted, CAST_EXPLICIT, site, &cast, error))
            return false;
        CaseRun inner = *run;
        inner.count = 1;
        inner.types[0] = run->types[k];
        Vector *converted = arena_new_one(run->arena, Vector);
        if (!case_run_bound(&inner, site, &cast, &inputs[k], rows, row_count, converted, error))
            return false;
        args[k] = converted;
    }
    uint32_t kept[CASE_ROWS];
    uint32_t kept_count = 0;
    vector_init(out, bound->result, CASE_ROWS, run->arena);
    memset(out->data, 0, physical_size(bound->result->physical) * CASE_ROWS);
    const bool aware = (bound->function->flags & FUNCTION_NULL_AWARE) != 0;
    for (uint32_t i = 0; i < row_count; i++) {
        const uint32_t row = rows == NULL ? i : rows[i];
        bool null = false;
        for (uint32_t k = 0; k < run->count && !aware; k++)
            null = null || vector_is_null(args[k], row);
        if (null)
            vector_set_null(out, row, run->arena);
        else
            kept[kept_count++] = row;
    }
    const bool all = rows == NULL && kept_count == row_count;
    KernelCall call = {args,       run->count,  all ? NULL : kept, kept_count, out,
                       run->arena, bound->data, &run->environment, UINT32_MAX};
    if (bound->kernel(&call, error))
        return true;
    ck_assert_uint_eq(call.error_row, rows == NULL ? 0 : rows[0]);
    return false;
}

/* One way to run the case; the answer as text in the arena. */
static inline const char *case_answer(CaseRun *run, const char *function, bool literals,
                                      const uint32_t *rows, uint32_t row_count, Error *error)
{
    const Vector *inputs[CASE_ARGUMENTS_MAX];
    const Vector *known[CASE_ARGUMENTS_MAX];
    for (uint32_t k = 0; k < run->count; k++) {
        const bool literal = literals || run->is_literal[k];
        inputs[k] = literal ? &run->literals[k] : &run->columns[k];
        known[k] = literal ? &run->literals[k] : NULL;
    }
    const FunctionSite site = {run->types, known, run->count, run->zone, run->arena, NULL};
    BoundFunction bound;
    Vector out;
    bool done;
    if (strncmp(function, "CAST ", 5) == 0 || strncmp(function, "TRY_CAST ", 9) == 0) {
        const bool tries = function[0] == 'T';
        const Type type = case_type(str_of(function + (tries ? 9 : 5)));
        const Type *to = arena_memdup(run->arena, &type, sizeof(type));
        done = cast_bind(run->types[0], to, tries ? CAST_TRY : CAST_EXPLICIT, &site, &bound, error);
    } else {
        done = function_bind(function, &site, &bound, error);
    }
    if (!done || !case_run_bound(run, &site, &bound, inputs, rows, row_count, &out, error))
        return NULL;
    const uint32_t last = rows == NULL ? row_count - 1 : rows[row_count - 1];
    Buffer text = {0};
    type_print(type_with_nullable(run->arena, bound.result, true), &text);
    buffer_append_char(&text, ' ');
    ck_assert_msg(bound.result->nullable || !vector_is_null(&out, last),
                  "%s: NULL of a type that is NOT NULL", function);
    if (!vector_is_null(&out, last) && bound.result->kind == TYPE_INTERVAL_MONTH)
        buffer_printf(&text, "%d", ((const int32_t *)out.data)[last]);
    else if (!vector_is_null(&out, last) && bound.result->kind == TYPE_INTERVAL_SECOND)
        buffer_printf(&text, "%lld", (long long)((const int64_t *)out.data)[last]);
    else
        value_print(&out, last, run->zone, &text);
    const char *kept = arena_strdup(run->arena, buffer_text(&text));
    buffer_deinit(&text);
    return kept;
}

static inline void case_check(const FunctionCase *test, const char *zone_name)
{
    static const uint32_t some[] = {1, 3};
    for (uint32_t way = 0; way < 3; way++) {
        CaseRun run = {.arena = arena_new(4096)};
        run.zone = time_zone_open(run.arena, zone_name, NULL);
        ck_assert_ptr_nonnull(run.zone);
        /* 2024-02-29 23:30:15.123456 UTC */
        run.environment = (FunctionEnvironment){.clock = &clock_system,
                                                .zone = run.zone,
                                                .batch_time_us = INT64_C(1709249415123456),
                                                .watermark_us = INT64_MIN};
        case_arguments(&run, test->arguments);
        Error error = {0};
        const char *answer =
            case_answer(&run, test->function, way == 1, way == 2 ? some : NULL,
                        way == 2 ? (uint32_t)array_count(some) : CASE_ROWS, &error);
        char problem[sizeof(error.message) + 16];
        if (answer == NULL) {
            ck_assert_int_ne(error.code, ERROR_NONE);
            snprintf(problem, sizeof(problem), "error: %s", error.message);
            problem[u64_min(strlen(problem), strlen(test->expected))] = '\0';
            answer = problem;
        }
        ck_assert_msg(strcmp(answer, test->expected) == 0, "%s(%s), way %u: got %s, not %s",
                      test->function, test->arguments, way, answer, test->expected);
        arena_free(run.arena);
    }
}

static inline void cases_check(const FunctionCase *cases, size_t count, const char *zone_name)
{
    for (size_t i = 0; i < count; i++)
        case_check(&cases[i], zone_name);
}

/* The test test_<name> of a table of cases. */
#define CHECK_CASES(name, zone)                                                                    \
    START_TEST(test_##name)                                                                        \
    {                                                                                              \
        cases_check(name, array_count(name), zone);                                                \
    }                                                                                              \
    END_TEST

#endif
