/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a signed archive to verified files: what works, and each way in which it must not. */
#include "package/package.h"
#include "base/cleanup.h"
#include "os/file.h"
#include "os/sweep.h"
#include "package/cache.h"
#include "repository.h"
#include "server.h"
#include "test.h"
#include "trust/verdict.h"

#include <fcntl.h>
#include <unistd.h>

static ingot_error error;

INGOT_DEFINE_CLEANUP(struct signer, signer_free);
INGOT_DEFINE_CLEANUP(struct server, server_stop);

static const struct repository_package packages[] = {
        {"base", "1", "Essential: yes\nDepends: libbase (>= 2)\n", 0},
        {"libbase", "2", NULL, 0},
        {"tools", "1", "Priority: required\n", 0},
        {"web", "1.0", "Depends: libbase, tls-a | tls-b, mailer\nRecommends: extra\n", 400000},
        {"web", "1.1", "Depends: libbase, tls-a | tls-b, mailer\nRecommends: extra\n", 400000},
        {"tls-a", "1", NULL, 0},
        {"tls-b", "1", "Essential: no\n", 0},
        {"postman", "3:1~rc1", "Provides: mailer\n", 0},
        {"extra", "1", NULL, 0},
        {"broken", "1", "Depends: libmissing (>= 2)\n", 0},
        {"rival", "1", "Conflicts: tls-a\n", 0},
        {NULL, NULL, NULL, 0},
};

/* One archive, one cache, one request. */
struct world {
        char *archive, *cache, *keyring, *mirror;
        struct signer *signer;
        struct ingot_package_request request;
};

static void world_done(struct world *w)
{
        free(w->archive);
        free(w->cache);
        free(w->keyring);
        free(w->mirror);
        signer_free(w->signer);
        ingot_package_request_done(&w->request);
}

#define WORLD __attribute__((cleanup(world_done))) struct world

static bool world_init(struct world *w, struct repository_options o)
{
        static unsigned number;
        number++;
        o.suite = "stable";
        o.packages = o.packages ? o.packages : packages;
        w->signer = signer_new(&(struct signer_options){0});
        if (!w->signer ||
            ingot_format(&w->archive, &error, "%s/%u/archive", test_folder(), number) < 0 ||
            ingot_format(&w->cache, &error, "%s/%u/cache", test_folder(), number) < 0 ||
            ingot_format(&w->keyring, &error, "%s/%u/archive/key.gpg", test_folder(), number) < 0 ||
            ingot_format(&w->mirror, &error, "file://%s", w->archive) < 0 ||
            !repository_write(w->archive, w->signer, &o) ||
            !signer_export(w->signer, w->keyring, true))
                return false;
        w->request.architecture = "x86-64";
        w->request.keyring = w->keyring;
        w->request.cache = w->cache;
        return ingot_package_sources_add(&w->request.sources, w->mirror, "stable", "main",
                                         &error) >= 0;
}

static bool world_ask(struct world *w, const char *name)
{
        return ingot_strings_add(&w->request.packages, name, &error) >= 0;
}

static bool world_serve(struct world *w, struct server *s)
{
        ingot_package_sources_done(&w->request.sources);
        return s && ingot_package_sources_add(&w->request.sources, server_url(s), "stable", "main",
                                              &error) >= 0;
}

static bool has(const struct ingot_lock *lock, const char *name, const char *version)
{
        const struct ingot_locked_package *p = ingot_lock_find(lock, name);
        return p && strcmp(p->version, version) == 0;
}

TEST(a_request_is_solved_as_apt_would)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web"));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_EQ(lock.count, 6);
        CHECK_STR(lock.packages[0].name, "base");
        CHECK(has(&lock, "web", "1.1") && has(&lock, "tls-a", "1") && has(&lock, "libbase", "2"));
        CHECK(has(&lock, "postman", "3:1~rc1") && has(&lock, "tools", "1"));
        CHECK_EQ(lock.date, 1763201533);
        CHECK_OK(ingot_package_lock_check(&w.request, &lock, &error));
        CHECK(world_ask(&w, "extra"));
        CHECK_FAILS(ingot_package_lock_check(&w.request, &lock, &error), INGOT_E_CONFLICT,
                    "ingot lock");
}

