/* SPDX-License-Identifier: GPL-2.0-only */
/* Verify a GPU in a visit of the gate. For gate.c alone. */
#ifndef NVLI_VERIFY_H
#define NVLI_VERIFY_H

#include "visit.h"

enum nvli_answer nvli_visit_verify(struct nvli_visit *visit, enum nvli_how how);

#endif
