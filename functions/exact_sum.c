/* SUM and AVG of FLOAT and DOUBLE that can take values away again.
 *
 * Every DOUBLE is a whole number of the smallest one, 2^-1074. The sum is kept as such a number,
 * exactly, and rounded once, to the nearest, when somebody wants it: so it does not depend on the
 * order of the values, and when some are taken away it is what it would be had they never come.
 *
 * Three words of 64 bits, wherever the bits of the values are, hold a sum as long as these are
 * within some hundred bits of each other. A sum that needs more, NaN and the infinities among it,
 * is a text with all 34 words, and comes back when it is small enough.
 *
 * Cost: two or three additions a value; a few hundred bytes are copied where the text is in use. */
#include "functions/aggregate_internal.h"

#include <math.h>

#define NEAR_WORDS 3
/* 2098 bits of values, 63 of their number, a sign. */
#define ALL_WORDS 34

typedef struct ExactSum {
    int64_t count;
    uint32_t low; /* the first of the words, of all */
    uint32_t unused;
    uint64_t words[NEAR_WORDS]; /* two's complement; the top two bits are the same */
    StringView all;             /* AllWords; empty: `words` are the sum */
} ExactSum;

typedef struct AllWords {
    int64_t nans, infinities[2]; /* positive, negative */
    uint64_t words[ALL_WORDS];
} AllWords;

/* ------------------------------------------------------------------------ words */

static uint64_t sign_of(uint64_t word)
{
    return (uint64_t)((int64_t)word >> 63);
}

/* Adds value << 64 * at, or takes it away, up to the last word. */
static void words_add(uint64_t *words, uint32_t count, uint32_t at, uint128_t value, bool negative)
{
    uint64_t parts[2] = {(uint64_t)value, (uint64_t)(value >> 64)};
    uint64_t carry = 0;
    for (uint32_t i = at; i < count; i++) {
        uint64_t part = i - at < 2 ? parts[i - at] : 0;
        if (i - at >= 2 && carry == 0)
            return;
        uint64_t before = words[i];
        if (negative) {
            words[i] = before - part - carry;
            carry = before < part || before - part < carry;
        } else {
            words[i] = before + part + carry;
            carry = words[i] < before || (carry != 0 && words[i] == before && part != 0);
        }
    }
}

/* Makes `at` the first of the near words; false when that would lose something. */
static bool move_low(ExactSum *sum, uint32_t at)
{
    uint64_t *words = sum->words;
    if ((words[0] | words[1] | words[2]) == 0) {
        sum->low = at;
        return true;
    }
    while (sum->low > at) {
        if (words[2] != sign_of(words[1]) || sign_of(words[1]) != sign_of(words[1] << 1))
            return false;
        words[2] = words[1];
        words[1] = words[0];
        words[0] = 0;
        sum->low--;
    }
    while (sum->low < at) {
        if (words[0] != 0)
            return false;
        words[0] = words[1];
        words[1] = words[2];
        words[2] = sign_of(words[2]);
        sum->low++;
    }
    return true;
}

/* -------------------------------------------------------------------- all words */

static void spread(const ExactSum *sum, AllWords *all)
{
    *all = (AllWords){0};
    if (sum->all.length != 0) {
        memcpy(all, string_view_str(&sum->all).data, sizeof(*all));
        return;
    }
    uint64_t sign = sign_of(sum->words[NEAR_WORDS - 1]);
    for (uint32_t i = sum->low; i < ALL_WORDS; i++)
        all->words[i] = i - sum->low < NEAR_WORDS ? sum->words[i - sum->low] : sign;
}

