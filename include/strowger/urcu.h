/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The only file that includes liburcu, and the place that fixes the flavour: QSBR. Readers are the
 * workers and the installer of one data-plane process; across processes travel table images.
 *
 * Fixed sentences used in comments, so that review can search for them:
 *   "RCU reader: online worker only."
 *   "RCU borrowed: dead at this thread's next quiescent state."
 *   "RCU writer: installer thread only."
 *   "RCU retire: freed after a grace period; caller gives up the pointer."
 *   "Not RCU: immutable after init."
 *
 * ThreadSanitizer does not see into the liburcu of the distribution, so it would take every freed
 * table for a race. In its builds the names below are ours: pointers move by compiler atomics, and
 * a grace period is told as what it is, an edge from each reader's quiescent state to the return of
 * synchronize_rcu(). A reader that reads on after its quiescent state, or a writer that frees
 * without the grace period, has no such edge and is still reported.
 */

#if defined(__SANITIZE_THREAD__)
#define STW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STW_TSAN 1
#endif
#endif

#ifndef STW_TSAN
#define _LGPL_SOURCE 1
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <urcu-qsbr.h>
#pragma GCC diagnostic pop

#ifdef STW_TSAN
#include <sanitizer/tsan_interface.h>

/* Its address stands for "the readers' quiescent states"; its value means nothing. Weak, so that
 * all objects share one without needing a source file for it. */
char stw_rcu_edge __attribute__((weak));

static inline void stw_tsan_quiescent_state(void)
{
	__tsan_release(&stw_rcu_edge);
	urcu_qsbr_quiescent_state();
}

static inline void stw_tsan_thread_offline(void)
{
	__tsan_release(&stw_rcu_edge);
	urcu_qsbr_thread_offline();
}

static inline void stw_tsan_unregister_thread(void)
{
	__tsan_release(&stw_rcu_edge);
	urcu_qsbr_unregister_thread();
}

static inline void stw_tsan_synchronize_rcu(void)
{
	/* The caller, if a reader itself, is quiescent in there. */
	__tsan_release(&stw_rcu_edge);
	urcu_qsbr_synchronize_rcu();
	__tsan_acquire(&stw_rcu_edge);
}

#undef rcu_quiescent_state
#undef rcu_thread_offline
#undef rcu_unregister_thread
#undef synchronize_rcu
#undef rcu_dereference
#undef rcu_assign_pointer
#undef rcu_xchg_pointer
#define rcu_quiescent_state	 stw_tsan_quiescent_state
#define rcu_thread_offline	 stw_tsan_thread_offline
#define rcu_unregister_thread	 stw_tsan_unregister_thread
#define synchronize_rcu		 stw_tsan_synchronize_rcu
#define rcu_dereference(p)	 __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define rcu_xchg_pointer(p, v)	 __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#endif
