/* ORDERED tables against a sorted array: random changes, neighbours, positions, payloads,
 * snapshots, folds, restores at another parallelism. */
#include "state/state_entries.h"
#include "tests/state_instances.h"
#include "tests/suite.h"

#define KEYS   6
#define SORTS  4000
#define TREES  20 /* looked into together */
#define GROUPS 4

static const StateSpec spec = {
    .name = "ranks", .kind = STATE_ORDERED, .record_bytes = 8, .description = "k, s -> n"};

/* Sort key number n has the n-th place in memcmp order: big-endian, and lengths that differ. */
typedef struct Model {
    bool there[KEYS][SORTS];
    int64_t numbers[KEYS][SORTS];
    uint8_t payloads[KEYS][SORTS]; /* how long; every byte says so */
} Model;

static Str sort_key(char *buffer, uint32_t n)
{
    buffer[0] = (char)(n >> 8);
    buffer[1] = (char)n;
    memset(buffer + 2, 'x', n % 5);
    return (Str){buffer, 2 + n % 5};
}

static uint32_t sort_number(Str key)
{
    return (uint32_t)(uint8_t)key.data[0] << 8 | (uint8_t)key.data[1];
}

static void check_neighbours(const Place *place, const Model *model, uint32_t k, uint32_t n)
{
    char buffer[16];
    Str at = sort_key(buffer, n);
    Str found;
    int32_t after = (int32_t)n + 1;
    while (after < SORTS && !model->there[k][after])
        after++;
    int64_t *record = state_ordered_after(place->table, place->key, place->hash, at, &found);
    ck_assert_int_eq(record != NULL, after < SORTS);
    if (record != NULL) {
        ck_assert_int_eq(sort_number(found), after);
        ck_assert(*record == model->numbers[k][after]);
    }
    int32_t before = (int32_t)n - 1;
    while (before >= 0 && !model->there[k][before])
        before--;
    record = state_ordered_before(place->table, place->key, place->hash, at, &found);
    ck_assert_int_eq(record != NULL, before >= 0);
    if (record != NULL) {
        ck_assert_int_eq(sort_number(found), before);
        ck_assert(*record == model->numbers[k][before]);
    }
    record = state_ordered_find(place->table, place->key, place->hash, at);
    ck_assert_int_eq(record != NULL, model->there[k][n]);
}

static StateTree *tree_of(const Place *place)
{
    StateTree *tree;
    state_ordered_trees(place->table, &place->key, &place->hash, 1, &tree);
    return tree;
}

static void check_payload(const Place *place, const Model *model, uint32_t k, uint32_t n,
                          const void *record)
{
    Str payload = state_tree_payload(place->table, record);
    bool same = payload.length == model->payloads[k][n];
    for (size_t i = 0; same && i < payload.length; i++)
        same = (uint8_t)payload.data[i] == model->payloads[k][n];
    if (!same)
        ck_abort_msg("the payload of %u is not %u bytes", n, model->payloads[k][n]);
}

/* A new entry whose payload is written before its place is known; another is given back. */
static int64_t *put_made(const Place *place, const Model *model, uint32_t k, uint32_t n, Str sort,
                         bool makes_tree)
{
    StateTree *tree = tree_of(place);
    if (makes_tree)
        state_ordered_make_trees(place->table, &place->key, &place->hash, 1, &tree);
    uint8_t length = model->payloads[k][n];
    char *payload;
    void *spare = state_entry_new(place->table, place->hash, sort.length, length, &payload);
    int64_t *record = state_entry_new(place->table, place->hash, sort.length, length, &payload);
    state_entry_discard(place->table, spare);
    memset(payload, length, length);
    StateCursor cursor;
    uint64_t head = 0;
    const void *before = state_cursor_place(place->table, tree, sort, &cursor, &head);
    int32_t expected = (int32_t)n - 1;
    while (expected >= 0 && !model->there[k][expected])
        expected--;
    ck_assert_int_eq(before != NULL, expected >= 0);
    if (before != NULL) {
        Str other = state_tree_sort_key(place->table, before);
        ck_assert_int_eq(sort_number(other), expected);
        ck_assert(head == state_sort_head(other));
    }
    state_cursor_enter(place->table, &tree, place->key, place->hash, &cursor, sort, record);
    ck_assert_ptr_eq(tree, state_tree_of(place->table, record));
    Str last = state_tree_sort_key(place->table, state_tree_last(tree));
    ck_assert(state_tree_last_head(tree) == state_sort_head(last));
    return record;
}

