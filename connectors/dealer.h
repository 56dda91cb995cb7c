/* Dealing out a source's pieces of work to its instances as they ask for them, so that one whose
 * worker has less else to do reads more, and all come to the end together.
 *
 * Pieces are numbered 0, 1, …; what a number stands for is the source's own. Each is dealt once, in
 * ascending order, so what an instance reads is in order too. A hand is one instance's part.
 *
 * Positions: epochs cut every hand at a moment of its own, so a position says which pieces its hand
 * had taken by then; all hands' positions of an epoch together say which pieces are left. A hand
 * forgets what it took once every hand is past it, so positions stay short. A piece that was taken
 * but not read to its end is saved as a rest and dealt again after a restore, before new ones.
 *
 * Threads: hands join and leave one after the other, before and after everything; between that each
 * belongs to its instance's thread. dealer_save is called once an epoch for every hand. */
#ifndef CONNECTORS_DEALER_H
#define CONNECTORS_DEALER_H

#include "connectors/connector.h"

typedef struct Dealer Dealer;

typedef struct DealerHand {
    Dealer *dealer;
    void **place; /* where the dealer is kept for those who join later; NULL: nobody does */
    uint32_t number;
    uint64_t base;   /* turns before it were over, with all hands, before the newest epoch began */
    uint64_t *taken; /* turns from there on, ascending */
    uint32_t taken_count;
    uint32_t taken_capacity;
} DealerHand;

/* A piece, and how far into it reading starts: 0, or where a restored epoch had come to. */
typedef struct DealerPiece {
    uint64_t number;
    uint64_t offset;
} DealerPiece;

/* The hand of context->subtask. The first that joins makes the dealer, by the restored positions if
 * there are any. */
bool dealer_join(const SourceContext *context, DealerHand *hand, Error *error) MUST_CHECK;
void dealer_leave(DealerHand *hand);

/* The next piece of those below `limit`; false: none is left. Whoever asks is done with the pieces
 * he had before, or gives their rests to dealer_save. */
bool dealer_take(DealerHand *hand, uint64_t limit, DealerPiece *piece);

/* Appends the hand's position, of which `rests` are pieces not yet read to their end. */
void dealer_save(DealerHand *hand, const DealerPiece *rests, uint32_t rest_count, Buffer *out);

#endif
