/* Makes ranges of Nexmark events, a run of one kind at a time: within a round of the shares, ids
 * that events refer to are the same for the whole run.
 *
 * Invariant: draw i of an event is used by one field only, so fields do not depend on each other
 * nor on which of them are wanted.
 * Cost: one mix a row and one a draw; bids copy no text. */
#include "connectors/nexmark/generator.h"

#include <string.h>

#include "connectors/nexmark/pools.h"

/* How the benchmark's world is made; not reachable from SQL in the benchmark either. */
#define FIRST_PERSON        1000
#define FIRST_AUCTION       1000
#define FIRST_CATEGORY      10
#define CATEGORIES          5
#define ACTIVE_PEOPLE       1000
#define AUCTIONS_IN_FLIGHT  100
#define ID_LEAD             10
#define HOT_GROUP           100
#define PERSON_FIXED_BYTES  8
#define AUCTION_FIXED_BYTES 48
#define BID_FIXED_BYTES     32
#define CARD_LENGTH         19

enum {
    PERSON_ID,
    PERSON_NAME,
    PERSON_EMAIL,
    PERSON_CARD,
    PERSON_CITY,
    PERSON_STATE,
    PERSON_TIME,
    PERSON_EXTRA
};
enum {
    AUCTION_ID,
    AUCTION_ITEM,
    AUCTION_DESCRIPTION,
    AUCTION_INITIAL,
    AUCTION_RESERVE,
    AUCTION_TIME,
    AUCTION_EXPIRES,
    AUCTION_SELLER,
    AUCTION_CATEGORY,
    AUCTION_EXTRA
};
enum { BID_AUCTION, BID_BIDDER, BID_PRICE, BID_CHANNEL, BID_URL, BID_TIME, BID_EXTRA };

/* Draws of an event; each gives two halves of 32 bits. */
enum { DRAW_REFERENCE, DRAW_VALUE, DRAW_EXTRA, DRAW_TEXT, DRAW_MORE_TEXT, DRAW_PLACE };

static const NexmarkField person_fields[] = {
    {"id", NEXMARK_BIGINT},       {"name", NEXMARK_TEXT},  {"emailAddress", NEXMARK_TEXT},
    {"creditCard", NEXMARK_TEXT}, {"city", NEXMARK_TEXT},  {"state", NEXMARK_TEXT},
    {"dateTime", NEXMARK_TIME},   {"extra", NEXMARK_TEXT}, {NULL, NEXMARK_BIGINT}};

static const NexmarkField auction_fields[] = {
    {"id", NEXMARK_BIGINT},         {"itemName", NEXMARK_TEXT},  {"description", NEXMARK_TEXT},
    {"initialBid", NEXMARK_BIGINT}, {"reserve", NEXMARK_BIGINT}, {"dateTime", NEXMARK_TIME},
    {"expires", NEXMARK_TIME},      {"seller", NEXMARK_BIGINT},  {"category", NEXMARK_BIGINT},
    {"extra", NEXMARK_TEXT},        {NULL, NEXMARK_BIGINT}};

static const NexmarkField bid_fields[] = {{"auction", NEXMARK_BIGINT}, {"bidder", NEXMARK_BIGINT},
                                          {"price", NEXMARK_BIGINT},   {"channel", NEXMARK_TEXT},
                                          {"url", NEXMARK_TEXT},       {"dateTime", NEXMARK_TIME},
                                          {"extra", NEXMARK_TEXT},     {NULL, NEXMARK_BIGINT}};

static const NexmarkField *const all_fields[NEXMARK_KINDS] = {person_fields, auction_fields,
                                                              bid_fields};

const NexmarkField *nexmark_fields(NexmarkKind kind)
{
    return all_fields[kind];
}

struct NexmarkGenerator {
    NexmarkConfig config;
    uint32_t round;       /* events in a round: the sum of the shares */
    double event_us;      /* event time from one event to the next */
    uint64_t expiry_span; /* events until about a hundred auctions later */
    NexmarkPools *pools;
    Batch *pool;
};