/* One change by key, or by tree and with a payload. */
static int64_t *put(const Place *place, Model *model, Random *random, uint32_t k, uint32_t n,
                    bool *created)
{
    char buffer[16];
    Str sort = sort_key(buffer, n);
    if (random_below(random, 2) == 0) {
        int64_t *record = state_ordered_put(place->table, place->key, place->hash, sort, created);
        if (*created)
            model->payloads[k][n] = 0;
        return record;
    }
    uint8_t length = (uint8_t)random_below(random, 80);
    char payload[80];
    memset(payload, length, sizeof(payload));
    model->payloads[k][n] = length;
    if (!model->there[k][n] && random_below(random, 2) == 0) {
        *created = true;
        return put_made(place, model, k, n, sort, random_below(random, 2) == 0);
    }
    StateTree *tree = tree_of(place);
    const void *last = state_tree_last(tree);
    bool is_behind = last == NULL || sort_number(state_tree_sort_key(place->table, last)) < n;
    *created = is_behind;
    if (is_behind && random_below(random, 4) != 0)
        return state_tree_append(place->table, &tree, place->key, place->hash, sort,
                                 (Str){payload, length});
    int64_t *record = state_tree_put(place->table, &tree, place->key, place->hash, sort,
                                     (Str){payload, length}, created);
    ck_assert_ptr_eq(tree, state_tree_of(place->table, record));
    return record;
}

static void drop(const Place *place, Random *random, Str sort)
{
    if (random_below(random, 2) == 0) {
        state_ordered_remove(place->table, place->key, place->hash, sort);
        return;
    }
    StateTree *tree = tree_of(place);
    void *record = state_tree_find(place->table, tree, sort);
    if (record != NULL)
        ck_assert_int_eq(state_tree_size(tree) == 1, state_tree_remove(place->table, record));
}

/* `mode` 0: anywhere; 1: grows at the end; 2: shrinks from the front. */
static void change(Instances *instances, Model *model, Random *random, uint32_t steps,
                   uint32_t mode)
{
    uint32_t next = 0;
    for (uint32_t step = 0; step < steps; step++) {
        if (instances->ahead != NULL)
            chunks_add_ahead(instances->ahead,
                             instances->stores[random_below(random, instances->count)], random);
        Place place;
        char buffer[16];
        uint32_t k = random_below(random, KEYS);
        uint32_t n = mode == 0 ? random_below(random, k < 2 ? 20 : SORTS) : next++ % SORTS;
        instances_place(instances, k, &place);
        Str sort = sort_key(buffer, n);
        bool remove = mode == 2 || (mode == 0 && random_below(random, 5) < 2);
        if (remove) {
            drop(&place, random, sort);
            model->there[k][n] = false;
        } else {
            bool created;
            int64_t *record = put(&place, model, random, k, n, &created);
            ck_assert_int_eq(created, !model->there[k][n]);
            ck_assert(*record == (created ? 0 : model->numbers[k][n]));
            *record = (int64_t)random_next(random);
            state_touch(place.table, record);
            model->numbers[k][n] = *record;
            model->there[k][n] = true;
        }
        if (step % 16 == 0)
            check_neighbours(&place, model, k, n);
    }
}

