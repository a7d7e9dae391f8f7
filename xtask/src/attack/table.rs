//! The attacks.

/// One attack.
pub struct Attack {
    /// What it is called.
    pub name: &'static str,
    /// What was tried.
    pub tried: &'static str,
    /// Stable codes of the refusals, the most telling ones.
    pub codes: &'static [&'static str],
    /// The tests that show it: `package name`, `package/program name` or `file: name`.
    pub tests: &'static [&'static str],
}

const fn attack(
    name: &'static str,
    tried: &'static str,
    codes: &'static [&'static str],
    tests: &'static [&'static str],
) -> Attack {
    Attack { name, tried, codes, tests }
}

/// Every attack.
pub const ATTACKS: &[Attack] = &[
    attack(
        "everything that the cloud has",
        "KV, Durable Objects and all secrets: read a PIN, make a code",
        &["chain.not_trusted", "chain.bad_signature", "bundle.wrong_genesis"],
        &[
            "latchkey-tests/attacks cloud::no_pin_and_no_trace_of_one_is_in_it",
            "latchkey-tests/attacks cloud::no_key_that_is_in_it_opens_anything_that_is_in_it",
            "latchkey-tests/attacks cloud::no_op_signed_with_any_key_that_is_in_it_reaches_a_lock",
            "latchkey-tests/attacks cloud::no_other_home_can_be_put_in_its_place",
            "latchkey-tests/attacks cloud::where_an_owner_lets_it_issue_it_issues_that_and_nothing_else",
            "latchkey-tests/attacks cloud::a_pin_that_the_worker_made_is_forgotten",
            "latchkey-tests/attacks cloud::a_forged_hub_is_told_nothing_that_it_could_open",
            "tests/live/attacks.test.mjs: all that the Worker stores, and its secrets, hold no PIN",
        ],
    ),
    attack(
        "wrong home or hub",
        "ops, heads and whole homes of others",
        &["chain.wrong_home", "head.wrong_home", "head.wrong_hub", "bundle.wrong_genesis"],
        &[
            "latchkey-tests/attacks bundles::ops_of_another_home",
            "latchkey-tests/attacks heads::heads_for_others_or_for_too_long_or_of_other_keys",
        ],
    ),
    attack(
        "signed only by the issuer",
        "every kind of op under the Worker's key",
        &["chain.not_trusted"],
        &["latchkey-tests/attacks bundles::ops_that_the_issuer_alone_signed"],
    ),
    attack(
        "removed or out-of-scope key",
        "a manager's ops beyond locks, kinds and term, and after removal",
        &["chain.not_allowed", "chain.not_trusted"],
        &[
            "latchkey-tests/attacks bundles::ops_of_keys_beyond_their_scope_or_removed",
            "latchkey-shared chain::tests::managers_stay_within_their_scope",
            "tests/live/bad_input.test.mjs: ops of a hub beyond what its panel may, and other hubs' ops",
        ],
    ),
    attack(
        "unknown key",
        "strangers, the hub itself, a grafted signature, weak points",
        &["chain.not_trusted", "chain.bad_signature", "chain.bad_op"],
        &[
            "latchkey-tests/attacks bundles::ops_of_unknown_keys_under_known_names",
            "latchkey-shared chain::tests::malformed_bodies",
        ],
    ),
    attack(
        "algorithm confusion",
        "ES256, HMAC, none, `crit`, unprotected `alg`, a tag, no header",
        &["chain.malformed", "chain.bad_signature"],
        &["latchkey-tests/attacks bytes::another_algorithm_or_header_under_a_good_signature"],
    ),
    attack(
        "cross-type replay",
        "each kind of signed message in the place of each other",
        &["cose.bad_signature"],
        &["latchkey-tests/attacks bytes::a_message_of_one_kind_counts_as_no_other"],
    ),
    attack(
        "every byte flipped, every cut",
        "a bundle at every offset, trailing bytes; ops to the live Worker",
        &["wire.malformed", "chain.bad_signature", "head.bad_signature"],
        &[
            "latchkey-tests/attacks bytes::every_byte_flipped_and_every_cut",
            "latchkey-tests/vectors no_flipped_bit_gets_past_the_hub",
            "latchkey-shared exchange::backup::restore::tests::every_flipped_byte_is_refused",
            "tests/live/bad_input.test.mjs: an op cut at every offset, or with one byte changed",
        ],
    ),
    attack(
        "ciphertexts moved",
        "between grants, locks, revisions, homes, kinds of seal, epochs",
        &["chain.stale_epoch"],
        &[
            "latchkey-tests/attacks bundles::sealed_pins_open_nowhere_else",
            "latchkey-tests/attacks bundles::a_pin_sealed_to_an_old_home_key_counts_no_more",
            "latchkey-shared sealed::tests::a_pin_opens_only_where_it_was_put",
        ],
    ),
    attack(
        "non-canonical CBOR",
        "12 other ways of writing, at every place, signed well",
        &["chain.malformed"],
        &[
            "latchkey-tests/attacks ways::what_is_not_in_its_one_form_is_refused_though_it_is_signed",
            "latchkey-shared wire::cbor::tests::one_spelling",
            "latchkey-tests/vectors the_hub_refuses_what_the_other_verifier_refuses",
        ],
    ),
    attack(
        "oversized and deep",
        "lengths that lie, millions of items, nesting; memory is measured",
        &["wire.too_large", "bundle.too_many", "request.too_large"],
        &[
            "latchkey-tests/attacks bytes::too_large_too_deep_or_too_many_changes_nothing",
            "latchkey-tests/memory memory_goes_by_what_came_and_not_by_what_it_claims",
            "latchkey-shared wire::cbor::tests::many_small_items_are_refused_before_they_cost_memory",
            "tests/live/bad_input.test.mjs: oversized bodies, with and without a declared length",
            "tests/live/bad_input.test.mjs: malformed bodies",
        ],
    ),
    attack(
        "old bundle, also after power loss",
        "replayed, dated anew by the issuer's key, after restarts",
        &["bundle.rollback", "bundle.overlap"],
        &[
            "latchkey-tests/attacks heads::an_old_bundle_also_after_a_power_cut",
            "latchkey-tests/attacks heads::heads_of_an_issuer_that_was_replaced",
        ],
    ),
    attack(
        "frozen head",
        "the same answer until its end, and then for weeks",
        &["head.expired", "head.wrong_nonce"],
        &["latchkey-tests/attacks heads::a_frozen_head_keeps_guests_only_for_the_offline_grace"],
    ),
    attack(
        "over-long head",
        "72 hours and a second, or none",
        &["head.too_long"],
        &["latchkey-tests/attacks heads::heads_for_others_or_for_too_long_or_of_other_keys"],
    ),
    attack(
        "mixed ops, gap, fork",
        "left out, in another order, twice, another history",
        &["chain.gap", "chain.fork", "bundle.fork", "bundle.incomplete"],
        &[
            "latchkey-tests/attacks bundles::gaps_forks_and_mixed_histories",
            "latchkey-shared chain::verify_tests::another_history_is_an_alarm",
            "tests/live/cli.test.mjs: a server that shows less, or something else, than before is not believed",
        ],
    ),
    attack(
        "forward-dated head",
        "minutes to years ahead, with and without a clock at the hub",
        &["head.from_the_future"],
        &[
            "latchkey-tests/attacks heads::a_head_dated_ahead_opens_nothing_early",
            "latchkey-hub core::clock::tests::a_server_alone_cannot_move_the_time",
        ],
    ),
    attack(
        "clock back, 1970, far ahead",
        "set while it runs and over power cuts, in one step and in many",
        &[],
        &[
            "latchkey-tests/attacks time::a_clock_set_back_or_to_1970_prolongs_nothing",
            "latchkey-tests/attacks time::a_clock_set_far_ahead_starts_nothing_early",
            "latchkey-tests/attacks time::small_steps_ahead_add_up_to_a_day_and_no_more",
        ],
    ),
    attack(
        "boundaries to the second",
        "first and last second of a code and of a head",
        &["head.expired"],
        &[
            "latchkey-tests/attacks time::starts_and_ends_hold_to_the_second",
            "latchkey-shared chain::verify_tests::heads_that_do_not_count",
        ],
    ),
    attack(
        "revoked id coming back",
        "any revision, the op replayed, the chain from before; live too",
        &["chain.revoked", "bundle.overlap"],
        &[
            "latchkey-tests/attacks bundles::a_revoked_code_comes_back_in_no_form",
            "tests/live/races.test.mjs: a revoked grant does not come back",
        ],
    ),
    attack(
        "dropped revocation",
        "the Worker keeps it to itself: hub's report and browsers show it",
        &[],
        &[
            "latchkey-tests/attacks heads::a_revocation_that_is_kept_from_the_hub_shows",
            "latchkey-hub core::tests::cloud::what_was_announced_is_fetched_until_it_is_there",
        ],
    ),
    attack(
        "duplicate slot and PIN",
        "a PIN twice, by edit, after its code; slots set by hand",
        &[],
        &[
            "latchkey-tests/attacks locks::the_same_pin_twice_is_on_the_lock_once",
            "latchkey-tests/attacks locks::a_pin_that_somebody_set_by_hand_is_neither_overwritten_nor_doubled",
        ],
    ),
    attack(
        "two hubs on one lock",
        "two homes, one lock; two machines with one key",
        &["hub.cloned"],
        &[
            "latchkey-tests/attacks locks::two_hubs_of_two_homes_on_one_lock_leave_each_other_alone",
            "latchkey-hub core::tests::robust::two_machines_with_one_key_are_told_and_not_merged",
        ],
    ),
    attack(
        "link guessing and timing",
        "wrong proofs bit by bit, unknown ids: same answer, work and time",
        &["link.not_found", "rate.limited"],
        &[
            "latchkey-tests/attacks people::a_wrong_proof_and_an_unknown_link_get_the_same_answer",
            "latchkey-tests/attacks people::a_wrong_proof_and_an_unknown_link_take_the_same_time",
            "tests/live/bad_input.test.mjs: link ids and secrets that do not exist",
            "tests/live/races.test.mjs: deployed rate limits answer 429 in the same form",
        ],
    ),
    attack(
        "link scanners",
        "fetching the page, with and without script",
        &[],
        &[
            "tests/guest/live.test.mjs: the page says nothing of the link, and its headers are strict",
            "tests/guest/guest.test.mjs: shows where, when and whether the lock has it, and sends no secret",
        ],
    ),
    attack(
        "every route, other home, every role",
        "owners of other homes, managers, residents, nobody",
        &["auth.no_session", "home.not_found", "home.resident"],
        &[
            "tests/live/people.test.mjs: every route by every role",
            "tests/live/bad_input.test.mjs: somebody else's home",
            "tests/live/bad_input.test.mjs: without a session",
            "tests/live/people.test.mjs: several homes of one person do not mix",
        ],
    ),
    attack(
        "CSRF",
        "no origin, another, one that looks alike, on every route",
        &["request.origin"],
        &["tests/live/bad_input.test.mjs: from another site"],
    ),
    attack(
        "session fixation",
        "a cookie set before signing in; the old one after signing out",
        &["auth.no_session"],
        &["tests/live/attacks.test.mjs: a cookie that somebody planted is worth nothing"],
    ),
    attack(
        "stale step-up",
        "what needs a fresh passkey, after ten minutes and across sessions",
        &["auth.stepup_required"],
        &["latchkey-worker core::account::tests::step_up_is_needed_and_lasts_ten_minutes"],
    ),
    attack(
        "WebAuthn",
        "other origin and site, unverified, reused challenge, counter back",
        &["passkey.wrong_origin", "passkey.not_verified", "passkey.counter_regress"],
        &[
            "tests/live/bad_input.test.mjs: passkeys that should not sign up",
            "tests/live/bad_input.test.mjs: sign-ins and confirmations that are not the person's",
            "latchkey-shared webauthn::tests::what_both_ceremonies_refuse",
            "latchkey-shared webauthn::tests::counter_backup_and_owner",
            "latchkey-worker core::account::tests::challenges_are_single_use_and_end",
        ],
    ),
    attack(
        "XSS, bidi, CSV, log injection",
        "through names, labels and notes: markup, controls, formulas",
        &["op.name", "report.malformed"],
        &[
            "latchkey-shared grant::tests::names_are_shown_as_they_are",
            "latchkey-tests/attacks people::names_that_steer_what_shows_them_are_refused_everywhere",
            "latchkey-tests/attacks people::a_name_that_is_a_formula_is_none_in_a_table",
            "tests/guest/guest.test.mjs: names are text, never markup",
            "tests/browser/care.test.mjs: a table is read whole, its faults are named, and nothing is made before it was seen",
            "tests/live/attacks.test.mjs: names reach no log and no header",
        ],
    ),
    attack(
        "SSRF",
        "addresses of this machine in every field and header",
        &[],
        &[
            "tests/live/attacks.test.mjs: no address that somebody names is visited",
            "latchkey-tests/layering the_worker_asks_nobody",
        ],
    ),
    attack(
        "hub request replayed or bent",
        "body, path, query, host, key, date and nonce (RFC 9421)",
        &["request.signature_replayed", "request.signature_invalid", "request.digest_mismatch"],
        &[
            "tests/live/bad_input.test.mjs: requests that the hub did not sign so",
            "tests/live/bad_input.test.mjs: a hub's request, once more",
        ],
    ),
    attack(
        "event log truncated, bent, forked",
        "an event out, twice, swapped, rewritten; the end lost or hidden",
        &["event.gap", "event.broken", "hub.event_fork", "event.bad_signature"],
        &[
            "latchkey-tests/attacks logs::a_log_that_was_cut_reordered_or_rewritten_shows_it",
            "latchkey-tests/attacks logs::a_cloud_that_lost_or_hid_the_end_of_the_log_is_told_again",
            "latchkey-tests/attacks logs::a_second_history_under_the_hubs_key_is_refused",
            "tests/browser/care.test.mjs: an event that is withheld raises an alarm",
        ],
    ),
];
