/* Dealing of pieces: each is dealt once, in order to each hand; what positions say together, taken
 * at a moment of its own by each hand, is what was left; across restores at any number of hands. */
#include "connectors/dealer.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

#include "tests/suite.h"

#define HANDS_MAX 6
#define PIECES    400
#define PARTS     3 /* of a piece, each read by itself */

typedef struct Table {
    uint32_t hand_count;
    DealerHand hands[HANDS_MAX];
    DealerPiece current[HANDS_MAX]; /* its offset is what was read of it; PARTS: all */
    bool saved[HANDS_MAX];          /* in the epoch under way */
    void *shared;
} Table;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void sit_down(Table *table, uint32_t hands, const SplitPosition *restored, uint32_t count)
{
    Error error;
    memset(table, 0, sizeof(*table));
    table->hand_count = hands;
    for (uint32_t i = 0; i < hands; i++) {
        SourceContext context = {.subtask = i,
                                 .parallelism = hands,
                                 .shared = &table->shared,
                                 .restored = restored,
                                 .restored_count = count,
                                 .is_restored = restored != NULL};
        ck_assert(dealer_join(&context, &table->hands[i], &error));
        table->current[i].offset = PARTS;
    }
}

static void stand_up(Table *table)
{
    for (uint32_t i = 0; i < table->hand_count; i++)
        dealer_leave(&table->hands[i]);
    ck_assert_ptr_null(table->shared);
}

/* Reads a part of a piece; false: there is none left. */
static bool read_part(Table *table, uint32_t hand, uint8_t (*read)[PARTS])
{
    DealerPiece *current = &table->current[hand];
    if (current->offset == PARTS) {
        DealerPiece piece;
        uint64_t before = current->number;
        if (!dealer_take(&table->hands[hand], PIECES, &piece))
            return false;
        ck_assert_uint_ge(piece.number, before);
        ck_assert_uint_lt(piece.number, PIECES);
        ck_assert_uint_lt(piece.offset, PARTS);
        *current = piece;
    }
    ck_assert_uint_eq(read[current->number][current->offset], 0);
    read[current->number][current->offset++] = 1;
    return true;
}

static SplitPosition save(Table *table, uint32_t hand, Buffer *out)
{
    const DealerPiece *current = &table->current[hand];
    buffer_clear(out);
    dealer_save(&table->hands[hand], current, current->offset != PARTS, out);
    return (SplitPosition){.position = {out->data, out->length}};
}

/* An epoch: each hand saves at a moment of its own, and all read meanwhile. `read` is what was read
 * before the moments, `behind` all that was. */
static void run_epoch(Table *table, uint64_t *random, uint8_t (*read)[PARTS],
                      uint8_t (*behind)[PARTS], Buffer *buffers, SplitPosition *positions)
{
    memcpy(behind, read, sizeof(*read) * PIECES);
    memset(table->saved, 0, sizeof(table->saved));
    for (uint32_t left = table->hand_count; left > 0;) {
        uint32_t hand = (uint32_t)(next_random(random) % table->hand_count);
        if (table->saved[hand] || next_random(random) % 8 != 0) {
            if (!read_part(table, hand, behind) || table->saved[hand])
                continue;
            const DealerPiece *now = &table->current[hand];
            read[now->number][now->offset - 1] = 1;
            continue;
        }
        positions[hand] = save(table, hand, &buffers[hand]);
        table->saved[hand] = true;
        left--;
    }
}

/* A job that is stopped after some epochs and goes on with another number of hands, again and
 * again; in the end every part was read exactly once by what counts. */
static void play(uint64_t seed)
{
    static uint8_t read[PIECES][PARTS], behind[PIECES][PARTS];
    uint64_t random = seed * 0x9E3779B97F4A7C15u + 1;
    Buffer buffers[HANDS_MAX];
    memset(buffers, 0, sizeof(buffers));
    memset(read, 0, sizeof(read));
    SplitPosition positions[HANDS_MAX];
    Table table;
    sit_down(&table, 1 + (uint32_t)(next_random(&random) % HANDS_MAX), NULL, 0);
    for (uint32_t attempt = 0; attempt < 6; attempt++) {
        for (uint32_t epochs = 1 + (uint32_t)(next_random(&random) % 3); epochs > 0; epochs--) {
            uint32_t parts = (uint32_t)(next_random(&random) % 200);
            for (uint32_t i = 0; i < parts; i++)
                (void)read_part(&table, (uint32_t)(next_random(&random) % table.hand_count), read);
            run_epoch(&table, &random, read, behind, buffers, positions);
            if (epochs > 1) /* the job goes on */
                memcpy(read, behind, sizeof(read));
        }
        uint32_t saved = table.hand_count;
        stand_up(&table);
        sit_down(&table, 1 + (uint32_t)(next_random(&random) % HANDS_MAX), positions, saved);
    }
    for (uint32_t i = 0; i < table.hand_count; i++)
        while (read_part(&table, i, read))
            ;
    for (uint32_t piece = 0; piece < PIECES; piece++)
        for (uint32_t part = 0; part < PARTS; part++)
            ck_assert_msg(read[piece][part] == 1, "part %u of piece %u is lost", part, piece);
    stand_up(&table);
    for (uint32_t i = 0; i < HANDS_MAX; i++)
        buffer_deinit(&buffers[i]);
}