NexmarkGenerator *nexmark_generator_new(const NexmarkConfig *config)
{
    static const Schema no_columns = {0, NULL};
    NexmarkGenerator *generator = memory_zalloc(sizeof(*generator));
    generator->config = *config;
    for (uint32_t i = 0; i < NEXMARK_KINDS; i++)
        generator->round += config->shares[i];
    generator->event_us = 1e6 / config->rate;
    uint32_t auctions = config->shares[NEXMARK_AUCTION];
    if (auctions != 0)
        generator->expiry_span = (uint64_t)AUCTIONS_IN_FLIGHT * generator->round / auctions;
    generator->pool = batch_new_bare(&no_columns);
    generator->pools = nexmark_pools_new(generator->pool->arena, config->seed);
    return generator;
}

void nexmark_generator_free(NexmarkGenerator *generator)
{
    if (generator == NULL)
        return;
    batch_release(generator->pool);
    memory_free(generator);
}

Batch *nexmark_pool(const NexmarkGenerator *generator)
{
    return generator->pool;
}

static int64_t time_ms(const NexmarkGenerator *generator, uint64_t number)
{
    return generator->config.base_ms + (int64_t)((double)number * generator->event_us) / 1000;
}

int64_t nexmark_time_ms(const NexmarkGenerator *generator, uint64_t number)
{
    return time_ms(generator, number);
}

/* The id that decides kind and references is one more than the number: the first is 2. */
static NexmarkKind kind_of(const NexmarkGenerator *generator, uint64_t place)
{
    const uint32_t *shares = generator->config.shares;
    return place < shares[NEXMARK_PERSON]                             ? NEXMARK_PERSON
           : place < shares[NEXMARK_PERSON] + shares[NEXMARK_AUCTION] ? NEXMARK_AUCTION
                                                                      : NEXMARK_BID;
}

NexmarkKind nexmark_kind(const NexmarkGenerator *generator, uint64_t number)
{
    return kind_of(generator, (number + 1) % generator->round);
}

/* A stretch of events of one kind, in one round. */
typedef struct Run {
    NexmarkKind kind;
    uint64_t number; /* of its first event */
    uint32_t row;    /* where that goes */
    uint32_t count;
    int64_t last_person; /* of its first event; later persons of the run add to it */
    int64_t last_auction;
    uint64_t states[BATCH_ROWS_MAX]; /* an event's stream of draws */
} Run;

static void find_references(const NexmarkGenerator *generator, Run *run)
{
    const uint32_t *shares = generator->config.shares;
    uint64_t id = run->number + 1;
    int64_t round = (int64_t)(id / generator->round);
    int64_t place = (int64_t)(id % generator->round);
    int64_t people = shares[NEXMARK_PERSON], auctions = shares[NEXMARK_AUCTION];
    run->last_person = people == 0 ? -1 : round * people + (place < people ? place : people - 1);
    if (auctions == 0)
        run->last_auction = -1;
    else if (place < people)
        run->last_auction = round * auctions - 1;
    else
        run->last_auction =
            round * auctions + (place < people + auctions ? place - people : auctions - 1);
}

/* The events from `number` on that are of its kind, at most so many. */
static uint32_t run_length(const NexmarkGenerator *generator, uint64_t number, uint32_t most,
                           NexmarkKind *kind)
{
    const uint32_t *shares = generator->config.shares;
    uint64_t place = (number + 1) % generator->round;
    *kind = kind_of(generator, place);
    uint64_t end = 0;
    for (uint32_t i = 0; i <= *kind; i++)
        end += shares[i];
    return (uint32_t)(end - place < most ? end - place : most);
}

static void start_run(const NexmarkGenerator *generator, Run *run, uint64_t number, uint32_t row,
                      uint32_t most)
{
    run->count = run_length(generator, number, most, &run->kind);
    run->number = number;
    run->row = row;
    find_references(generator, run);
    for (uint32_t i = 0; i < run->count; i++)
        run->states[i] = nexmark_draw(generator->config.seed, (uint32_t)0) +
                         nexmark_mix((number + i) * UINT64_C(0x9E3779B97F4A7C15));
}

