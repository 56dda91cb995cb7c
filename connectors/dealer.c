/* Turns, and what each deals: see connectors/dealer.h.
 *
 * The n-th call of dealer_take by any hand is turn n. The first turns deal what a restored epoch
 * left over below its front, the others the pieces from the front on.
 *
 * Invariant: at the moment of an epoch in which a hand saves its position, every turn below its
 * base was taken by some hand before that hand's own moment of the epoch. For the base is what the
 * count of turns was at a time when all hands had saved equally often: no hand had come to this
 * epoch yet, and what was taken then was taken before anybody's moment.
 *
 * Cost: an atomic exchange per piece; every TAKEN_MAX pieces a look at each hand's count. */
#include "connectors/dealer.h"

#include <stdlib.h>
#include <string.h>

/* So many turns are remembered before a hand looks whether they can be forgotten. */
#define TAKEN_MAX 64

struct Dealer {
    /* Fixed. */
    DealerPiece *left; /* of the restored epoch, ascending; dealt by the first turns */
    uint64_t left_count;
    uint64_t front; /* the piece of the turn after those */
    uint32_t hand_count;
    uint32_t joined;
    /* Shared by the hands' threads. */
    uint64_t turn;   /* the next */
    uint64_t *saves; /* by hand: how often it has saved */
};

/* ------------------------------------------------------------------- dealing */

static DealerPiece piece_of(const Dealer *dealer, uint64_t turn)
{
    if (turn < dealer->left_count)
        return dealer->left[turn];
    return (DealerPiece){dealer->front + (turn - dealer->left_count), 0};
}

static void remember(DealerHand *hand, uint64_t turn)
{
    if (hand->taken_count == hand->taken_capacity) {
        hand->taken_capacity = hand->taken_capacity == 0 ? TAKEN_MAX : hand->taken_capacity * 2;
        hand->taken = memory_realloc(hand->taken, hand->taken_capacity * sizeof(*hand->taken));
    }
    hand->taken[hand->taken_count++] = turn;
}

/* Forgets the turns that every position yet to come may take for granted, unless an epoch is under
 * way. The turn is read first: whoever saves after the look at his count saves after the turn. */
static void forget(DealerHand *hand)
{
    const Dealer *dealer = hand->dealer;
    uint64_t turn = __atomic_load_n(&dealer->turn, __ATOMIC_SEQ_CST);
    uint64_t own = __atomic_load_n(&dealer->saves[hand->number], __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < dealer->hand_count; i++)
        if (__atomic_load_n(&dealer->saves[i], __ATOMIC_SEQ_CST) != own)
            return;
    hand->base = turn;
    hand->taken_count = 0;
}

bool dealer_take(DealerHand *hand, uint64_t limit, DealerPiece *piece)
{
    Dealer *dealer = hand->dealer;
    uint64_t turn = __atomic_load_n(&dealer->turn, __ATOMIC_SEQ_CST);
    do {
        *piece = piece_of(dealer, turn);
        if (piece->number >= limit)
            return false;
    } while (!__atomic_compare_exchange_n(&dealer->turn, &turn, turn + 1, false, __ATOMIC_SEQ_CST,
                                          __ATOMIC_SEQ_CST));
    if (hand->taken_count != 0 && hand->taken_count % TAKEN_MAX == 0)
        forget(hand);
    /* Also when the base is past it by now: it is not read yet, but will be before the next save.
     */
    remember(hand, turn);
    return true;
}

/* ----------------------------------------------------------------- positions */

/* base, turns taken, rests, and what the turns from the base on deal. */
void dealer_save(DealerHand *hand, const DealerPiece *rests, uint32_t rest_count, Buffer *out)
{
    Dealer *dealer = hand->dealer;
    uint64_t *saves = &dealer->saves[hand->number];
    __atomic_store_n(saves, *saves + 1, __ATOMIC_SEQ_CST);
    buffer_append_u64(out, hand->base);
    buffer_append_u32(out, hand->taken_count);
    for (uint32_t i = 0; i < hand->taken_count; i++)
        buffer_append_u64(out, hand->taken[i]);
    buffer_append_u32(out, rest_count);
    for (uint32_t i = 0; i < rest_count; i++) {
        buffer_append_u64(out, rests[i].number);
        buffer_append_u64(out, rests[i].offset);
    }
    uint64_t first = u64_min(hand->base, dealer->left_count);
    buffer_append_u64(out, dealer->left_count);
    for (uint64_t i = first; i < dealer->left_count; i++) {
        buffer_append_u64(out, dealer->left[i].number);
        buffer_append_u64(out, dealer->left[i].offset);
    }
    buffer_append_u64(out, dealer->front);
}

/* What the positions of an epoch say together. */
typedef struct Saved {
    uint64_t base;   /* the furthest of all hands */
    uint64_t *taken; /* turns that were taken, of all hands */
    size_t taken_count;
    DealerPiece *left; /* left over, as far as it is known */
    size_t left_count;
    uint64_t old_left_count; /* the deck that the turns are of: that of the hand with that base */
    DealerPiece *old_left;   /* from the base on */
    uint64_t front;
} Saved;

static void add_left(Saved *saved, DealerPiece piece)
{
    saved->left = memory_realloc(saved->left, (saved->left_count + 1) * sizeof(*saved->left));
    saved->left[saved->left_count++] = piece;
}

