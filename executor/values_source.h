/* The source behind op "values": the plan's constant batches, once. */
#ifndef EXECUTOR_VALUES_SOURCE_H
#define EXECUTOR_VALUES_SOURCE_H

#include "planner/plan.h"

/* `open` is NULL: it is opened by values_source_open, as its rows come from the plan. */
extern const SourceClass values_source;

Source *values_source_open(const PlanValues *values, const SourceContext *context, Error *error);

#endif