/* ------------------------------------------------------------------- fields */

static inline uint32_t low_half(uint64_t draw)
{
    return (uint32_t)draw;
}

static inline uint32_t high_half(uint64_t draw)
{
    return (uint32_t)(draw >> 32);
}

static inline int64_t *run_i64(Vector *vector, const Run *run)
{
    return (int64_t *)vector->data + run->row;
}

static inline StringView *run_text(Vector *vector, const Run *run)
{
    return (StringView *)vector->data + run->row;
}

static StringView text_view(Str text)
{
    return string_view_borrow(text.data, text.length);
}

/* One of the people that are active, or of those that come next. */
static inline int64_t active_person(int64_t last_person, uint32_t *draw)
{
    int64_t people = last_person + 1;
    int64_t active = people < ACTIVE_PEOPLE ? people : ACTIVE_PEOPLE;
    return people - active + nexmark_below(draw, (uint32_t)active + ID_LEAD);
}

static inline int64_t hot_group(int64_t last)
{
    return last / HOT_GROUP * HOT_GROUP;
}

static void fill_times(const NexmarkGenerator *generator, const Run *run, Vector *vector)
{
    int64_t *out = run_i64(vector, run);
    for (uint32_t i = 0; i < run->count; i++)
        out[i] = time_ms(generator, run->number + i) * 1000;
}

static void fill_bid_references(const NexmarkGenerator *generator, const Run *run, Vector *auctions,
                                Vector *bidders)
{
    const NexmarkConfig *config = &generator->config;
    int64_t lowest =
        run->last_auction > AUCTIONS_IN_FLIGHT ? run->last_auction - AUCTIONS_IN_FLIGHT : 0;
    uint32_t span = (uint32_t)(run->last_auction - lowest + ID_LEAD + 1);
    int64_t hot_auction = FIRST_AUCTION + hot_group(run->last_auction);
    int64_t hot_bidder = 2 * FIRST_PERSON + hot_group(run->last_person) + 1;
    for (uint32_t i = 0; i < run->count; i++) {
        uint64_t draw = nexmark_draw(run->states[i], DRAW_REFERENCE);
        uint32_t a = low_half(draw), b = high_half(draw);
        if (auctions != NULL)
            run_i64(auctions, run)[i] = nexmark_below(&a, config->hot_auctions) > 0
                                            ? hot_auction
                                            : FIRST_AUCTION + lowest + nexmark_below(&a, span);
        if (bidders != NULL)
            run_i64(bidders, run)[i] = nexmark_below(&b, config->hot_bidders) > 0
                                           ? hot_bidder
                                           : 2 * FIRST_PERSON + active_person(run->last_person, &b);
    }
}

/* Bids whose texts are chosen before the first of them is read: they lie anywhere in the pools. */
#define CHOSEN_BIDS 64

static uint32_t at_once(const Run *run, uint32_t from)
{
    return run->count - from < CHOSEN_BIDS ? run->count - from : CHOSEN_BIDS;
}

static void fill_bid_values(const NexmarkPools *pools, const Run *run, Vector *prices,
                            Vector *channels, Vector *urls)
{
    uint32_t chosen[CHOSEN_BIDS];
    bool has_texts = channels != NULL || urls != NULL;
    for (uint32_t from = 0, count; from < run->count; from += count) {
        count = at_once(run, from);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t draw = nexmark_draw(run->states[from + i], DRAW_VALUE);
            if (prices != NULL)
                run_i64(prices, run)[from + i] = nexmark_price(pools, low_half(draw));
            if (!has_texts)
                continue;
            uint32_t which = high_half(draw);
            chosen[i] = nexmark_below(&which, 2) > 0
                            ? NEXMARK_CHANNELS + nexmark_below(&which, NEXMARK_HOT_CHANNELS)
                            : nexmark_below(&which, NEXMARK_CHANNELS);
            __builtin_prefetch(&pools->channels[chosen[i]]);
            __builtin_prefetch(&pools->urls[chosen[i]]);
        }
        for (uint32_t i = 0; channels != NULL && i < count; i++)
            run_text(channels, run)[from + i] = pools->channels[chosen[i]];
        for (uint32_t i = 0; urls != NULL && i < count; i++)
            run_text(urls, run)[from + i] = pools->urls[chosen[i]];
    }
}