/* Whether the sum fits into the near words, which are then set. */
static bool gather(ExactSum *sum, const AllWords *all)
{
    if (all->nans != 0 || all->infinities[0] != 0 || all->infinities[1] != 0)
        return false;
    uint32_t low = 0, end = ALL_WORDS;
    while (low < ALL_WORDS && all->words[low] == 0)
        low++;
    uint64_t sign = sign_of(all->words[ALL_WORDS - 1]);
    while (end > 0 && all->words[end - 1] == sign)
        end--;
    uint64_t words[NEAR_WORDS];
    for (uint32_t i = 0; i < NEAR_WORDS; i++)
        words[i] = low + i < ALL_WORDS ? all->words[low + i] : sign;
    uint64_t top = words[NEAR_WORDS - 1];
    if (end > low + NEAR_WORDS || sign_of(top) != sign || sign_of(top << 1) != sign)
        return false;
    memcpy(sum->words, words, sizeof(words));
    sum->low = low == ALL_WORDS ? 0 : low;
    return true;
}

static void keep(ExactSum *sum, const AllWords *all, AggregateMemory *memory)
{
    Str text = {(const char *)all, sizeof(*all)};
    memory->assign(memory, &sum->all, gather(sum, all) ? (Str){"", 0} : text);
}

static void add_far(ExactSum *sum, double value, uint32_t at, uint128_t shifted, bool negative,
                    bool retracts, AggregateMemory *memory)
{
    AllWords all;
    spread(sum, &all);
    if (isnan(value))
        all.nans += retracts ? -1 : 1;
    else if (isinf(value))
        all.infinities[value < 0] += retracts ? -1 : 1;
    else
        words_add(all.words, ALL_WORDS, at, shifted, negative);
    keep(sum, &all, memory);
}

/* ---------------------------------------------------------------------- values */

static void exact_add(ExactSum *sum, double value, bool retracts, AggregateMemory *memory)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint32_t exponent = (uint32_t)(bits >> 52) & 0x7FF;
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent != 0)
        mantissa |= UINT64_C(1) << 52;
    uint32_t shift = exponent == 0 ? 0 : exponent - 1;
    uint32_t at = shift / 64;
    uint128_t shifted = (uint128_t)mantissa << (shift % 64);
    bool negative = (bits >> 63 != 0) != retracts;
    sum->count += retracts ? -1 : 1;
    if (mantissa == 0)
        return;
    /* Within the near words a value ends below the last, which is for carries and the sign. */
    bool is_near = exponent != 0x7FF && sum->all.length == 0;
    if (is_near && (at < sum->low || at > sum->low + 1))
        is_near = move_low(sum, at < sum->low ? at : at - 1);
    if (!is_near) {
        add_far(sum, value, at, shifted, negative, retracts, memory);
        return;
    }
    words_add(sum->words, NEAR_WORDS, at - sum->low, shifted, negative);
    uint64_t top = sum->words[NEAR_WORDS - 1];
    if (sign_of(top) == sign_of(top << 1))
        return;
    AllWords all;
    spread(sum, &all);
    memory->assign(memory, &sum->all, (Str){(const char *)&all, sizeof(all)});
}

