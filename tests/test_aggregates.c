/* Aggregates over random change sequences, against plain recomputation from the values that are
 * there: several groups, several changes of a group in a batch, groups that become empty and come
 * back, rows that do not count, NULLs, constant arguments, results before and after every row. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"
#include "functions/aggregate.h"
#include "tests/suite.h"

#define GROUPS    5
#define LIVE_MAX  512
#define BATCHES   40
#define BATCH_MAX 60

/* A row that is there: its value (an index into a pool of them), whether it is one and counts. */
typedef struct Live {
    int64_t value;
    bool null;
    bool active;
} Live;

typedef struct Group {
    Live rows[LIVE_MAX];
    uint32_t count;
} Group;

static const char *const pool[] = {"",
                                   "a",
                                   "b",
                                   "abcdefghijkl",
                                   "abcdefghijklm",
                                   "a long text that needs memory",
                                   "another long text of its own"};

/* The texts of the pool by index, or numbers; `scale` digits behind the point. */
static void value_store(Vector *vector, uint32_t row, int64_t value, Arena *arena)
{
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        ((int8_t *)vector->data)[row] = (int8_t)value;
        break;
    case PHYSICAL_I32:
        ((int32_t *)vector->data)[row] = (int32_t)value;
        break;
    case PHYSICAL_I64:
        ((int64_t *)vector->data)[row] = value;
        break;
    case PHYSICAL_I128:
        ((int128_t *)vector->data)[row] = value;
        break;
    case PHYSICAL_F64:
        ((double *)vector->data)[row] = (double)value;
        break;
    case PHYSICAL_STRING:
        vector_set_str(vector, row, str_of(pool[(uint64_t)value % array_count(pool)]), arena);
        break;
    default:
        ck_abort_msg("no such type in the test");
    }
}

static void memory_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    char *copy = NULL;
    if (value.length > STRING_INLINE_MAX) {
        copy = memory_alloc(value.length);
        memcpy(copy, value.data, value.length);
    }
    if (slot->length > STRING_INLINE_MAX)
        memory_free((char *)(uintptr_t)slot->pointer);
    *slot = string_view_borrow(copy != NULL ? copy : value.data, value.length);
}

/* Order of two values of the type. */
static int model_compare(const Type *type, int64_t a, int64_t b)
{
    if (type->physical == PHYSICAL_STRING)
        return strcmp(pool[(uint64_t)a % array_count(pool)], pool[(uint64_t)b % array_count(pool)]);
    return a < b ? -1 : a > b;
}

/* What the aggregate must answer, as text. */
static void model_answer(const char *name, const BoundAggregate *bound, const Group *group,
                         Buffer *out, Arena *arena)
{
    const Type *type = bound->argument_count > 0 ? bound->argument_types[0] : &type_int;
    int64_t count = 0;
    int128_t sum = 0;
    const Live *chosen = NULL;
    for (uint32_t i = 0; i < group->count; i++) {
        const Live *live = &group->rows[i];
        if (!live->active || (live->null && bound->argument_count > 0))
            continue;
        count++;
        sum += live->value;
        const int order = chosen == NULL ? 0 : model_compare(type, live->value, chosen->value);
        if (chosen == NULL || (strcmp(name, "MIN") == 0 && order < 0) ||
            (strcmp(name, "MAX") == 0 && order > 0) || strcmp(name, "LAST_VALUE") == 0)
            chosen = live;
    }
    buffer_clear(out);
    Vector answer;
    vector_init(&answer, bound->result, 1, arena);
    if (strcmp(name, "COUNT") == 0) {
        buffer_printf(out, "%" PRId64, count);
        return;
    }
    if (count == 0) {
        buffer_append_text(out, "NULL");
        return;
    }
    if (strcmp(name, "SUM") == 0 && type->kind == TYPE_DECIMAL) {
        decimal_print(sum, type->scale, out);
        return;
    }
    if (strcmp(name, "AVG") == 0 && type->kind == TYPE_DECIMAL) {
        int128_t average;
        ck_assert(decimal_divide(sum, type->scale, count, 0, bound->result->scale, &average));
        decimal_print(average, bound->result->scale, out);
        return;
    }
    if (strcmp(name, "SUM") == 0)
        value_store(&answer, 0, (int64_t)sum, arena);
    else if (strcmp(name, "AVG") == 0 && type->physical == PHYSICAL_F64)
        ((double *)answer.data)[0] = (double)sum / (double)count;
    else if (strcmp(name, "AVG") == 0)
        value_store(&answer, 0, (int64_t)(sum / count), arena);
    else
        value_store(&answer, 0, chosen->value, arena);
    value_print(&answer, 0, NULL, out);
}