/* Padding for an event that has `size` bytes and is to have `target` on average: cut from the pool;
 * a piece longer than half of it is put together. */
static Str cut_extra(const NexmarkPools *pools, uint64_t draw, uint64_t size, uint64_t target,
                     Arena *arena)
{
    if (size > target)
        return (Str){"", 0};
    uint32_t by_length = low_half(draw), by_place = high_half(draw);
    uint64_t want = target - size;
    uint32_t spread = (uint32_t)((want * 2 + 5) / 10);
    uint64_t length = want - spread + (spread == 0 ? 0 : nexmark_below(&by_length, 2 * spread));
    if (length < NEXMARK_EXTRA_MAX) {
        uint32_t place = nexmark_below(&by_place, NEXMARK_EXTRA_BYTES - (uint32_t)length);
        return (Str){pools->extra + place, length};
    }
    char *text = arena_alloc(arena, length);
    for (uint64_t at = 0, piece; at < length; at += piece) {
        piece = u64_min(length - at, NEXMARK_EXTRA_MAX);
        uint32_t from = (uint32_t)(nexmark_mix(draw + at) % NEXMARK_EXTRA_MAX);
        memcpy(text + at, pools->extra + from, piece);
    }
    return (Str){text, length};
}

static void fill_bid_extras(const NexmarkGenerator *generator, const Run *run, Vector *vector,
                            Arena *arena)
{
    StringView *out = run_text(vector, run);
    Str chosen[CHOSEN_BIDS];
    for (uint32_t from = 0, count; from < run->count; from += count) {
        count = at_once(run, from);
        for (uint32_t i = 0; i < count; i++) {
            chosen[i] = cut_extra(generator->pools, nexmark_draw(run->states[from + i], DRAW_EXTRA),
                                  BID_FIXED_BYTES, generator->config.sizes[NEXMARK_BID], arena);
            __builtin_prefetch(chosen[i].data);
        }
        for (uint32_t i = 0; i < count; i++)
            out[from + i] = text_view(chosen[i]);
    }
}

static void fill_bids(const NexmarkGenerator *generator, const Run *run, Vector *const *fields,
                      Arena *arena)
{
    if (fields[BID_AUCTION] != NULL || fields[BID_BIDDER] != NULL)
        fill_bid_references(generator, run, fields[BID_AUCTION], fields[BID_BIDDER]);
    if (fields[BID_PRICE] != NULL || fields[BID_CHANNEL] != NULL || fields[BID_URL] != NULL)
        fill_bid_values(generator->pools, run, fields[BID_PRICE], fields[BID_CHANNEL],
                        fields[BID_URL]);
    if (fields[BID_TIME] != NULL)
        fill_times(generator, run, fields[BID_TIME]);
    if (fields[BID_EXTRA] != NULL)
        fill_bid_extras(generator, run, fields[BID_EXTRA], arena);
}

/* Three to max - 1 characters, blanks trimmed at both ends: may be empty. */
static Str cut_words(const NexmarkPools *pools, uint64_t draw, uint32_t max)
{
    uint32_t by_length = low_half(draw), by_place = high_half(draw);
    size_t length = 3 + nexmark_below(&by_length, max - 3);
    const char *text = pools->words + nexmark_below(&by_place, NEXMARK_WORDS_BYTES - max);
    for (; length != 0 && text[0] == ' '; length--)
        text++;
    while (length != 0 && text[length - 1] == ' ')
        length--;
    return (Str){text, length};
}

