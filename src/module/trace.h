/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints nvlink_isolation:*, for finding out what happened and in which order: what the log
 * says is limited and comes later. Not an interface: they may change.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvlink_isolation

#if !defined(NVLI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVLI_TRACE_H

#include <linux/tracepoint.h>

/* Something that resets a GPU or may: enum nvli_event. Called under gpu->lock. */
TRACE_EVENT(nvli_event,
	    TP_PROTO(const struct nvli_gpu *gpu, int event),
	    TP_ARGS(gpu, event),
	    TP_STRUCT__entry(__array(char, gpu, NVLI_PEER_NAME)
			     __field(u32, generation)
			     __field(int, state)
			     __field(int, event)),
	    TP_fast_assign(strscpy(__entry->gpu, pci_name(gpu->pdev), NVLI_PEER_NAME);
			   __entry->generation = gpu->status.generation;
			   __entry->state = gpu->status.state;
			   __entry->event = event;),
	    TP_printk("%s generation=%u state=%d event=%d", __entry->gpu, __entry->generation,
		      __entry->state, __entry->event)
);

/* We hold a GPU in reset, or let it go. Called under gpu->lock. */
TRACE_EVENT(nvli_hold,
	    TP_PROTO(const struct nvli_gpu *gpu, bool held),
	    TP_ARGS(gpu, held),
	    TP_STRUCT__entry(__array(char, gpu, NVLI_PEER_NAME)
			     __field(u32, generation)
			     __field(bool, held)),
	    TP_fast_assign(strscpy(__entry->gpu, pci_name(gpu->pdev), NVLI_PEER_NAME);
			   __entry->generation = gpu->status.generation;
			   __entry->held = held;),
	    TP_printk("%s generation=%u held=%d", __entry->gpu, __entry->generation,
		      __entry->held)
);

/* An attempt to disable links and what came of it. Called under gpu->lock. */
TRACE_EVENT(nvli_apply,
	    TP_PROTO(const struct nvli_gpu *gpu, int occasion, int err, u32 mask),
	    TP_ARGS(gpu, occasion, err, mask),
	    TP_STRUCT__entry(__array(char, gpu, NVLI_PEER_NAME)
			     __field(u32, generation)
			     __field(int, state)
			     __field(int, occasion)
			     __field(int, err)
			     __field(u32, mask)),
	    TP_fast_assign(strscpy(__entry->gpu, pci_name(gpu->pdev), NVLI_PEER_NAME);
			   __entry->generation = gpu->status.generation;
			   __entry->state = gpu->status.state;
			   __entry->occasion = occasion;
			   __entry->err = err;
			   __entry->mask = mask;),
	    TP_printk("%s generation=%u state=%d occasion=%d err=%d mask=0x%08x", __entry->gpu,
		      __entry->generation, __entry->state, __entry->occasion, __entry->err,
		      __entry->mask)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