static void read_deck(Saved *saved, uint64_t base, Reader *reader)
{
    uint64_t count = reader_u64(reader), first = u64_min(base, count);
    bool is_furthest = saved->old_left == NULL || base > saved->base;
    if (is_furthest) {
        memory_free(saved->old_left);
        saved->old_left = memory_alloc((count - first + 1) * sizeof(*saved->old_left));
        saved->old_left_count = count;
        saved->base = base;
    }
    for (uint64_t i = first; i < count && !reader->failed; i++) {
        DealerPiece piece = {.number = reader_u64(reader)};
        piece.offset = reader_u64(reader);
        if (is_furthest)
            saved->old_left[i - first] = piece;
    }
    uint64_t front = reader_u64(reader);
    saved->front = is_furthest ? front : saved->front;
}

static bool read_position(Saved *saved, Str position)
{
    Reader reader = reader_of(position);
    uint64_t base = reader_u64(&reader);
    uint32_t taken = reader_u32(&reader);
    for (uint32_t i = 0; i < taken && !reader.failed; i++) {
        saved->taken =
            memory_realloc(saved->taken, (saved->taken_count + 1) * sizeof(*saved->taken));
        saved->taken[saved->taken_count++] = reader_u64(&reader);
    }
    uint32_t rests = reader_u32(&reader);
    for (uint32_t i = 0; i < rests && !reader.failed; i++) {
        DealerPiece piece = {.number = reader_u64(&reader)};
        piece.offset = reader_u64(&reader);
        add_left(saved, piece);
    }
    size_t room = (size_t)(reader.end - reader.next) / sizeof(uint64_t);
    Reader deck = reader;
    uint64_t count = reader_u64(&deck);
    if (reader.failed || deck.failed || (count > base && count - base > room))
        return false;
    read_deck(saved, base, &reader);
    return !reader.failed && reader_done(&reader);
}

static int compare_turns(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static int compare_pieces(const void *a, const void *b)
{
    const DealerPiece *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

static DealerPiece saved_piece(const Saved *saved, uint64_t turn)
{
    if (turn < saved->old_left_count)
        return saved->old_left[turn - u64_min(saved->base, saved->old_left_count)];
    return (DealerPiece){saved->front + (turn - saved->old_left_count), 0};
}

/* The turns that nobody took, up to the last that somebody took or that deals what was left over.
 */
static void add_missing(Saved *saved)
{
    if (saved->taken_count != 0)
        qsort(saved->taken, saved->taken_count, sizeof(*saved->taken), compare_turns);
    uint64_t turn = saved->base;
    for (size_t i = 0; i < saved->taken_count; i++) {
        for (; turn < saved->taken[i]; turn++)
            add_left(saved, saved_piece(saved, turn));
        turn = saved->taken[i] < turn ? turn : saved->taken[i] + 1;
    }
    for (; turn < saved->old_left_count; turn++)
        add_left(saved, saved_piece(saved, turn));
    saved->front += turn - saved->old_left_count;
    if (saved->left_count != 0)
        qsort(saved->left, saved->left_count, sizeof(*saved->left), compare_pieces);
}

static bool restore(Dealer *dealer, const SourceContext *context, Error *error)
{
    Saved saved = {0};
    bool read = true;
    for (uint32_t i = 0; i < context->restored_count && read; i++)
        read = read_position(&saved, context->restored[i].position);
    if (read && context->restored_count != 0)
        add_missing(&saved);
    memory_free(saved.taken);
    memory_free(saved.old_left);
    dealer->left = saved.left;
    dealer->left_count = saved.left_count;
    /* Who saved nothing had nothing to read. */
    dealer->front = context->restored_count == 0 ? UINT64_MAX : saved.front;
    return read || error_set(error, ERROR_STATE, "the position of the source cannot be read");
}

/* ------------------------------------------------------------------ lifetime */

static void dealer_free(Dealer *dealer)
{
    memory_free(dealer->left);
    memory_free(dealer->saves);
    memory_free(dealer);
}

static Dealer *dealer_new(const SourceContext *context, Error *error)
{
    Dealer *dealer = memory_zalloc(sizeof(*dealer));
    dealer->hand_count = context->shared == NULL ? 1 : context->parallelism;
    dealer->saves = memory_zalloc(dealer->hand_count * sizeof(*dealer->saves));
    if (!context->is_restored || restore(dealer, context, error))
        return dealer;
    dealer_free(dealer);
    return NULL;
}

bool dealer_join(const SourceContext *context, DealerHand *hand, Error *error)
{
    Dealer *dealer = context->shared == NULL ? NULL : *context->shared;
    if (dealer == NULL)
        dealer = dealer_new(context, error);
    if (dealer == NULL)
        return false;
    if (context->shared != NULL)
        *context->shared = dealer;
    dealer->joined++;
    *hand = (DealerHand){.dealer = dealer,
                         .place = context->shared,
                         .number = context->shared == NULL ? 0 : context->subtask};
    return true;
}

void dealer_leave(DealerHand *hand)
{
    memory_free(hand->taken);
    if (hand->dealer != NULL && --hand->dealer->joined == 0) {
        dealer_free(hand->dealer);
        if (hand->place != NULL)
            *hand->place = NULL;
    }
    *hand = (DealerHand){0};
}