static void fill_auction_row(const NexmarkGenerator *generator, const Run *run, uint32_t i,
                             Vector *const *fields, Arena *arena)
{
    const NexmarkPools *pools = generator->pools;
    const NexmarkConfig *config = &generator->config;
    uint64_t state = run->states[i];
    Str item = cut_words(pools, nexmark_draw(state, DRAW_TEXT), 20);
    Str description = cut_words(pools, nexmark_draw(state, DRAW_MORE_TEXT), 100);
    uint64_t value = nexmark_draw(state, DRAW_VALUE);
    int64_t initial = nexmark_price(pools, low_half(value));
    int64_t numbers[NEXMARK_FIELDS_MAX] = {[AUCTION_ID] = FIRST_AUCTION + run->last_auction + i,
                                           [AUCTION_INITIAL] = initial,
                                           [AUCTION_RESERVE] =
                                               initial + nexmark_price(pools, high_half(value))};
    uint64_t number = run->number + i;
    int64_t own = time_ms(generator, number);
    uint64_t place = nexmark_draw(state, DRAW_PLACE);
    uint32_t by_category = low_half(place);
    uint64_t lifetime = 2 * (uint64_t)(time_ms(generator, number + generator->expiry_span) - own);
    uint64_t life = (uint64_t)((uint128_t)nexmark_mix(place) * (lifetime < 1 ? 1 : lifetime) >> 64);
    numbers[AUCTION_TIME] = own * 1000;
    numbers[AUCTION_EXPIRES] = (own + 1 + (int64_t)life) * 1000;
    uint32_t by_seller = low_half(nexmark_draw(state, DRAW_REFERENCE));
    numbers[AUCTION_SELLER] = FIRST_PERSON + (nexmark_below(&by_seller, config->hot_sellers) > 0
                                                  ? hot_group(run->last_person)
                                                  : active_person(run->last_person, &by_seller));
    numbers[AUCTION_CATEGORY] = FIRST_CATEGORY + nexmark_below(&by_category, CATEGORIES);
    for (uint32_t f = 0; f < AUCTION_EXTRA; f++)
        if (fields[f] != NULL && auction_fields[f].form != NEXMARK_TEXT)
            run_i64(fields[f], run)[i] = numbers[f];
    if (fields[AUCTION_ITEM] != NULL)
        run_text(fields[AUCTION_ITEM], run)[i] = text_view(item);
    if (fields[AUCTION_DESCRIPTION] != NULL)
        run_text(fields[AUCTION_DESCRIPTION], run)[i] = text_view(description);
    if (fields[AUCTION_EXTRA] != NULL)
        run_text(fields[AUCTION_EXTRA], run)[i] =
            text_view(cut_extra(pools, nexmark_draw(state, DRAW_EXTRA),
                                AUCTION_FIXED_BYTES + item.length + description.length,
                                config->sizes[NEXMARK_AUCTION], arena));
}

static Str make_email(const NexmarkPools *pools, uint64_t state, Arena *arena)
{
    Str user = cut_words(pools, nexmark_draw(state, DRAW_TEXT), 7);
    Str host = cut_words(pools, nexmark_draw(state, DRAW_MORE_TEXT), 5);
    size_t length = user.length + 1 + host.length + 4;
    char *text = arena_alloc(arena, length);
    memcpy(text, user.data, user.length);
    text[user.length] = '@';
    memcpy(text + user.length + 1, host.data, host.length);
    memcpy(text + user.length + 1 + host.length, ".com", 4);
    return (Str){text, length};
}

/* Four groups of four digits with blanks between. */
static StringView make_card(uint64_t draw, Arena *arena)
{
    char *text = arena_alloc(arena, CARD_LENGTH);
    uint32_t halves[2] = {low_half(draw), high_half(draw)};
    for (uint32_t group = 0; group < 4; group++) {
        uint32_t digits = nexmark_below(&halves[group & 1], 10000);
        for (uint32_t i = 4; i > 0; i--, digits /= 10)
            text[group * 5 + i - 1] = (char)('0' + digits % 10);
        if (group < 3)
            text[group * 5 + 4] = ' ';
    }
    return string_view_borrow(text, CARD_LENGTH);
}

