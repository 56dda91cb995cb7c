/* The parts of CAST: one file per family of source types, each telling its kernel for a pair. */
#ifndef FUNCTIONS_CAST_INTERNAL_H
#define FUNCTIONS_CAST_INTERNAL_H

#include "functions/kernel_internal.h"

/* What a cast kernel may need to know; call->data of every cast. */
typedef struct CastPlan {
    const Type *from;
    const Type *to;
    bool try_cast; /* a failure is NULL */
    uint32_t from_scale;
    uint32_t to_scale;
    uint32_t precision;
    int128_t factor;            /* 10^to_scale, or for time the units cut off */
    const BoundFunction *parts; /* nested types: the casts of their children */
} CastPlan;

/* A kernel and what can become of it. NULL kernel: there is no such cast. */
typedef struct Cast {
    ScalarKernel kernel;
    bool can_fail;
    bool can_be_null; /* also without TRY, as a DECIMAL that does not fit */
} Cast;

Cast cast_number_find(const Type *from, const Type *to); /* numbers and BOOLEAN among themselves */
Cast cast_temporal_find(const Type *from, const Type *to); /* points in time and intervals */
Cast cast_text_find(const Type *from, const Type *to);     /* to and from text and bytes */

/* Between nested types of as many children: casts these by plan->parts. */
bool cast_nested_kernel(KernelCall *call, Error *error);

/* A failure in a row: NULL for TRY_CAST, else the error. Returns whether to go on. */
bool cast_fail(KernelCall *call, uint32_t row, Error *error, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
