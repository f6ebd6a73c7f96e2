/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/path/path.h"

void stw_drop(struct stw_worker *w, struct rte_mbuf *m, uint32_t tag, enum stw_counter reason)
{
	stw_count(w, stw_tag_kind(tag) == STW_TAG_CONTROL ? STW_C_CONTROL_REFUSED : reason, 1);
	stw_count_member(w, stw_tag_member(tag), STW_M_UNSENT);
	rte_pktmbuf_free(m);
}