static void fill_person_row(const NexmarkGenerator *generator, const Run *run, uint32_t i,
                            Vector *const *fields, Arena *arena)
{
    const NexmarkPools *pools = generator->pools;
    uint64_t state = run->states[i];
    uint64_t place = nexmark_draw(state, DRAW_PLACE);
    uint32_t by_city = low_half(place), by_state = high_half(place);
    uint32_t by_name = low_half(nexmark_draw(state, DRAW_REFERENCE));
    StringView texts[NEXMARK_FIELDS_MAX] = {
        [PERSON_NAME] =
            pools->names[nexmark_below(&by_name, NEXMARK_FIRST_NAMES * NEXMARK_LAST_NAMES)],
        [PERSON_CITY] = pools->cities[nexmark_below(&by_city, NEXMARK_CITIES)],
        [PERSON_STATE] = pools->states[nexmark_below(&by_state, NEXMARK_STATES)]};
    Str email = make_email(pools, state, arena);
    texts[PERSON_EMAIL] = string_view_borrow(email.data, email.length);
    texts[PERSON_CARD] = make_card(nexmark_draw(state, DRAW_VALUE), arena);
    uint64_t size = PERSON_FIXED_BYTES;
    for (uint32_t f = PERSON_NAME; f <= PERSON_STATE; f++)
        size += texts[f].length;
    if (fields[PERSON_EXTRA] != NULL)
        texts[PERSON_EXTRA] = text_view(cut_extra(pools, nexmark_draw(state, DRAW_EXTRA), size,
                                                  generator->config.sizes[NEXMARK_PERSON], arena));
    for (uint32_t f = PERSON_NAME; f <= PERSON_EXTRA; f++)
        if (fields[f] != NULL && person_fields[f].form == NEXMARK_TEXT)
            run_text(fields[f], run)[i] = texts[f];
    if (fields[PERSON_ID] != NULL)
        run_i64(fields[PERSON_ID], run)[i] = FIRST_PERSON + run->last_person + i;
    if (fields[PERSON_TIME] != NULL)
        run_i64(fields[PERSON_TIME], run)[i] = time_ms(generator, run->number + i) * 1000;
}

/* --------------------------------------------------------------------- rows */

/* Says of `count` rows whether they have a value. */
static void mark_rows(Vector *vector, uint32_t first, uint32_t count, bool valid)
{
    for (uint32_t row = first; row < first + count;) {
        uint32_t bit = row & 63, bits = 64 - bit;
        if (bits > first + count - row)
            bits = first + count - row;
        uint64_t mask = (~UINT64_C(0) >> (64 - bits)) << bit;
        uint64_t *word = &vector->validity[row >> 6];
        *word = valid ? *word | mask : *word & ~mask;
        row += bits;
    }
}

/* Makes rows first … first + count - 1 NULL; their data may be anything valid, so it is zero. */
static void clear_rows(Vector *vector, uint32_t first, uint32_t count)
{
    size_t size = physical_size(vector->type->physical);
    memset((char *)vector->data + size * first, 0, size * count);
    mark_rows(vector, first, count, false);
}

static bool has_fields(const NexmarkRows *rows, NexmarkKind kind)
{
    return rows->rows[kind] != NULL;
}

/* Whether most rows are NULL in the vectors of the kind. */
static bool is_rare(const NexmarkGenerator *generator, NexmarkKind kind)
{
    return generator->config.shares[kind] < generator->round / 2;
}

/* The vectors of the kind: its rows as a whole, then those of its fields that are wanted. */
static uint32_t vectors_of(const NexmarkRows *rows, NexmarkKind kind,
                           Vector *out[NEXMARK_FIELDS_MAX + 1])
{
    uint32_t count = 0;
    if (!has_fields(rows, kind))
        return 0;
    out[count++] = rows->rows[kind];
    for (uint32_t f = 0; f < NEXMARK_FIELDS_MAX; f++)
        if (rows->fields[kind][f] != NULL)
            out[count++] = rows->fields[kind][f];
    return count;
}

static void clear_kind(const NexmarkRows *rows, NexmarkKind kind, uint32_t row, uint32_t count)
{
    Vector *vectors[NEXMARK_FIELDS_MAX + 1];
    uint32_t vector_count = vectors_of(rows, kind, vectors);
    for (uint32_t v = 0; v < vector_count; v++)
        clear_rows(vectors[v], row, count);
}

