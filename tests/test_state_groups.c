/* Two MAP tables beside each other: each holds what was put into it, whatever happens to the other,
 * and a key goes with the last entry of both. */
#include "tests/state_testing.h"
#include "tests/suite.h"

#define KEYS    30
#define SUBKEYS 5

typedef struct Pair {
    StateStore *store;
    StateTable *tables[2];
    bool holds[2][KEYS][SUBKEYS];
} Pair;

static void open_pair(Pair *pair)
{
    StateSpec spec = {.name = "left", .kind = STATE_MAP};
    pair->store = test_store(4, 0, 3);
    pair->tables[0] = state_table_declare(pair->store, &spec);
    spec.name = "right";
    spec.beside = pair->tables[0];
    pair->tables[1] = state_table_declare(pair->store, &spec);
    ck_assert(state_map_is_beside(pair->tables[0], pair->tables[1]));
    ck_assert(state_map_is_beside(pair->tables[1], pair->tables[0]));
}

static uint32_t count_held(const Pair *pair, uint32_t table, uint32_t k)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < SUBKEYS; n++)
        count += pair->holds[table][k][n];
    return count;
}

static void check(const Pair *pair)
{
    uint32_t there = 0;
    for (uint32_t k = 0; k < KEYS; k++) {
        char buffer[64], subkey[64];
        Str key = test_key(buffer, k);
        uint64_t hash = hash_bytes(key.data, key.length);
        for (uint32_t t = 0; t < 2; t++) {
            StateGroup *group;
            state_map_groups(pair->tables[t], &key, &hash, 1, &group);
            ck_assert_int_eq(group != NULL, count_held(pair, t, k) != 0);
            ck_assert_uint_eq(state_map_size(group), count_held(pair, t, k));
            for (uint32_t n = 0; n < SUBKEYS; n++)
                ck_assert_int_eq(state_map_find(pair->tables[t], group, test_key(subkey, n)) !=
                                     NULL,
                                 pair->holds[t][k][n]);
        }
        there += count_held(pair, 0, k) + count_held(pair, 1, k) != 0;
    }
    ck_assert_uint_eq(state_store_keys(pair->store), there);
}

/* Puts an entry of one table or takes it away, with both groups looked up at once. */
static void change(Pair *pair, uint32_t t, uint32_t k, uint32_t n, bool comes)
{
    char buffer[64], subkey_buffer[64];
    Str key = test_key(buffer, k), subkey = test_key(subkey_buffer, n);
    uint64_t hash = hash_bytes(key.data, key.length);
    uint8_t makes = comes;
    StateGroup *group, *beside;
    state_map_groups_beside(pair->tables[t], &key, &hash, &makes, 1, &group, &beside);
    ck_assert_uint_eq(state_map_size(group), count_held(pair, t, k));
    ck_assert_int_eq(beside != NULL, count_held(pair, 1 - t, k) != 0);
    ck_assert(!comes || group != NULL);
    StateEntry *entry = state_map_find(pair->tables[t], group, subkey);
    ck_assert_int_eq(entry != NULL, pair->holds[t][k][n]);
    if (comes)
        state_map_put(pair->tables[t], &group, key, hash, subkey, STR("payload"), NULL);
    else if (entry != NULL)
        ck_assert_int_eq(state_map_remove(pair->tables[t], entry), count_held(pair, t, k) == 1);
    pair->holds[t][k][n] = comes;
    if (beside != NULL)
        ck_assert_ptr_nonnull(state_map_first(pair->tables[1 - t], beside));
}

START_TEST(tables_beside_each_other_do_not_mix)
{
    Random random = random_start("groups");
    Pair pair = {0};
    Chunks chunks = chunks_new();
    open_pair(&pair);
    for (uint32_t round = 0; round < 20; round++) {
        /* Some rounds leave few keys. */
        uint32_t share = round % 4 == 3 ? 1 : 5;
        for (uint32_t step = 0; step < 1500; step++)
            change(&pair, random_below(&random, 2), random_below(&random, KEYS),
                   random_below(&random, SUBKEYS), random_below(&random, 10) < share);
        check(&pair);
        state_snapshot(pair.store, chunks_add, &chunks);
        if (round % 2 == 0)
            continue;
        state_store_free(pair.store);
        open_pair(&pair);
        chunks_restore(&chunks, pair.store);
        check(&pair);
    }
    for (uint32_t i = 0; i < 2 * KEYS * SUBKEYS; i++)
        change(&pair, i % 2, i / 2 % KEYS, i / 2 / KEYS, false);
    check(&pair);
    ck_assert_uint_eq(state_store_keys(pair.store), 0);
    state_store_free(pair.store);
    chunks_free(&chunks);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("groups");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, tables_beside_each_other_do_not_mix);
    return test_run("state_groups", cases);
}