static void check_text(const char *name, const char *when, unsigned seed, const Vector *vector,
                       uint32_t row, Buffer *expected)
{
    Buffer text = {0};
    value_print(vector, row, NULL, &text);
    ck_assert_msg(strcmp(buffer_text(&text), buffer_text(expected)) == 0,
                  "seed %u: %s %s row %u is %s, not %s", seed, name, when, row, buffer_text(&text),
                  buffer_text(expected));
    buffer_deinit(&text);
}

typedef struct Scenario {
    const char *name;
    const Type *type; /* NULL: no argument */
    bool retracting;
    bool filtered;
} Scenario;

/* Takes the i-th row of the group away, keeping the order of the others. */
static void group_remove(Group *group, uint32_t i)
{
    memmove(&group->rows[i], &group->rows[i + 1], sizeof(Live) * (group->count - i - 1));
    group->count--;
}

/* Chooses the next change of a group; returns its kind. */
static uint8_t change_choose(const Scenario *scenario, Group *group, Live *live)
{
    const bool retracts =
        scenario->retracting && group->count > 0 && (rand() % 2 == 0 || group->count == LIVE_MAX);
    if (retracts) {
        const uint32_t i = (uint32_t)rand() % group->count;
        *live = group->rows[i];
        group_remove(group, i);
        return rand() % 2 == 0 ? CHANGE_UPDATE_BEFORE : CHANGE_DELETE;
    }
    *live = (Live){rand() % 200 - 100, rand() % 5 == 0, !scenario->filtered || rand() % 3 != 0};
    ck_assert_uint_lt(group->count, LIVE_MAX);
    group->rows[group->count++] = *live;
    return rand() % 2 == 0 ? CHANGE_INSERT : CHANGE_UPDATE_AFTER;
}

typedef struct BatchInput {
    Vector argument;
    uint8_t *states[BATCH_MAX];
    uint8_t kinds[BATCH_MAX];
    uint8_t active[BATCH_MAX];
    int64_t group_rows[BATCH_MAX];
    Buffer before[BATCH_MAX];
    Buffer after[BATCH_MAX];
} BatchInput;

static void run_batch(const Scenario *scenario, const BoundAggregate *bound, Group *groups,
                      uint8_t *const *group_states, unsigned seed)
{
    Arena *arena = arena_new(4096);
    BatchInput *input = memory_zalloc(sizeof(BatchInput));
    const uint32_t rows = 1 + (uint32_t)rand() % (BATCH_MAX - 1);
    if (scenario->type != NULL)
        vector_init(&input->argument, scenario->type, rows, arena);
    for (uint32_t row = 0; row < rows; row++) {
        const uint32_t g = (uint32_t)rand() % GROUPS;
        Live live;
        model_answer(scenario->name, bound, &groups[g], &input->before[row], arena);
        input->kinds[row] = change_choose(scenario, &groups[g], &live);
        model_answer(scenario->name, bound, &groups[g], &input->after[row], arena);
        input->states[row] = group_states[g];
        input->active[row] = live.active;
        input->group_rows[row] = groups[g].count;
        if (scenario->type == NULL)
            continue;
        if (live.null)
            vector_set_null(&input->argument, row, arena);
        else
            value_store(&input->argument, row, live.value, arena);
    }
    AggregateMemory memory = {memory_assign};
    const Vector *const args[] = {&input->argument};
    Vector before;
    Vector after;
    vector_init(&before, bound->result, rows, arena);
    vector_init(&after, bound->result, rows, arena);
    AggregateUpdate update = {.args = args,
                              .row_count = rows,
                              .states = input->states,
                              .kinds = input->kinds,
                              .active = scenario->filtered ? input->active : NULL,
                              .group_rows = scenario->retracting ? input->group_rows : NULL,
                              .before = &before,
                              .after = &after,
                              .memory = &memory,
                              .arena = arena,
                              .data = bound->data};
    Error error = {0};
    ck_assert_msg(bound->update(&update, &error), "%s", error.message);
    for (uint32_t row = 0; row < rows; row++) {
        check_text(scenario->name, "before", seed, &before, row, &input->before[row]);
        check_text(scenario->name, "after", seed, &after, row, &input->after[row]);
        buffer_deinit(&input->before[row]);
        buffer_deinit(&input->after[row]);
    }
    Vector current;
    vector_init(&current, bound->result, GROUPS, arena);
    ck_assert(bound->result_of(bound->data, group_states, GROUPS, &current, arena, NULL));
    Buffer expected = {0};
    for (uint32_t g = 0; g < GROUPS; g++) {
        model_answer(scenario->name, bound, &groups[g], &expected, arena);
        check_text(scenario->name, "now", seed, &current, g, &expected);
    }
    buffer_deinit(&expected);
    memory_free(input);
    arena_free(arena);
}