START_TEST(every_piece_counts_once_whatever_the_moments_of_an_epoch)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        play(seed);
}
END_TEST

/* Epochs in a row without a restore: positions say of all that was read. */
START_TEST(positions_stay_short)
{
    Table table;
    SplitPosition positions[2];
    Buffer buffers[2] = {{0}, {0}};
    sit_down(&table, 2, NULL, 0);
    DealerPiece piece;
    for (uint32_t epoch = 0; epoch < 3; epoch++) {
        for (uint32_t i = 0; i < 10000; i++)
            ck_assert(dealer_take(&table.hands[i % 2], UINT64_MAX, &piece));
        for (uint32_t i = 0; i < 2; i++) {
            table.current[i] = (DealerPiece){0, PARTS};
            positions[i] = save(&table, i, &buffers[i]);
            ck_assert_uint_lt(positions[i].position.length, 70 * sizeof(uint64_t));
        }
    }
    stand_up(&table);
    sit_down(&table, 1, positions, 2);
    ck_assert(dealer_take(&table.hands[0], UINT64_MAX, &piece));
    ck_assert(piece.number == 30000 && piece.offset == 0);
    stand_up(&table);
    for (uint32_t i = 0; i < 2; i++)
        buffer_deinit(&buffers[i]);
}
END_TEST

START_TEST(bad_positions_are_refused)
{
    Table table;
    Buffer bytes = {0};
    sit_down(&table, 1, NULL, 0);
    DealerPiece piece;
    ck_assert(dealer_take(&table.hands[0], 10, &piece));
    SplitPosition position = save(&table, 0, &bytes);
    stand_up(&table);
    for (size_t length = 0; length < position.position.length; length++) {
        SplitPosition cut = {.position = {position.position.data, length}};
        SourceContext context = {
            .parallelism = 1, .restored = &cut, .restored_count = 1, .is_restored = true};
        DealerHand hand = {0};
        Error error;
        ck_assert(!dealer_join(&context, &hand, &error));
        ck_assert(strstr(error.message, "cannot be read") != NULL);
    }
    buffer_deinit(&bytes);
}
END_TEST

/* ----------------------------------------------------------------- threads */

typedef struct Player {
    DealerHand *hand;
    uint8_t *dealt;
    uint32_t count;
} Player;

static void *play_along(void *argument)
{
    Player *player = argument;
    DealerPiece piece;
    while (dealer_take(player->hand, 100000, &piece)) {
        player->dealt[piece.number]++;
        player->count++;
    }
    return NULL;
}

START_TEST(threads_share_a_dealer)
{
    enum { COUNT = 4 };
    Table table;
    Player players[COUNT];
    pthread_t threads[COUNT];
    sit_down(&table, COUNT, NULL, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        players[i] = (Player){&table.hands[i], calloc(100000, 1), 0};
        pthread_create(&threads[i], NULL, play_along, &players[i]);
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        count += players[i].count;
    }
    ck_assert_uint_eq(count, 100000);
    for (uint32_t piece = 0; piece < 100000; piece++)
        if (players[0].dealt[piece] + players[1].dealt[piece] + players[2].dealt[piece] +
                players[3].dealt[piece] !=
            1)
            ck_abort_msg("piece %u was not dealt once", piece);
    for (uint32_t i = 0; i < COUNT; i++)
        free(players[i].dealt);
    stand_up(&table);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("dealer");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_piece_counts_once_whatever_the_moments_of_an_epoch);
    tcase_add_test(cases, positions_stay_short);
    tcase_add_test(cases, bad_positions_are_refused);
    tcase_add_test(cases, threads_share_a_dealer);
    return test_run("dealer", cases);
}