/* Before a range: every row is NULL where few will not be, none where most will not be. */
static void start_validity(const NexmarkGenerator *generator, const NexmarkRows *rows,
                           NexmarkKind kind, Arena *arena)
{
    Vector *vectors[NEXMARK_FIELDS_MAX + 1];
    uint32_t vector_count = vectors_of(rows, kind, vectors);
    bool rare = is_rare(generator, kind);
    for (uint32_t v = 0; v < vector_count; v++) {
        Vector *vector = vectors[v];
        size_t bytes = ((size_t)vector->capacity + 63) / 64 * sizeof(uint64_t);
        bool is_new = vector->validity == NULL;
        if (is_new)
            vector->validity = arena_alloc(arena, bytes);
        if (is_new && rare)
            memset(vector->data, 0, physical_size(vector->type->physical) * vector->capacity);
        if (is_new || !rare)
            memset(vector->validity, rare ? 0 : 0xFF, bytes);
    }
}

/* Makes the rows of rare kinds NULL that the last range left. */
static void clear_last_range(const NexmarkGenerator *generator, const NexmarkRows *rows)
{
    for (uint32_t row = 0, count; row < rows->count; row += count) {
        NexmarkKind kind;
        count = run_length(generator, rows->first + row, rows->count - row, &kind);
        if (is_rare(generator, kind))
            clear_kind(rows, kind, row, count);
    }
}

static void fill_run(const NexmarkGenerator *generator, const Run *run, const NexmarkRows *rows,
                     Arena *arena)
{
    for (uint32_t kind = 0; kind < NEXMARK_KINDS; kind++)
        if (kind != run->kind && !is_rare(generator, kind))
            clear_kind(rows, kind, run->row, run->count);
    if (!has_fields(rows, run->kind))
        return;
    Vector *vectors[NEXMARK_FIELDS_MAX + 1];
    uint32_t vector_count =
        is_rare(generator, run->kind) ? vectors_of(rows, run->kind, vectors) : 0;
    for (uint32_t v = 0; v < vector_count; v++)
        mark_rows(vectors[v], run->row, run->count, true);
    Vector *const *fields = rows->fields[run->kind];
    if (run->kind == NEXMARK_BID)
        fill_bids(generator, run, fields, arena);
    for (uint32_t i = 0; i < run->count && run->kind == NEXMARK_AUCTION; i++)
        fill_auction_row(generator, run, i, fields, arena);
    for (uint32_t i = 0; i < run->count && run->kind == NEXMARK_PERSON; i++)
        fill_person_row(generator, run, i, fields, arena);
}

static void need_pools(const NexmarkGenerator *generator, const NexmarkRows *rows)
{
    Vector *const *bids = rows->fields[NEXMARK_BID];
    if (rows->fields[NEXMARK_PERSON][PERSON_EXTRA] != NULL ||
        rows->fields[NEXMARK_AUCTION][AUCTION_EXTRA] != NULL || bids[BID_EXTRA] != NULL)
        nexmark_pools_need_extra(generator->pools);
    if (bids[BID_CHANNEL] != NULL || bids[BID_URL] != NULL)
        nexmark_pools_need_channels(generator->pools);
}

void nexmark_fill(const NexmarkGenerator *generator, uint64_t first, uint32_t count,
                  NexmarkRows *rows, Arena *vectors, Arena *texts)
{
    need_pools(generator, rows);
    clear_last_range(generator, rows);
    for (uint32_t kind = 0; kind < NEXMARK_KINDS; kind++)
        start_validity(generator, rows, kind, vectors);
    rows->first = first;
    rows->count = count;
    Run run;
    for (uint32_t row = 0; row < count; row += run.count) {
        start_run(generator, &run, first + row, row, count - row);
        if (rows->event_type != NULL)
            for (uint32_t i = 0; i < run.count; i++)
                ((int32_t *)rows->event_type->data)[row + i] = (int32_t)run.kind;
        fill_run(generator, &run, rows, texts);
    }
}
