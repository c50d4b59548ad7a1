/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints nvlink_isolation:*, to find out what happened and in which order: log lines are
 * rate-limited and delayed. Not an interface: they may change.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvlink_isolation

#if !defined(NVLI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVLI_TRACE_H

#include <linux/tracepoint.h>

#include "gpu.h"

struct nvli_visit;

#define NVLI_TRACE_NAME	16	/* "0004:05:00.0", "release" */

/* A reset begins or is released, or a PE is thawed. Called under gpu->lock. */
TRACE_EVENT(nvli_event,
	    TP_PROTO(const struct nvli_gpu *gpu, const char *event),
	    TP_ARGS(gpu, event),
	    TP_STRUCT__entry(__array(char, gpu, NVLI_TRACE_NAME)
			     __array(char, event, NVLI_TRACE_NAME)
			     __field(u32, generation)),
	    TP_fast_assign(strscpy(__entry->gpu, pci_name(gpu->pdev), NVLI_TRACE_NAME);
			   strscpy(__entry->event, event, NVLI_TRACE_NAME);
			   __entry->generation = gpu->status.generation;),
	    TP_printk("%s generation=%u %s", __entry->gpu, __entry->generation, __entry->event)
);

/* The gate has passed on a write, refused it or handled a ring: enum nvli_answer. */
TRACE_EVENT(nvli_gate,
	    TP_PROTO(const struct nvli_visit *visit, int answer, u64 ns),
	    TP_ARGS(visit, answer, ns),
	    TP_STRUCT__entry(__array(char, gpu, NVLI_TRACE_NAME)
			     __field(u32, generation)
			     __field(int, answer)
			     __field(int, outcome)
			     __field(u32, value)
			     __field(unsigned int, accesses)
			     __field(u64, ns)),
	    TP_fast_assign(strscpy(__entry->gpu, pci_name(visit->gpu->pdev), NVLI_TRACE_NAME);
			   __entry->generation = visit->generation;
			   __entry->answer = answer;
			   __entry->outcome = visit->result.outcome;
			   __entry->value = visit->result.value;
			   __entry->accesses = visit->accesses;
			   __entry->ns = ns;),
	    TP_printk("%s generation=%u answer=%d outcome=%d value=0x%08x accesses=%u ns=%llu",
		      __entry->gpu, __entry->generation, __entry->answer, __entry->outcome,
		      __entry->value, __entry->accesses, __entry->ns)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
