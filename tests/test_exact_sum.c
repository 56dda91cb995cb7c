/* Exact sums of floating point: rounded once, the same in any order, and after values were taken
 * away what they would be without them; from the smallest DOUBLE to the greatest. */
#include <math.h>

#include "functions/aggregate.h"
#include "tests/change_fold.h"
#include "tests/suite.h"

static void memory_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    char *copy = value.length == 0 ? NULL : memory_alloc(value.length);
    if (copy != NULL)
        memcpy(copy, value.data, value.length);
    if (slot->length > STRING_INLINE_MAX)
        memory_free((char *)(uintptr_t)slot->pointer);
    *slot = string_view_borrow(copy, value.length);
}

typedef struct Sums {
    Arena *arena;
    BoundAggregate bound;
    AggregateMemory memory;
} Sums;

static Sums sums_open(const char *name, const Type *type)
{
    Sums sums = {.arena = arena_new(4096), .memory.assign = memory_assign};
    const Type *types[] = {type};
    const Vector *literals[] = {NULL};
    FunctionSite site = {types, literals, 1, NULL, sums.arena, NULL};
    Error error = {0};
    ck_assert(aggregate_bind(name, &site, true, &sums.bound, &error));
    ck_assert(aggregate_make_exact(&sums.bound));
    return sums;
}

/* A state of a sum: 128 bytes are enough for it. */
typedef struct State {
    uint64_t bytes[16];
} State;

static void add(Sums *sums, State *state, double value, bool goes)
{
    Vector argument;
    vector_init(&argument, &type_double, 1, sums->arena);
    *(double *)argument.data = value;
    const Vector *args[] = {&argument};
    uint8_t *states[] = {(uint8_t *)state};
    uint8_t kind = goes ? CHANGE_DELETE : CHANGE_INSERT;
    AggregateUpdate update = {.args = args,
                              .row_count = 1,
                              .states = states,
                              .kinds = &kind,
                              .memory = &sums->memory,
                              .arena = sums->arena,
                              .data = sums->bound.data};
    Error error = {0};
    ck_assert_uint_le(sums->bound.state_bytes, sizeof(State));
    ck_assert(sums->bound.update(&update, &error));
}

/* As bits; all NaN are one. */
static uint64_t result(Sums *sums, State *state)
{
    Vector value;
    vector_init(&value, &type_double, 1, sums->arena);
    uint8_t *states[] = {(uint8_t *)state};
    Error error = {0};
    ck_assert(sums->bound.result_of(sums->bound.data, states, 1, &value, sums->arena, &error));
    if (vector_is_null(&value, 0))
        return 1;
    double number = *(const double *)value.data;
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return isnan(number) ? 2 : bits;
}

static void expect(Sums *sums, State *state, double expected)
{
    uint64_t bits;
    memcpy(&bits, &expected, sizeof(bits));
    ck_assert_uint_eq(result(sums, state), isnan(expected) ? 2 : bits);
}

/* Gives back the text. */
static void empty(Sums *sums, State *state)
{
    for (uint32_t k = 0; k < sums->bound.string_count; k++)
        memory_assign(NULL, (StringView *)(void *)((char *)state + sums->bound.string_offsets[k]),
                      (Str){"", 0});
    *state = (State){0};
}

