/* DISTINCT over rows that only come: which values each group has seen, as bits.
 *
 * A record is one word. Its key is the number of the group, eight bytes, and then
 *
 *     one integer argument   the value without its low bits: 64 / slots neighbours share a word,
 *                            as ids that are handed out one after the other do
 *     anything else          the encoded value, which has the word for itself
 *
 * so that a row asks all filters at once with one probe of a short key. NULL of an integer is the
 * group's number alone. With a TTL no values share a word, since each is forgotten by itself.
 *
 * Groups are numbered within their key group, from 1, in the order they came; the number stands in
 * the group's record and goes where the group goes. A group that expired and comes back has a new
 * number: what it left behind expires as well.
 *
 * Cost: one prefetched probe a set and word that a batch asks for; 40 bytes a value that stands
 * alone, less than 8 where values are neighbours. */
#include "executor/aggregate/distinct.h"

#define KEY_BYTES 16 /* group's number, page */
#define SEEN_BITS 9  /* words of a batch that are told apart at once */

static bool is_integer(PhysicalType physical)
{
    return physical == PHYSICAL_I8 || physical == PHYSICAL_I16 || physical == PHYSICAL_I32 ||
           physical == PHYSICAL_I64;
}

void distinct_pages_shape(const Aggregate *aggregate, DistinctSet *set)
{
    const Schema *input = aggregate->base.context->node->inputs[0].node->schema;
    set->in_pages =
        set->argument_count == 1 && is_integer(input->columns[set->arguments[0]].type->physical);
    uint32_t values = DISTINCT_SLOTS_MAX / set->slot_count;
    set->page_bits = 31 - (uint32_t)__builtin_clz(values);
    if (!set->in_pages || aggregate->plan->state_ttl_ms > 0)
        set->page_bits = 0;
}

/* --------------------------------------------------------------------- keys */

/* What a batch asks: for each of its rows a key, and where in the word its bits begin. */
typedef struct Questions {
    uint32_t count;
    const uint32_t *rows;
    Str *keys;
    uint64_t *hashes;
    uint8_t *shifts;
} Questions;

/* It stands first in the group's record. */
static uint64_t group_number(const AggregateBatch *work, uint32_t row)
{
    return *(const uint64_t *)work->records[row];
}

#define DEFINE_PAGE_KEYS(name, type)                                                               \
    static void page_keys_##name(const DistinctSet *set, const AggregateBatch *work,               \
                                 const Questions *ask, char *room)                                 \
    {                                                                                              \
        const Vector *column = &work->in->columns[set->arguments[0]];                              \
        const type *values = column->data;                                                         \
        int64_t low = ((int64_t)1 << set->page_bits) - 1;                                          \
        for (uint32_t i = 0; i < ask->count; i++, room += KEY_BYTES) {                             \
            uint32_t row = ask->rows[i];                                                           \
            bool null = vector_is_null(column, row);                                               \
            int64_t value = null ? 0 : (int64_t)values[vector_index(column, row)];                 \
            int64_t page = value >> set->page_bits;                                                \
            uint64_t group = group_number(work, row);                                              \
            memcpy(room, &group, sizeof(group));                                                   \
            memcpy(room + sizeof(group), &page, sizeof(page));                                     \
            ask->keys[i] = (Str){room, null ? sizeof(group) : KEY_BYTES};                          \
            ask->shifts[i] = (uint8_t)((uint64_t)(value & low) * set->slot_count);                 \
        }                                                                                          \
    }
DEFINE_PAGE_KEYS(i8, int8_t)
DEFINE_PAGE_KEYS(i16, int16_t)
DEFINE_PAGE_KEYS(i32, int32_t)
DEFINE_PAGE_KEYS(i64, int64_t)

static void page_keys(const DistinctSet *set, const AggregateBatch *work, const Questions *ask)
{
    char *room = arena_alloc(work->arena, (size_t)KEY_BYTES * ask->count);
    switch (work->in->columns[set->arguments[0]].type->physical) {
    case PHYSICAL_I8:
        page_keys_i8(set, work, ask, room);
        break;
    case PHYSICAL_I16:
        page_keys_i16(set, work, ask, room);
        break;
    case PHYSICAL_I32:
        page_keys_i32(set, work, ask, room);
        break;
    default:
        page_keys_i64(set, work, ask, room);
    }
}