static void run_scenario(const Scenario *scenario)
{
    const unsigned seed = (unsigned)clock_monotonic_us();
    srand(seed);
    Arena *arena = arena_new(4096);
    const FunctionSite site = {&scenario->type, NULL,  scenario->type == NULL ? 0 : 1,
                               time_zone_utc(), arena, NULL};
    BoundAggregate bound;
    Error error = {0};
    ck_assert_msg(aggregate_bind(scenario->name, &site, scenario->retracting, &bound, &error), "%s",
                  error.message);
    ck_assert_uint_eq(bound.state_bytes % 8, 0);
    Group *groups = memory_zalloc(sizeof(Group) * GROUPS);
    uint8_t *states[GROUPS];
    for (uint32_t g = 0; g < GROUPS; g++)
        states[g] = memory_zalloc(bound.state_bytes);
    for (uint32_t i = 0; i < (scenario->retracting ? BATCHES : BATCHES / 4); i++)
        run_batch(scenario, &bound, groups, states, seed);
    AggregateMemory memory = {memory_assign};
    for (uint32_t g = 0; g < GROUPS; g++) {
        for (uint32_t k = 0; k < bound.string_count; k++)
            memory_assign(&memory, (StringView *)(void *)(states[g] + bound.string_offsets[k]),
                          (Str){"", 0});
        memory_free(states[g]);
    }
    memory_free(groups);
    arena_free(arena);
}

START_TEST(test_retracting)
{
    const Type narrow = type_make(TYPE_DECIMAL, true, 10, 2);
    const Type wide = type_make(TYPE_DECIMAL, true, 30, 8);
    const Type *types[] = {&type_tinyint, &type_int, &type_bigint, &type_double, &narrow, &wide};
    const char *names[] = {"COUNT", "SUM", "AVG"};
    for (size_t n = 0; n < array_count(names); n++) {
        for (size_t t = 0; t < array_count(types); t++) {
            for (int filtered = 0; filtered < 2; filtered++)
                run_scenario(&(Scenario){names[n], types[t], true, filtered == 1});
        }
    }
    run_scenario(&(Scenario){"COUNT", NULL, true, true});
    run_scenario(&(Scenario){"COUNT", &type_string, true, false});
}
END_TEST

START_TEST(test_insert_only)
{
    const Type wide = type_make(TYPE_DECIMAL, true, 30, 8);
    const Type *types[] = {&type_tinyint, &type_int, &type_bigint,
                           &type_double,  &wide,     &type_string};
    const char *names[] = {"COUNT", "MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"};
    for (size_t n = 0; n < array_count(names); n++) {
        for (size_t t = 0; t < array_count(types); t++) {
            for (int filtered = 0; filtered < 2; filtered++)
                run_scenario(&(Scenario){names[n], types[t], false, filtered == 1});
        }
    }
}
END_TEST

static BoundAggregate bind_one(const char *name, const Type *type, bool retracting, Arena *arena)
{
    const Type **types = arena_new_array(arena, const Type *, 1);
    types[0] = type;
    const FunctionSite site = {types, NULL, 1, time_zone_utc(), arena, NULL};
    BoundAggregate bound;
    ck_assert(aggregate_bind(name, &site, retracting, &bound, NULL));
    return bound;
}

/* One constant value folded `times` times into a state. */
static void fold(const BoundAggregate *bound, uint8_t *state, int128_t value, uint8_t kind,
                 Vector *after, Arena *arena)
{
    Vector argument;
    vector_init_constant(&argument, bound->argument_types[0], arena);
    vector_set_valid(&argument, 0);
    if (argument.type->physical == PHYSICAL_I128)
        ((int128_t *)argument.data)[0] = value;
    else
        value_store(&argument, 0, (int64_t)value, arena);
    const Vector *const args[] = {&argument};
    vector_init(after, bound->result, 1, arena);
    const AggregateUpdate update = {.args = args,
                                    .row_count = 1,
                                    .states = &state,
                                    .kinds = &kind,
                                    .after = after,
                                    .arena = arena,
                                    .data = bound->data};
    ck_assert(bound->update(&update, NULL));
}