START_TEST(what_went_leaves_nothing_behind)
{
    Sums sums = sums_open("SUM", &type_double);
    State state = {0};
    static const double values[] = {1e308,   1,         1e-300, 5e-324,    INFINITY, 1e16, 0.1,
                                    -1e-310, 0x1p-1022, NAN,    -INFINITY, -1e308,   1e308};
    enum { COUNT = array_count(values) };
    for (uint32_t i = 0; i < COUNT; i++)
        add(&sums, &state, values[i], false);
    expect(&sums, &state, NAN);
    add(&sums, &state, NAN, true);
    expect(&sums, &state, NAN); /* of two infinities */
    add(&sums, &state, INFINITY, true);
    expect(&sums, &state, -INFINITY);
    add(&sums, &state, -INFINITY, true);
    expect(&sums, &state, 1e308);
    add(&sums, &state, 1e308, true);
    add(&sums, &state, 1e16, true);
    expect(&sums, &state, 1.1);
    add(&sums, &state, 1, true);
    add(&sums, &state, 0.1, true);
    expect(&sums, &state, 1e-300 + (0x1p-1022 - 1e-310 + 5e-324));
    add(&sums, &state, 1e-300, true);
    expect(&sums, &state, 0x1p-1022 - 1e-310 + 5e-324);
    add(&sums, &state, 0x1p-1022, true);
    add(&sums, &state, -1e-310, true);
    expect(&sums, &state, 5e-324);
    add(&sums, &state, 5e-324, true);
    add(&sums, &state, 1e308, false);
    expect(&sums, &state, 1e308); /* 1e308 - 1e308 + 1e308 */
    add(&sums, &state, 1e308, false);
    expect(&sums, &state, INFINITY); /* too large for a DOUBLE, and only for that */
    add(&sums, &state, 1e308, true);
    add(&sums, &state, 1e308, true);
    add(&sums, &state, -1e308, true);
    add(&sums, &state, 1e308, true);
    ck_assert_uint_eq(result(&sums, &state), 1);
    empty(&sums, &state);
    arena_free(sums.arena);
}
END_TEST

static uint64_t random_word(TestRandom *random)
{
    return (uint64_t)test_below(random, UINT32_MAX) << 32 | test_below(random, UINT32_MAX);
}

/* Whole numbers of 2^-40 whose sum a 128-bit one is. */
START_TEST(sums_are_rounded_once)
{
    Sums sums = sums_open("SUM", &type_double);
    TestRandom random = test_random("exact sums");
    State state = {0};
    int128_t sum = 0;
    static double live[512];
    uint32_t count = 0;
    for (uint32_t step = 0; step < 20000; step++) {
        bool goes = count == array_count(live) || (count > 1 && test_below(&random, 5) < 2);
        uint32_t at = goes ? test_below(&random, count) : count;
        if (!goes)
            live[count++] =
                ldexp((double)(int64_t)(random_word(&random) >> (11 + test_below(&random, 40))) *
                          (test_below(&random, 2) == 0 ? 1 : -1),
                      (int)test_below(&random, 60) - 40);
        double value = live[at];
        int128_t whole = (int128_t)ldexp(value, 40);
        add(&sums, &state, value, goes);
        sum += goes ? -whole : whole;
        if (goes)
            live[at] = live[--count];
        if (step % 8 == 0)
            arena_reset(sums.arena);
        expect(&sums, &state, ldexp((double)sum, -40));
    }
    empty(&sums, &state);
    arena_free(sums.arena);
}
END_TEST

/* Values of all sizes: whatever came and went, the sum is that of those that are there. */
START_TEST(the_order_does_not_matter)
{
    Sums sums = sums_open("AVG", &type_double);
    TestRandom random = test_random("exact sums in any order");
    static double live[64];
    State state = {0};
    uint32_t count = 0;
    for (uint32_t step = 0; step < 4000; step++) {
        bool goes = count == array_count(live) || (count > 0 && test_below(&random, 5) < 2);
        uint32_t at = goes ? test_below(&random, count) : count;
        if (!goes) {
            uint64_t bits = random_word(&random);
            uint32_t wide = test_below(&random, 3);
            uint64_t exponent =
                wide == 0 ? test_below(&random, 2047) : 1000 + test_below(&random, 90 * wide);
            bits = (bits & ~(UINT64_C(0x7FF) << 52)) | exponent << 52;
            memcpy(&live[count++], &bits, sizeof(bits));
        }
        add(&sums, &state, live[at], goes);
        if (goes)
            live[at] = live[--count];
        State again = {0};
        for (uint32_t i = 0; i < count; i++)
            add(&sums, &again, live[(i * 37 + step) % count], false);
        if (count % 37 != 0)
            ck_assert_uint_eq(result(&sums, &state), result(&sums, &again));
        empty(&sums, &again);
        arena_reset(sums.arena);
    }
    empty(&sums, &state);
    arena_free(sums.arena);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("exact_sum");
    tcase_add_test(cases, what_went_leaves_nothing_behind);
    tcase_add_test(cases, sums_are_rounded_once);
    tcase_add_test(cases, the_order_does_not_matter);
    return test_run("exact_sum", cases);
}