/* The group's number before each encoded value. */
static void value_keys(DistinctSet *set, const AggregateBatch *work, const Questions *ask)
{
    for (uint32_t c = 0; c < set->argument_count; c++)
        set->columns[c] = &work->in->columns[set->arguments[c]];
    Str *values = arena_alloc(work->arena, sizeof(Str) * ask->count);
    row_encode(set->layout, set->columns, ask->rows, ask->count, work->arena, values);
    size_t bytes = 0;
    for (uint32_t i = 0; i < ask->count; i++)
        bytes += values[i].length + sizeof(uint64_t);
    char *room = arena_alloc(work->arena, bytes);
    for (uint32_t i = 0; i < ask->count; i++) {
        uint64_t group = group_number(work, ask->rows[i]);
        memcpy(room, &group, sizeof(group));
        memcpy(room + sizeof(group), values[i].data, values[i].length);
        ask->keys[i] = (Str){room, values[i].length + sizeof(group)};
        ask->shifts[i] = 0;
        room += ask->keys[i].length;
    }
}

/* ------------------------------------------------------------------- update */

static void mark_fresh(DistinctSet *set, uint32_t row, uint64_t fresh)
{
    for (; fresh != 0; fresh &= fresh - 1)
        set->masks[__builtin_ctzll(fresh)][row] = 1;
}

/* Whether two questions are one. Numbers of groups are told apart within a key group only. */
static bool same_question(const AggregateBatch *work, const Questions *ask, uint32_t a, uint32_t b)
{
    return ask->keys[a].length == ask->keys[b].length &&
           memcmp(ask->keys[a].data, ask->keys[b].data, KEY_BYTES) == 0 &&
           work->hashes[ask->rows[a]] >> 32 == work->hashes[ask->rows[b]] >> 32;
}

/* Most rows ask for a word that another row of the batch asks for as well, as ids that are in use
 * stand close together. Moves the questions that differ, as far as that is cheap to see, to the
 * front, where `firsts` has the first row of each, and fills `asked` with each row's question;
 * returns how many there are. */
static uint32_t merge_questions(const AggregateBatch *work, Questions *ask, uint32_t *firsts,
                                uint32_t *asked)
{
    uint32_t *seen = arena_zalloc(work->arena, sizeof(uint32_t) << SEEN_BITS); /* row + 1 */
    uint32_t count = 0;
    for (uint32_t i = 0; i < ask->count; i++) {
        uint64_t words[2];
        memcpy(words, ask->keys[i].data, sizeof(words));
        uint64_t mixed =
            (words[0] * UINT64_C(0x9E3779B97F4A7C15) + words[1]) * UINT64_C(0xD1B54A32D192ED03);
        uint32_t *slot = &seen[mixed >> (64 - SEEN_BITS)];
        if (*slot != 0 && same_question(work, ask, *slot - 1, i)) {
            asked[i] = asked[*slot - 1];
            continue;
        }
        firsts[count] = i;
        asked[i] = count++;
        *slot = i + 1;
    }
    return count;
}

/* The words that a batch asks for, made where they are missing; asked[i] says which is row i's. */
static void **find_words(const DistinctSet *set, AggregateBatch *work, Questions *ask,
                         uint32_t *asked)
{
    uint32_t *firsts = arena_alloc(work->arena, sizeof(uint32_t) * ask->count);
    uint32_t count = ask->count;
    if (set->in_pages)
        count = merge_questions(work, ask, firsts, asked);
    for (uint32_t i = 0; i < count; i++) {
        if (set->in_pages)
            ask->keys[i] = ask->keys[firsts[i]];
        else
            asked[i] = firsts[i] = i;
    }
    hash_many(ask->keys, count, ask->hashes);
    /* A value is kept where its group is: the rows came here by the group's key. */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t group_hash = work->hashes[ask->rows[firsts[i]]];
        ask->hashes[i] = (group_hash >> 32 << 32) | (uint32_t)ask->hashes[i];
    }
    void **words = arena_alloc(work->arena, sizeof(void *) * count);
    state_value_get_or_create(set->table, ask->keys, ask->hashes, count, words, NULL);
    return words;
}

void distinct_pages_update(const Aggregate *aggregate, DistinctSet *set, AggregateBatch *work,
                           const uint32_t *rows, uint32_t count)
{
    Questions ask = {
        .count = count,
        .rows = rows,
        .keys = arena_alloc(work->arena, sizeof(Str) * count),
        .hashes = arena_alloc(work->arena, sizeof(uint64_t) * count),
        .shifts = arena_alloc(work->arena, count),
    };
    if (set->in_pages)
        page_keys(set, work, &ask);
    else
        value_keys(set, work, &ask);
    uint32_t *asked = arena_alloc(work->arena, sizeof(uint32_t) * count);
    void **words = find_words(set, work, &ask, asked);
    bool keeps_alive = aggregate->plan->state_ttl_ms > 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *word = words[asked[i]];
        uint64_t fresh = set->passes[rows[i]] & ~(*word >> ask.shifts[i]);
        if (fresh == 0 && !keeps_alive)
            continue;
        *word |= fresh << ask.shifts[i];
        state_touch(set->table, word);
        mark_fresh(set, rows[i], fresh);
    }
}