TEST(base_and_recommends_are_as_asked)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock essential = {0}, none = {0}, more = {0};
        CHECK(world_init(&w, (struct repository_options){0}));
        w.request.base = INGOT_PACKAGE_BASE_ESSENTIAL;
        CHECK_OK(ingot_package_lock(&w.request, &essential, &error));
        CHECK_EQ(essential.count, 2);
        w.request.base = INGOT_PACKAGE_BASE_NONE;
        CHECK(world_ask(&w, "web=1.0"));
        CHECK_OK(ingot_package_lock(&w.request, &none, &error));
        CHECK_EQ(none.count, 4);
        CHECK(has(&none, "web", "1.0"));
        w.request.recommends = true;
        CHECK_OK(ingot_package_lock(&w.request, &more, &error));
        CHECK_EQ(more.count, 5);
}

TEST(an_alternative_that_is_asked_for_wins_over_the_first)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        CHECK(world_init(&w, (struct repository_options){0}));
        CHECK(world_ask(&w, "web") && world_ask(&w, "rival"));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK(has(&lock, "tls-b", "1") && !ingot_lock_find(&lock, "tls-a"));
}

TEST(an_unknown_package_is_named_with_the_nearest_one)
{
        WORLD w = {0};
        struct ingot_lock lock;
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "postmann"));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_NOTFOUND,
                    "did you mean \"postman\"");
}

TEST(a_version_that_is_not_there_is_not_found)
{
        WORLD w = {0};
        struct ingot_lock lock;
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web=9"));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_NOTFOUND,
                    "no source has version 9 of package web");
}

TEST(what_cannot_be_satisfied_is_told_in_package_terms)
{
        WORLD w = {0};
        struct ingot_lock lock;
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "broken"));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_CONFLICT,
                    "broken 1 needs libmissing (>= 2), which no source has");
}

TEST(packages_that_exclude_each_other_are_named)
{
        WORLD w = {0};
        struct ingot_lock lock;
        CHECK(world_init(&w, (struct repository_options){0}));
        CHECK(world_ask(&w, "tls-a") && world_ask(&w, "rival"));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_CONFLICT,
                    "rival 1 conflicts with tls-a 1");
}

TEST(a_lock_is_kept_until_an_upgrade)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock old = {0}, kept = {0}, named = {0}, all = {0};
        _cleanup_strings_ struct ingot_strings names = {0};
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web=1.0"));
        CHECK_OK(ingot_package_lock(&w.request, &old, &error));
        ingot_strings_done(&w.request.packages);
        CHECK(world_ask(&w, "web") && world_ask(&w, "extra"));
        w.request.current = &old;
        CHECK_OK(ingot_package_lock(&w.request, &kept, &error));
        CHECK(has(&kept, "web", "1.0") && has(&kept, "extra", "1"));
        CHECK_OK(ingot_strings_add(&names, "web", &error));
        w.request.upgrade = &names;
        CHECK_OK(ingot_package_lock(&w.request, &named, &error));
        CHECK(has(&named, "web", "1.1"));
        w.request.upgrade = NULL;
        w.request.upgrade_all = true;
        CHECK_OK(ingot_package_lock(&w.request, &all, &error));
        CHECK(has(&all, "web", "1.1"));
}

TEST(a_locked_version_gives_way_where_another_is_asked_for)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock old = {0}, new = {0};
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web=1.0"));
        CHECK_OK(ingot_package_lock(&w.request, &old, &error));
        ingot_strings_done(&w.request.packages);
        CHECK(world_ask(&w, "web=1.1"));
        w.request.current = &old;
        CHECK_OK(ingot_package_lock(&w.request, &new, &error));
        CHECK(has(&new, "web", "1.1"));
}

TEST(packages_are_fetched_checked_and_then_not_again)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_strings_ struct ingot_strings paths = {0}, again = {0};
        uint8_t got[INGOT_SHA256_SIZE];
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web"));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_OK(ingot_package_fetch(&w.request, &lock, &paths, &error));
        CHECK_EQ(paths.count, lock.count);
        for (size_t i = 0; i < paths.count; i++) {
                CHECK_OK(ingot_file_digest(paths.items[i], got, &error));
                CHECK_EQ(memcmp(got, lock.packages[i].sha256, sizeof(got)), 0);
        }
        CHECK_OK(ingot_remove_tree(AT_FDCWD, w.archive, &error));
        CHECK_OK(ingot_package_fetch(&w.request, &lock, &again, &error));
        CHECK_EQ(again.count, lock.count);
}