START_TEST(test_overflow)
{
    Arena *arena = arena_new(4096);
    Vector after;
    uint64_t state[8] = {0};
    const BoundAggregate sum = bind_one("SUM", &type_int, false, arena);
    fold(&sum, (uint8_t *)state, INT32_MAX, CHANGE_INSERT, &after, arena);
    fold(&sum, (uint8_t *)state, 1, CHANGE_INSERT, &after, arena);
    ck_assert_int_eq(((int32_t *)after.data)[0], INT32_MIN);

    /* Three times the largest DECIMAL leaves 128 bits; taking two away brings the sum back. */
    const Type wide = type_make(TYPE_DECIMAL, true, 38, 0);
    const int128_t largest = decimal_power10(38) - 1;
    for (int sign = -1; sign <= 1; sign += 2) {
        memset(state, 0, sizeof(state));
        const BoundAggregate decimal = bind_one("SUM", &wide, true, arena);
        ck_assert_uint_le(decimal.state_bytes, sizeof(state));
        for (int i = 0; i < 3; i++) {
            fold(&decimal, (uint8_t *)state, sign * largest, CHANGE_INSERT, &after, arena);
            ck_assert(vector_is_null(&after, 0) == (i > 0));
        }
        for (int i = 0; i < 2; i++)
            fold(&decimal, (uint8_t *)state, sign * largest, CHANGE_DELETE, &after, arena);
        ck_assert(!vector_is_null(&after, 0));
        ck_assert(((int128_t *)after.data)[0] == sign * largest);
    }
    arena_free(arena);
}
END_TEST

START_TEST(test_merge)
{
    const Type wide = type_make(TYPE_DECIMAL, true, 38, 2);
    const Type narrow = type_make(TYPE_DECIMAL, true, 10, 2);
    const Type *types[] = {&type_int, &type_double, &narrow, &wide};
    const char *names[] = {"COUNT", "SUM", "AVG", "MIN", "MAX"};
    Arena *arena = arena_new(4096);
    for (size_t n = 0; n < array_count(names); n++) {
        for (size_t t = 0; t < array_count(types); t++) {
            const BoundAggregate bound = bind_one(names[n], types[t], n < 3, arena);
            uint64_t whole[8] = {0};
            uint64_t halves[2][8] = {{0}, {0}};
            Vector after;
            Vector merged;
            for (int i = 0; i < 20; i++) {
                fold(&bound, (uint8_t *)whole, i * 7 - 60, CHANGE_INSERT, &after, arena);
                fold(&bound, (uint8_t *)halves[i % 2], i * 7 - 60, CHANGE_INSERT, &merged, arena);
            }
            Error error = {0};
            ck_assert(
                bound.merge(bound.data, (uint8_t *)halves[0], (uint8_t *)halves[1], NULL, &error));
            uint8_t *states[] = {(uint8_t *)halves[0]};
            vector_init(&merged, bound.result, 1, arena);
            ck_assert(bound.result_of(bound.data, states, 1, &merged, arena, NULL));
            ck_assert(vector_values_equal(&after, 0, &merged, 0));
        }
    }
    arena_free(arena);
}
END_TEST

/* The textbook's definitions, over what is left after some values were taken away. */
START_TEST(test_variance)
{
    static const struct {
        const char *name;
        double variance; /* of 2, 4, 4, 4, 5, 5, 7, 9 */
        int64_t cut;
    } cases[] = {{"VAR_POP", 4.0, 4},
                 {"STDDEV_POP", 2.0, 2},
                 {"VAR_SAMP", 32.0 / 7.0, 4},
                 {"VARIANCE", 32.0 / 7.0, 4}};
    static const int64_t values[] = {100, 2, 4, 4, -7, 4, 5, 5, 7, 9};
    Arena *arena = arena_new(4096);
    for (size_t i = 0; i < array_count(cases); i++) {
        const BoundAggregate bounds[] = {bind_one(cases[i].name, &type_double, true, arena),
                                         bind_one(cases[i].name, &type_int, true, arena)};
        Vector after;
        for (size_t b = 0; b < array_count(bounds); b++) {
            uint64_t state[8] = {0};
            for (size_t k = 0; k < array_count(values); k++)
                fold(&bounds[b], (uint8_t *)state, values[k], CHANGE_INSERT, &after, arena);
            fold(&bounds[b], (uint8_t *)state, 100, CHANGE_DELETE, &after, arena);
            fold(&bounds[b], (uint8_t *)state, -7, CHANGE_UPDATE_BEFORE, &after, arena);
            ck_assert(!vector_is_null(&after, 0));
            if (b == 0)
                ck_assert_double_eq_tol(((double *)after.data)[0], cases[i].variance, 1e-9);
            else
                ck_assert_int_eq(((int32_t *)after.data)[0], cases[i].cut);
        }
    }
    const BoundAggregate sample = bind_one("STDDEV", &type_double, false, arena);
    uint64_t state[8] = {0};
    Vector after;
    fold(&sample, (uint8_t *)state, 5, CHANGE_INSERT, &after, arena);
    ck_assert(vector_is_null(&after, 0));
    arena_free(arena);
}
END_TEST