/* Reading ahead reads nothing that is not there, and changes nothing. */
static void read_ahead(const Instances *instances, uint32_t n)
{
    StateTree *trees[TREES];
    Str keys[TREES];
    char buffers[TREES][16];
    for (uint32_t i = 0; i < TREES; i++) {
        Place place;
        instances_place(instances, (n + i) % KEYS, &place);
        trees[i] = tree_of(&place);
        keys[i] = sort_key(buffers[i], (n * 7 + i * 131) % SORTS);
    }
    for (uint32_t count = 0; count <= TREES; count += 4)
        state_trees_prefetch_around(trees, keys, count, n % 40, n % 23);
    state_trees_prefetch_ends(trees, TREES, n % 50);
    state_trees_prefetch_last(trees, TREES);
}

static void verify(const Instances *instances, const Model *model)
{
    for (uint32_t n = 0; n < 200; n++)
        read_ahead(instances, n);
    for (uint32_t k = 0; k < KEYS; k++) {
        Place place;
        instances_place(instances, k, &place);
        Str sort = {0};
        int64_t *record = state_ordered_first(place.table, place.key, place.hash, &sort);
        StateTree *tree = tree_of(&place);
        StateCursor cursor;
        uint32_t last = 0, seen = 0;
        char buffer[16];
        for (uint32_t n = 0; n < SORTS; n++) {
            if (n % 64 == 0)
                ck_assert_uint_eq(state_tree_position(place.table, tree, sort_key(buffer, n)),
                                  seen);
            if (!model->there[k][n])
                continue;
            const void *there =
                seen == 0 ? state_cursor_at(tree, 0, &cursor) : state_cursor_next(&cursor);
            if (there != record || state_tree_at(tree, seen) != record)
                ck_abort_msg("entry %u is not the one at position %u", n, seen);
            if (state_tree_from_end(tree, state_tree_size(tree) - 1 - seen) != record)
                ck_abort_msg("entry %u is not %u before the end", n, seen);
            const void *behind = state_tree_at(tree, seen + 1);
            ck_assert_ptr_eq(state_cursor_peek(&cursor), behind);
            check_payload(&place, model, k, n, record);
            ck_assert_ptr_nonnull(record);
            ck_assert_uint_eq(sort_number(sort), n);
            ck_assert(*record == model->numbers[k][n]);
            last = n;
            seen++;
            record = state_ordered_after(place.table, place.key, place.hash, sort, &sort);
        }
        ck_assert_ptr_null(record);
        ck_assert_uint_eq(state_tree_size(tree), seen);
        ck_assert_ptr_null(state_tree_at(tree, seen));
        ck_assert_ptr_null(state_tree_from_end(tree, seen));
        record = state_ordered_last(place.table, place.key, place.hash, &sort);
        ck_assert_int_eq(record != NULL, seen != 0);
        if (record != NULL)
            ck_assert_uint_eq(sort_number(sort), last);
    }
}

START_TEST(random_changes_survive_snapshot_fold_and_rescaling)
{
    Random random = random_start("ordered");
    Model *model = memory_zalloc(sizeof(*model));
    Instances instances = instances_new(1, GROUPS, &spec);
    Chunks chunks = chunks_new();
    for (uint32_t round = 0; round < 16; round++) {
        instances.ahead = round % 5 == 4 ? NULL : &chunks;
        change(&instances, model, &random, 1 + random_below(&random, 6000), round % 4 % 3);
        verify(&instances, model);
        instances_snapshot(&instances, &chunks);
        if (random_below(&random, 2) == 0)
            chunks_fold(&chunks, GROUPS);
        if (random_below(&random, 2) == 0)
            continue;
        instances_restart(&instances, 1 + random_below(&random, 2), &spec, &chunks);
        verify(&instances, model);
    }
    instances_free(&instances);
    chunks_free(&chunks);
    memory_free(model);
}
END_TEST