TEST(offline_works_out_of_the_cache_and_names_what_is_missing)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web"));
        w.request.offline = true;
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_NOTFOUND, "offline");
        w.request.offline = false;
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_OK(ingot_remove_tree(AT_FDCWD, w.archive, &error));
        w.request.offline = true;
        w.request.keyring = NULL;
        CHECK_FAILS(ingot_package_fetch(&w.request, &lock, &paths, &error), INGOT_E_NOTFOUND,
                    "6 packages are not in the cache: base 1, libbase 2");
}

TEST(a_damaged_cache_entry_is_fetched_again)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_strings_ struct ingot_strings paths = {0}, again = {0};
        uint8_t got[INGOT_SHA256_SIZE];
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web"));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_OK(ingot_package_fetch(&w.request, &lock, &paths, &error));
        CHECK_OK(ingot_outfile_put(paths.items[1], "x", 1, 0644, &error));
        CHECK_OK(ingot_package_fetch(&w.request, &lock, &again, &error));
        CHECK_OK(ingot_file_digest(again.items[1], got, &error));
        CHECK_EQ(memcmp(got, lock.packages[1].sha256, sizeof(got)), 0);
}

TEST(a_package_with_a_wrong_digest_is_refused)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        struct ingot_strings paths;
        struct ingot_sweep left;
        CHECK(world_init(&w, (struct repository_options){.wrong_package = true}));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_FAILS(ingot_package_fetch(&w.request, &lock, &paths, &error), INGOT_E_REFUSED,
                    "base 1: what file://");
        CHECK(strstr(error.text, "SHA-256"));
        CHECK_FAILS(ingot_package_fetch(&w.request, &lock, &paths, &error), INGOT_E_REFUSED,
                    "base 1");
        CHECK_OK(ingot_sweep_measure(w.cache, &left, &error));
}

TEST(a_package_that_is_shorter_than_the_index_says_is_refused)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_free_ char *path = NULL;
        struct ingot_strings paths;
        CHECK(world_init(&w, (struct repository_options){0}));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_OK(ingot_format(&path, &error, "%s/pool/base_1+x_all.deb", w.archive));
        CHECK_OK(ingot_outfile_put(path, "short", 5, 0644, &error));
        CHECK_FAILS(ingot_package_fetch(&w.request, &lock, &paths, &error), INGOT_E_REFUSED,
                    "has 5 bytes, the index says 1000");
}

TEST(a_bad_index_signature_is_refused)
{
        WORLD w = {0};
        struct ingot_lock lock;
        CHECK(world_init(&w, (struct repository_options){.tampered = true}));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_REFUSED,
                    "does not match");
}

TEST(an_index_of_an_unknown_key_is_refused)
{
        WORLD w = {0};
        struct ingot_lock lock;
        _cleanup_(signer_free_p) struct signer *other = signer_new(&(struct signer_options){0});
        CHECK(world_init(&w, (struct repository_options){0}) && other);
        CHECK(signer_export(other, w.keyring, false));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_REFUSED,
                    "no verifier has its key");
}

TEST(without_a_keyring_an_index_is_judged_by_what_voa_has)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_key_files_ struct ingot_key_files keys = {0};
        _cleanup_free_ char *folder = NULL, *path = NULL, *root = NULL;
        CHECK(world_init(&w, (struct repository_options){0}));
        CHECK_OK(ingot_key_files_add(&keys, w.keyring, &error));
        CHECK_OK(ingot_format(&root, &error, "%s/voa-root", w.archive));
        CHECK_OK(ingot_format(&folder, &error,
                              "%s/etc/voa/debian/repository-metadata/default/openpgp", root));
        CHECK_OK(ingot_make_directories(folder, 0755, &error));
        w.request.keyring = NULL;
        w.request.trust_root = root;
        CHECK(ingot_package_lock(&w.request, &lock, &error) < 0);
        CHECK_OK(
                ingot_format(&path, &error, "%s/%s.openpgp", folder, signer_fingerprint(w.signer)));
        CHECK(signer_export(w.signer, path, true));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
}

TEST(an_expired_index_is_refused_unless_allowed)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        CHECK(world_init(
                &w, (struct repository_options){.valid_until = "Sat, 22 Nov 2025 10:12:13 UTC"}));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_REFUSED,
                    "valid until 2025-11-22 10:12:13 UTC");
        CHECK(strstr(error.text, "Distribution.CheckValidUntil=no"));
        w.request.allow_expired = true;
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
}

