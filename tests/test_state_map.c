/* MAP tables against arrays that keep the order of insertion: random changes, snapshots, folds,
 * restores at another parallelism. */
#include "tests/state_instances.h"
#include "tests/suite.h"

#define KEYS    40
#define SUBKEYS 120
#define GROUPS  8

typedef struct Record {
    int64_t number;
    StringView text;
} Record;

static const uint32_t string_offsets[] = {offsetof(Record, text)};
static const StateSpec spec = {.name = "rows",
                               .kind = STATE_MAP,
                               .record_bytes = sizeof(Record),
                               .string_offsets = string_offsets,
                               .string_count = 1,
                               .description = "k -> rows"};

/* What a key should hold, oldest first. */
typedef struct ModelGroup {
    uint32_t count;
    uint32_t subkeys[SUBKEYS];
    uint32_t payloads[SUBKEYS]; /* length */
    int64_t numbers[SUBKEYS];
} ModelGroup;

typedef struct Model {
    ModelGroup groups[KEYS];
} Model;

static int32_t model_find(const ModelGroup *group, uint32_t subkey)
{
    for (uint32_t i = 0; i < group->count; i++)
        if (group->subkeys[i] == subkey)
            return (int32_t)i;
    return -1;
}

static void model_remove(ModelGroup *group, uint32_t at)
{
    group->count--;
    size_t rest = group->count - at;
    memmove(group->subkeys + at, group->subkeys + at + 1, rest * sizeof(group->subkeys[0]));
    memmove(group->payloads + at, group->payloads + at + 1, rest * sizeof(group->payloads[0]));
    memmove(group->numbers + at, group->numbers + at + 1, rest * sizeof(group->numbers[0]));
}

static char text_bytes[300000];

static Str payload_of(uint32_t subkey, uint32_t length)
{
    return (Str){text_bytes + subkey, length};
}

static void set_number(StateTable *table, StateEntry *entry, int64_t number, uint32_t length)
{
    Record *record = state_entry_record(entry);
    record->number = number;
    state_string_assign(table, &record->text, payload_of(3, length % 40));
    state_touch(table, record);
}

static void put(StateTable *table, ModelGroup *model, Str key, uint64_t hash, StateGroup *group,
                uint32_t n, Random *random)
{
    char buffer[64];
    Str subkey = test_key(buffer, n);
    uint32_t length = random_below(random, 400) == 0 ? 280000 : random_below(random, 60);
    bool had_group = group != NULL;
    bool created;
    StateEntry *entry =
        state_map_put(table, &group, key, hash, subkey, payload_of(n, length), &created);
    ck_assert_ptr_nonnull(group);
    ck_assert(had_group == (model->count != 0));
    int32_t at = model_find(model, n);
    ck_assert_int_eq(created, at < 0);
    Record *record = state_entry_record(entry);
    if (at < 0) {
        at = (int32_t)model->count++;
        model->subkeys[at] = n;
        ck_assert_int_eq(record->number, 0);
    } else {
        ck_assert(record->number == model->numbers[at]);
    }
    model->payloads[at] = length;
    model->numbers[at] = (int64_t)random_next(random);
    set_number(table, entry, model->numbers[at], length);
}

static void change(Instances *instances, Model *model, Random *random, uint32_t steps)
{
    for (uint32_t step = 0; step < steps; step++) {
        if (instances->ahead != NULL)
            chunks_add_ahead(instances->ahead,
                             instances->stores[random_below(random, instances->count)], random);
        char key_buffer[64], subkey_buffer[64];
        uint32_t k = random_below(random, KEYS);
        /* Some keys stay small, some get an index. */
        uint32_t n = random_below(random, k % 2 == 0 ? 10 : SUBKEYS);
        Str key = test_key(key_buffer, k);
        Str subkey = test_key(subkey_buffer, n);
        uint64_t hash = hash_bytes(key.data, key.length);
        StateTable *table = instances->tables[instance_of(instances, hash)];
        ModelGroup *expected = &model->groups[k];
        StateGroup *group;
        state_map_groups(table, &key, &hash, 1, &group);
        if (random_below(random, 5) < 3) {
            put(table, expected, key, hash, group, n, random);
            continue;
        }
        StateEntry *entry = state_map_find(table, group, subkey);
        int32_t at = model_find(expected, n);
        ck_assert_int_eq(entry != NULL, at >= 0);
        if (entry == NULL)
            continue;
        ck_assert_ptr_eq(state_entry_group(table, entry), group);
        if (random_below(random, 3) == 0) {
            expected->payloads[at] = random_below(random, 200);
            state_map_set_payload(table, entry, payload_of(n, expected->payloads[at]));
            continue;
        }
        model_remove(expected, (uint32_t)at);
        ck_assert_int_eq(state_map_remove(table, entry), expected->count == 0);
    }
}

static void verify_group(const ModelGroup *expected, const StateTable *table,
                         const StateGroup *group)
{
    ck_assert_uint_eq(state_map_size(group), expected->count);
    StateEntry *entry = state_map_first(table, group);
    for (uint32_t i = 0; i < expected->count; i++, entry = state_map_next(table, entry)) {
        char buffer[64];
        ck_assert_ptr_nonnull(entry);
        Str subkey = test_key(buffer, expected->subkeys[i]);
        Str got = state_entry_subkey(table, entry);
        ck_assert(got.length == subkey.length);
        ck_assert(memcmp(got.data, subkey.data, got.length) == 0);
        Str payload = state_entry_payload(table, entry);
        ck_assert_uint_eq(payload.length, expected->payloads[i]);
        ck_assert(memcmp(payload.data, payload_of(expected->subkeys[i], 0).data, payload.length) ==
                  0);
        ck_assert(((Record *)state_entry_record(entry))->number == expected->numbers[i]);
    }
    ck_assert_ptr_null(entry);
}