START_TEST(test_listagg)
{
    Arena *arena = arena_new(4096);
    Vector literal;
    vector_init_constant(&literal, &type_string, arena);
    vector_set_valid(&literal, 0);
    vector_set_str(&literal, 0, STR(" + "), arena);
    const Type *types[] = {&type_string, &type_string};
    const Vector *literals[] = {NULL, &literal};
    const FunctionSite site = {types, literals, 2, time_zone_utc(), arena, NULL};
    BoundAggregate bound;
    ck_assert(aggregate_bind("LISTAGG", &site, false, &bound, NULL));
    Vector texts;
    Vector after;
    vector_init(&texts, &type_string, 4, arena);
    vector_init(&after, &type_string, 4, arena);
    vector_set_str(&texts, 0, STR("a"), arena);
    vector_set_null(&texts, 1, arena);
    vector_set_str(&texts, 2, STR("a text with more"), arena);
    vector_set_str(&texts, 3, STR("z"), arena);
    uint64_t state[8] = {0};
    uint8_t *states[] = {(uint8_t *)state, (uint8_t *)state, (uint8_t *)state, (uint8_t *)state};
    AggregateMemory memory = {memory_assign};
    const Vector *const args[] = {&texts, &literal};
    const AggregateUpdate update = {.args = args,
                                    .row_count = 4,
                                    .states = states,
                                    .after = &after,
                                    .memory = &memory,
                                    .arena = arena,
                                    .data = bound.data};
    ck_assert(bound.update(&update, NULL));
    ck_assert(str_equal(vector_str(&after, 1), STR("a")));
    ck_assert(str_equal(vector_str(&after, 3), STR("a + a text with more + z")));
    memory_assign(&memory, (StringView *)(void *)(states[0] + bound.string_offsets[0]), STR(""));
    arena_free(arena);
}
END_TEST

START_TEST(test_binding)
{
    static const struct {
        const char *name;
        const char *result;
    } results[] = {{"COUNT", "BIGINT NOT NULL"},
                   {"SUM", "DECIMAL(38, 2)"},
                   {"AVG", "DECIMAL(38, 6)"},
                   {"MIN", "DECIMAL(10, 2)"}};
    const Type narrow = type_make(TYPE_DECIMAL, false, 10, 2);
    Arena *arena = arena_new(4096);
    for (size_t i = 0; i < array_count(results); i++) {
        const BoundAggregate bound = bind_one(results[i].name, &narrow, false, arena);
        ck_assert_str_eq(type_text(arena, bound.result), results[i].result);
    }
    ck_assert(bind_one("MAX", &type_int, true, arena).ordered_when_retracting);
    ck_assert(bind_one("MAX", &type_int, true, arena).ordered_last);
    ck_assert(!bind_one("MIN", &type_int, true, arena).ordered_last);
    ck_assert(!bind_one("MAX", &type_int, false, arena).ordered_when_retracting);
    ck_assert(aggregate_exists("sum"));
    ck_assert(!aggregate_exists("UPPER"));

    const Type *types[] = {&type_string};
    const FunctionSite site = {types, NULL, 1, time_zone_utc(), arena, NULL};
    BoundAggregate bound;
    Error error = {0};
    ck_assert(!aggregate_bind("SUM", &site, false, &bound, &error));
    ck_assert_str_eq(error.message, "function \"SUM\" does not take (STRING)");
    ck_assert(!aggregate_bind("SUMM", &site, false, &bound, &error));
    ck_assert_str_eq(error.hint, "Did you mean \"SUM\"?");
    ck_assert(!aggregate_bind("LAST_VALUE", &site, true, &bound, &error));
    ck_assert_int_eq(error.code, ERROR_UNSUPPORTED);
    arena_free(arena);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("aggregates");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_retracting);
    tcase_add_test(tests, test_insert_only);
    tcase_add_test(tests, test_overflow);
    tcase_add_test(tests, test_merge);
    tcase_add_test(tests, test_variance);
    tcase_add_test(tests, test_listagg);
    tcase_add_test(tests, test_binding);
    return test_run("aggregates", tests);
}