TEST(an_index_of_another_suite_is_refused)
{
        WORLD w = {0};
        struct ingot_lock lock;
        _cleanup_free_ char *from = NULL, *to = NULL;
        CHECK(world_init(&w, (struct repository_options){0}));
        CHECK_OK(ingot_format(&from, &error, "%s/dists/stable", w.archive));
        CHECK_OK(ingot_format(&to, &error, "%s/dists/testing", w.archive));
        CHECK_EQ(rename(from, to), 0);
        ingot_package_sources_done(&w.request.sources);
        CHECK_OK(
                ingot_package_sources_add(&w.request.sources, w.mirror, "testing", "main", &error));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_REFUSED,
                    "not of testing");
}

TEST(a_changed_package_index_is_refused)
{
        WORLD w = {0};
        struct ingot_lock lock;
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        size_t size;
        CHECK(world_init(&w, (struct repository_options){.plain = true}));
        CHECK_OK(ingot_format(&path, &error, "%s/dists/stable/main/binary-amd64/Packages",
                              w.archive));
        CHECK_OK(ingot_file_read(AT_FDCWD, path, 1 << 20, &data, &size, &error));
        data[9] ^= 1;
        CHECK_OK(ingot_outfile_put(path, data, size, 0644, &error));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_REFUSED, "SHA-256");
}

TEST(every_form_of_archive_is_read)
{
        static const struct repository_options forms[] = {
                {.by_hash = true}, {.plain = true}, {.detached = true}};
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                WORLD w = {0};
                _cleanup_lock_ struct ingot_lock lock = {0};
                CHECK(world_init(&w, forms[i]) && world_ask(&w, "web"));
                CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
                CHECK_EQ(lock.count, 6);
        }
}

TEST(a_missing_suite_is_not_found_and_a_missing_mirror_could_not_be_asked)
{
        WORLD w = {0};
        struct ingot_lock lock;
        CHECK(world_init(&w, (struct repository_options){0}));
        ingot_package_sources_done(&w.request.sources);
        CHECK_OK(ingot_package_sources_add(&w.request.sources, w.mirror, "nosuch", "main", &error));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_NOTFOUND,
                    "suite nosuch");
        ingot_package_sources_done(&w.request.sources);
        CHECK_OK(ingot_package_sources_add(&w.request.sources, "http://127.0.0.1:1", "stable",
                                           "main", &error));
        CHECK_FAILS(ingot_package_lock(&w.request, &lock, &error), INGOT_E_SYSTEM, "127.0.0.1:1");
}

TEST(a_download_that_breaks_off_is_taken_up_where_it_broke)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web"));
        struct server_faults faults = {.errors = 1, .breaks = 8, .break_after = 100000};
        _cleanup_(server_stop_p) struct server *s = server_start(w.archive, &faults);
        CHECK(world_serve(&w, s));
        CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
        CHECK_OK(ingot_package_fetch(&w.request, &lock, &paths, &error));
        CHECK(server_ranges(s) >= 1);
}

TEST(a_mirror_that_fails_half_way_is_no_refusal_and_the_next_run_goes_on)
{
        WORLD w = {0};
        _cleanup_lock_ struct ingot_lock lock = {0};
        _cleanup_strings_ struct ingot_strings paths = {0};
        struct server_faults dead = {.break_after = 50000, .dead_for = "web_"};
        CHECK(world_init(&w, (struct repository_options){0}) && world_ask(&w, "web"));
        {
                _cleanup_(server_stop_p) struct server *s = server_start(w.archive, &dead);
                CHECK(world_serve(&w, s));
                CHECK_OK(ingot_package_lock(&w.request, &lock, &error));
                CHECK_FAILS(ingot_package_fetch(&w.request, &lock, &paths, &error), INGOT_E_SYSTEM,
                            "web 1.1: after 5 tries");
        }
        _cleanup_(server_stop_p) struct server *s = server_start(w.archive, NULL);
        free(lock.sources.items[0].mirror);
        lock.sources.items[0].mirror = strdup(server_url(s));
        CHECK_OK(ingot_package_fetch(&w.request, &lock, &paths, &error));
        CHECK_EQ(server_ranges(s), 1);
}