START_TEST(a_large_tree_empties_in_any_order)
{
    Random random = random_start("ordered tree");
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(store, &spec);
    Str key = STR("k");
    uint64_t hash = hash_bytes(key.data, key.length);
    enum { COUNT = 50000 };
    uint32_t *order = memory_alloc(COUNT * sizeof(uint32_t));
    for (uint32_t i = 0; i < COUNT; i++)
        order[i] = i;
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = COUNT - 1; i > 0; i--) {
            uint32_t j = random_below(&random, i + 1);
            uint32_t swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t big_endian = __builtin_bswap32(order[i]);
            Str sort = {(const char *)&big_endian, 4};
            if (round == 0)
                *(int64_t *)state_ordered_put(table, key, hash, sort, NULL) = order[i];
            else
                state_ordered_remove(table, key, hash, sort);
        }
        Str found;
        int64_t *first = state_ordered_first(table, key, hash, &found);
        if (round == 0)
            ck_assert(first != NULL && *first == 0);
        else
            ck_assert_ptr_null(first);
    }
    ck_assert_uint_le(state_store_bytes(store), 64);
    memory_free(order);
    state_store_free(store);
}
END_TEST

/* The least payload of some, and of equal ones the first. */
static bool payload_counts(void *to, uint32_t choice, const void *record)
{
    return state_tree_payload(*(StateTable *const *)to, record).data[choice] % 7 != 0;
}

static bool payload_wins(void *to, uint32_t choice, const void *record, const void *other)
{
    const StateTable *table = *(StateTable *const *)to;
    char a = state_tree_payload(table, record).data[choice];
    char b = state_tree_payload(table, other).data[choice];
    if (a != b)
        return choice == 0 ? a < b : a > b;
    return memcmp(state_tree_sort_key(table, record).data, state_tree_sort_key(table, other).data,
                  4) < 0;
}

static void check_choice(StateTable *table, const StateTree *tree, Random *random)
{
    uint32_t choice = random_below(random, 2), size = state_tree_size(tree);
    uint32_t first = random_below(random, size + 1), end = first + random_below(random, size + 2);
    const void *best = NULL;
    for (uint32_t at = first; at < end && at < size; at++) {
        const void *record = state_tree_at(tree, at);
        if (payload_counts(&table, choice, record) &&
            (best == NULL || payload_wins(&table, choice, record, best)))
            best = record;
    }
    if (state_tree_choose(table, tree, choice, first, end) != best)
        ck_abort_msg("another is chosen of %u to %u", first, end);
}

START_TEST(choices_equal_a_scan)
{
    Random random = random_start("ordered choices");
    StateStore *store = test_store(1, 0, 0);
    StateTable *table = state_table_declare(store, &spec);
    StateChoices choices = {2, payload_counts, payload_wins, &table};
    state_table_choose(table, &choices);
    Str key = STR("k");
    uint64_t hash = hash_bytes(key.data, key.length);
    uint32_t next = 1u << 24;
    for (uint32_t step = 0; step < 20000; step++) {
        StateTree *tree;
        state_ordered_trees(table, &key, &hash, 1, &tree);
        uint32_t size = state_tree_size(tree), kind = random_below(&random, 8);
        char payload[2] = {(char)random_below(&random, 100), (char)random_below(&random, 100)};
        bool shrinks = step / 3000 % 2 == 1;
        if (size != 0 && kind < (shrinks ? 6 : 2)) {
            state_tree_remove(table, state_tree_at(tree, random_below(&random, size)));
            continue;
        }
        uint32_t n = kind == 7 ? next++ : random_below(&random, 1u << 16) + (1u << 23);
        n = __builtin_bswap32(n);
        Str sort = {(const char *)&n, 4};
        if (state_tree_find(table, tree, sort) != NULL)
            continue;
        if (kind == 7)
            state_tree_append(table, &tree, key, hash, sort, (Str){payload, 2});
        else
            state_tree_put(table, &tree, key, hash, sort, (Str){payload, 2}, NULL);
        check_choice(table, tree, &random);
    }
    state_store_free(store);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("ordered");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, random_changes_survive_snapshot_fold_and_rescaling);
    tcase_add_test(cases, a_large_tree_empties_in_any_order);
    tcase_add_test(cases, choices_equal_a_scan);
    return test_run("state_ordered", cases);
}