static bool bit_at(const uint64_t *words, uint32_t bit)
{
    return (words[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Of a number that is not negative: to the nearest, of two equally near ones the even. */
static double round_words(const uint64_t *words, uint32_t count, uint32_t first_bit)
{
    uint32_t top = count;
    while (top > 0 && words[top - 1] == 0)
        top--;
    if (top == 0)
        return 0;
    uint32_t last = top * 64 - 1 - (uint32_t)__builtin_clzll(words[top - 1]);
    uint32_t from = last > 52 ? last - 52 : 0;
    uint64_t mantissa = words[from / 64] >> (from % 64);
    if (from % 64 != 0 && from / 64 + 1 < count)
        mantissa |= words[from / 64 + 1] << (64 - from % 64);
    mantissa &= (UINT64_C(1) << 53) - 1;
    if (from > 0 && bit_at(words, from - 1)) {
        bool beyond = false;
        for (uint32_t i = 0; !beyond && i < (from - 1) / 64; i++)
            beyond = words[i] != 0;
        beyond = beyond || (words[(from - 1) / 64] & ((UINT64_C(1) << ((from - 1) % 64)) - 1)) != 0;
        mantissa += beyond || (mantissa & 1) != 0;
    }
    return ldexp((double)mantissa, (int)(first_bit + from) - 1074);
}

static double round_signed(const uint64_t *words, uint32_t count, uint32_t first_bit)
{
    uint64_t positive[ALL_WORDS];
    bool negative = sign_of(words[count - 1]) != 0;
    uint64_t carry = 1;
    for (uint32_t i = 0; i < count; i++) {
        positive[i] = negative ? ~words[i] + carry : words[i];
        carry = carry != 0 && words[i] == 0;
    }
    double rounded = round_words(positive, count, first_bit);
    return negative ? -rounded : rounded;
}

static double exact_value(const ExactSum *sum)
{
    if (sum->all.length == 0)
        return round_signed(sum->words, NEAR_WORDS, sum->low * 64);
    AllWords all;
    spread(sum, &all);
    if (all.nans != 0 || (all.infinities[0] != 0 && all.infinities[1] != 0))
        return NAN;
    if (all.infinities[0] != 0 || all.infinities[1] != 0)
        return all.infinities[0] != 0 ? INFINITY : -INFINITY;
    return round_signed(all.words, ALL_WORDS, 0);
}

/* --------------------------------------------------------------------- kernels */

static void exact_empty(ExactSum *sum, const AggregateUpdate *update)
{
    update->memory->assign(update->memory, &sum->all, (Str){"", 0});
    *sum = (ExactSum){0};
}

static inline void exact_apply(ExactSum *sum, double value, bool retracts,
                               const AggregateUpdate *update)
{
    exact_add(sum, value, retracts, update->memory);
}

#define EXACT_KERNELS(tag, T)                                                                      \
    static inline void sum_put_##tag(const void *data, const ExactSum *sum, Vector *out,           \
                                     uint32_t row, Arena *arena)                                   \
    {                                                                                              \
        if (sum->count == 0)                                                                       \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            ((T *)out->data)[row] = (T)exact_value(sum);                                           \
    }                                                                                              \
    static inline void avg_put_##tag(const void *data, const ExactSum *sum, Vector *out,           \
                                     uint32_t row, Arena *arena)                                   \
    {                                                                                              \
        if (sum->count == 0)                                                                       \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            ((T *)out->data)[row] = (T)(exact_value(sum) / (double)sum->count);                    \
    }                                                                                              \
    AGGREGATE_UPDATE(sum_update_##tag, ExactSum, T, exact_apply, sum_put_##tag, exact_empty)       \
    AGGREGATE_UPDATE(avg_update_##tag, ExactSum, T, exact_apply, avg_put_##tag, exact_empty)       \
    AGGREGATE_RESULT(sum_result_##tag, ExactSum, sum_put_##tag)                                    \
    AGGREGATE_RESULT(avg_result_##tag, ExactSum, avg_put_##tag)
EXACT_KERNELS(f32, float)
EXACT_KERNELS(f64, double)

bool aggregate_make_exact(BoundAggregate *bound)
{
    static const uint32_t text_offset[] = {offsetof(ExactSum, all)};
    bool average = strcmp(bound->function->name, "AVG") == 0;
    if (!average && strcmp(bound->function->name, "SUM") != 0)
        return false;
    if (bound->result->kind != TYPE_FLOAT && bound->result->kind != TYPE_DOUBLE)
        return false;
    bool single = bound->result->kind == TYPE_FLOAT;
    bound->state_bytes = sizeof(ExactSum);
    bound->string_offsets = text_offset;
    bound->string_count = 1;
    if (single) {
        bound->update = average ? avg_update_f32 : sum_update_f32;
        bound->result_of = average ? avg_result_f32 : sum_result_f32;
    } else {
        bound->update = average ? avg_update_f64 : sum_update_f64;
        bound->result_of = average ? avg_result_f64 : sum_result_f64;
    }
    bound->merge = NULL;
    return true;
}
