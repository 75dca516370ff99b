/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every command there is, in the order in which they are shown. Included only by main.c. */
COMMAND(build)
#if HAVE_PACKAGES
COMMAND(lock)
#endif
COMMAND(boot)
#if HAVE_PACKAGES
COMMAND(cache)
#endif
COMMAND(inspect)
COMMAND(list)
COMMAND(cat)
COMMAND(extract)
COMMAND(compare)
COMMAND(verify)
COMMAND(trust_list)
COMMAND(trust_show)
COMMAND(trust_why)
COMMAND(key_new)
COMMAND(key_recovery)
COMMAND(key_enroll)
COMMAND(key_rotate)
COMMAND(sign_show)
COMMAND(sign_answer)
COMMAND(sign_attach)
COMMAND(release)
COMMAND(update_check)
COMMAND(update_apply)
COMMAND(update_status)
COMMAND(update_rollback)
COMMAND(update_clean)
COMMAND(update_pin)
COMMAND(update_boot)
COMMAND(pcr_log)
COMMAND(pcr_status)
COMMAND(pcr_predict)
#if HAVE_TPM
COMMAND(pcr_lock)
COMMAND(pcr_seal)
COMMAND(pcr_unseal)
#endif
COMMAND(pcr_explain)
COMMAND(help)