static void verify(const Instances *instances, const Model *model)
{
    uint64_t there = 0, counted = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        Place at;
        instances_place(instances, k, &at);
        StateGroup *group;
        state_map_groups(at.table, &at.key, &at.hash, 1, &group);
        ck_assert_int_eq(group != NULL, model->groups[k].count != 0);
        verify_group(&model->groups[k], at.table, group);
        there += group != NULL;
    }
    for (uint32_t i = 0; i < instances->count; i++)
        counted += state_table_keys(instances->tables[i]);
    ck_assert_uint_eq(counted, there);
}

START_TEST(random_changes_survive_snapshot_fold_and_rescaling)
{
    Random random = random_start("map");
    for (uint32_t i = 0; i < sizeof(text_bytes); i++)
        text_bytes[i] = (char)('a' + i % 23);
    Model *model = memory_zalloc(sizeof(*model));
    Instances instances = instances_new(1, GROUPS, &spec);
    Chunks chunks = chunks_new();
    for (uint32_t round = 0; round < 15; round++) {
        instances.ahead = round % 5 == 4 ? NULL : &chunks;
        change(&instances, model, &random, 1 + random_below(&random, 4000));
        verify(&instances, model);
        instances_snapshot(&instances, &chunks);
        if (random_below(&random, 2) == 0)
            chunks_fold(&chunks, GROUPS);
        if (random_below(&random, 2) == 0)
            continue;
        Model *lost = memory_alloc(sizeof(*lost));
        *lost = *model;
        instances.ahead = NULL;
        change(&instances, lost, &random, 200);
        memory_free(lost);
        instances_restart(&instances, 1 + random_below(&random, 4), &spec, &chunks);
        verify(&instances, model);
    }
    instances_free(&instances);
    chunks_free(&chunks);
    memory_free(model);
}
END_TEST

START_TEST(everything_goes_when_emptied)
{
    StateStore *store = test_store(1, 0, 0);
    StateTable *table =
        state_table_declare(store, &(StateSpec){.name = "m", .kind = STATE_MAP, .record_bytes = 0});
    Str key = STR("k");
    uint64_t hash = hash_bytes(key.data, key.length);
    for (uint32_t round = 0; round < 3; round++) {
        StateGroup *group = NULL;
        for (uint32_t n = 0; n < 5000; n++) {
            char buffer[64];
            state_map_put(table, &group, key, hash, test_key(buffer, n), STR("payload"), NULL);
        }
        ck_assert_uint_eq(state_map_size(group), 5000);
        uint32_t n = 0;
        while (!state_map_remove(table, state_map_first(table, group)))
            n++;
        ck_assert_uint_eq(n, 4999);
        state_map_groups(table, &key, &hash, 1, &group);
        ck_assert_ptr_null(group);
        ck_assert_uint_eq(state_table_keys(table), 0);
    }
    /* What is left is the directory's one bucket. */
    ck_assert_uint_le(state_store_bytes(store), 64);
    state_store_free(store);
}
END_TEST

/* Checks that the payloads of a group are the numbers from 0 on. */
static void check_numbers(StateTable *table, Str key, uint64_t hash, uint32_t count)
{
    StateGroup *group;
    uint32_t n = 0;
    state_map_groups(table, &key, &hash, 1, &group);
    for (StateEntry *entry = state_map_first(table, group); entry != NULL;
         entry = state_map_next(table, entry)) {
        uint32_t number;
        ck_assert_uint_eq(state_entry_payload(table, entry).length, sizeof(number));
        memcpy(&number, state_entry_payload(table, entry).data, sizeof(number));
        ck_assert_uint_eq(number, n++);
    }
    ck_assert_uint_eq(n, count);
}

START_TEST(what_is_appended_keeps_its_order_through_restores)
{
    static const StateSpec plain = {.name = "m", .kind = STATE_MAP, .record_bytes = 8};
    Chunks chunks = chunks_new();
    Str key = STR("k");
    uint64_t hash = hash_bytes(key.data, key.length);
    uint32_t n = 0;
    for (uint32_t round = 1; round <= 3; round++) {
        StateStore *store = test_store(1, 0, 0);
        StateTable *table = state_table_declare(store, &plain);
        chunks_restore(&chunks, store);
        check_numbers(table, key, hash, n);
        StateGroup *group;
        state_map_groups(table, &key, &hash, 1, &group);
        uint64_t before = state_store_bytes(store);
        for (; n < round * 100; n++) {
            StateEntry *entry =
                state_map_append(table, &group, key, hash, (Str){(const char *)&n, sizeof(n)});
            ck_assert_uint_eq(*(uint64_t *)state_entry_record(entry), 0);
        }
        /* Nothing is kept to find an entry by: 40 bytes of links, 8 of header, 8, 6 and 4. */
        ck_assert_uint_le(state_store_bytes(store) - before, 100 * 72 + 256);
        check_numbers(table, key, hash, n);
        state_snapshot(store, chunks_add, &chunks);
        state_store_free(store);
    }
    chunks_free(&chunks);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("map");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, random_changes_survive_snapshot_fold_and_rescaling);
    tcase_add_test(cases, everything_goes_when_emptied);
    tcase_add_test(cases, what_is_appended_keeps_its_order_through_restores);
    return test_run("state_map", cases);
}
