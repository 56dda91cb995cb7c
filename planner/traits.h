/* Small questions about streams that several files ask. */
#ifndef PLANNER_TRAITS_H
#define PLANNER_TRAITS_H

#include "planner/logical.h"

/* Whether the table's changes must be put right by primary key: upserts without -U, or a source
 * that may repeat events and the option that says so. */
bool traits_needs_normalize(const PlannerContext *context, const PlanTable *table);

/* "[I,UB,UA,D]". */
void traits_print_kinds(ChangeKinds kinds, Buffer *out);

#endif
