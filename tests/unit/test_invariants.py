"""Every invariant of the design (I1 to I34) and what holds it: a test, a constraint of the schema,
a rule of the judge from outside, or a planted bug that the simulation has to catch.

Only the tests and constraints run with every change. Rules of the judge hold as far as the
simulation (`python -m tests.simulation`) and the chaos runs were run; a planted bug shows that the
simulation would see it.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.simulation.planted import BUGS

ROOT = Path(__file__).parents[2]

#: Invariant -> what holds it: `test_...`, or `constraint`, `rule`, `planted` and a name.
HELD_BY: dict[str, tuple[str, ...]] = {
    # Money
    "I1": (
        "test_a_schedule_that_does_not_add_up_cannot_be_committed",
        "constraint milestone_sum",
        "rule sum",
    ),
    "I2": (
        "test_no_float_stands_where_money_lives",
        "test_more_decimals_than_the_currency_has_are_refused",
        "planted floats",
    ),
    "I3": ("test_a_locked_amount_cannot_move_while_its_facts_stand", "constraint locked_stands"),
    "I4": (
        "test_facts_may_come_in_any_order",
        "test_a_plan_is_a_function_of_the_facts",
        "rule rule",
    ),
    "I5": ("test_every_pair_is_as_the_page_says", "test_e73_a_credit_is_proposed_and_never_issued"),
    "I6": ("test_the_countertop_story_ties_out_to_the_cent", "rule tie_out"),
    "I7": (
        "test_history_cannot_be_rewritten",
        "test_what_was_altered_shows",
        "test_a_gap_at_the_end_stays_one_when_the_journal_goes_on",
    ),
    "I8": ("test_two_currencies_in_one_contract_are_refused",),
    # What is written into QuickBooks
    "I9": (
        "test_a_milestone_has_one_live_invoice",
        "test_effects_have_one_unfinished_row_a_target",
        "test_an_invoice_whose_note_was_rewritten_is_known_by_its_number",
        "constraint one_unfinished_a_target",
        "rule twin",
        "planted no_read_back",
    ),
    "I10": (
        "test_a_row_that_keeps_failing_is_parked_after_twelve_tries",
        "test_the_work_of_a_dead_process_is_taken_over_and_its_writes_are_fenced",
        "rule liveness",
    ),
    "I11": (
        "test_an_unanswered_write_that_left_no_trace_waits_before_it_is_made_again",
        "test_a_refusal_takes_no_earlier_ask_back",
        "test_what_was_asked_and_given_up_is_read_back_when_that_is_taken_back",
        "planted unknown_is_failure",
    ),
    "I12": (
        "test_an_answer_without_one_of_our_lines_is_refused",
        "test_e45_e47_quickbooks_tax_stands_and_its_drift_is_told",
        "rule tie_out",
    ),
    "I13": (
        "test_a_payment_that_comes_while_an_invoice_is_being_revised_wins",
        "test_a_persons_words_and_due_date_survive_every_revision",
        "rule overwritten",
        "planted last_writer_wins",
    ),
    "I14": ("test_what_a_person_took_away_is_not_made_again", "rule revived"),
    "I15": ("test_closed_books_hold_what_is_out_and_park_what_is_new",),
    "I16": ("test_a_copied_invoice_stops_all_writes_until_it_is_gone", "rule foreign"),
    # Mail
    "I17": (
        "test_a_mail_that_may_have_gone_out_is_never_sent_again_by_itself",
        "rule mail_twice",
        "planted uncertain_goes_again",
    ),
    "I18": (
        "test_the_story_in_mails",
        "test_due_mail_carries_the_invoice_as_quickbooks_prints_it",
    ),
    "I19": (
        "test_a_sub_customer_without_an_address_is_written_to_at_its_parents",
        "test_a_customer_without_an_address_is_told_once_there_is_one",
        "test_s13_to_s15_no_tenant_no_rows_and_nothing_leaks_through_the_pool",
    ),
    "I20": (
        "test_what_was_rejected_during_an_outage_is_not_billed",
        "test_an_effect_waits_for_books_that_are_overdue",
        "test_an_invoice_that_waited_past_its_day_is_dated_today",
        "test_a_mail_that_waited_for_days_is_for_a_person",
    ),
    # What is read
    "I21": (
        "test_a_signed_notification_is_stored_and_orders_one_pull",
        "test_a_signed_body_that_cannot_be_read_is_kept_and_answered",
    ),
    "I22": ("test_a_signed_notification_is_stored_and_orders_one_pull",),
    "I23": ("test_a_second_pass_changes_nothing", "rule mirror"),
    "I24": (
        "test_after_a_long_absence_everything_is_read_again",
        "test_what_was_deleted_during_a_long_absence_is_noticed",
        "rule mirror",
        "planted no_sweep",
    ),
    "I25": ("planted watermark_early", "planted watermark_ahead"),
    "I26": ("rule mirror", "test_an_older_revision_replaces_no_newer"),
    "I27": (
        "test_a_second_pass_changes_nothing",
        "test_the_echo_of_our_own_write_orders_no_pull",
        "rule restless",
    ),
    # Companies, tokens, secrets
    "I28": (
        "test_foreign_keys_carry_the_company",
        "test_the_company_must_answer_to_its_token",
        "planted shared_token",
    ),
    "I29": (
        "test_of_twenty_that_need_a_token_one_refreshes",
        "test_a_token_that_was_replaced_and_never_stored",
        "planted token_not_kept",
    ),
    "I30": (
        "test_s24_secrets_and_names_stay_where_they_belong",
        "test_a_message_holds_ids_alone",
    ),
    "I31": (
        "test_a_small_company_does_not_wait_behind_a_big_one",
        "test_a_company_that_does_not_answer_is_left_alone_and_the_others_go_on",
    ),
    "I32": (
        "test_without_redis_all_processes_together_keep_to_one_slow_pace",
        "test_the_last_calls_of_a_minute_are_for_writes",
    ),
    # Nothing replays a log of events: the loop is level-triggered. What comes nearest is a restore
    # from a backup, whose schedules are made again from the books.
    "I33": ("test_the_state_ties_out", "test_a_plan_is_a_function_of_the_facts"),
}
#: Invariant -> why nothing holds it yet.
NOT_YET = {
    "I34": "there is no ops page; `queue` counts the rows of the ledger itself",
}
NAMES = {
    "rule": set(
        re.findall(
            r'(?:rule=|_say\(\s*)"(\w+)"',
            "\n".join(
                path.read_text(encoding="utf-8")
                for folder in ("checker", "simulation")
                for path in (ROOT / "tests" / folder).glob("*.py")
            ),
        )
    ),
    "planted": {one.name for one in BUGS},
    "constraint": set(
        re.findall(
            r"(?:CONSTRAINT|TRIGGER|UNIQUE INDEX) (\w+)",
            "\n".join(
                path.read_text(encoding="utf-8")
                for path in (ROOT / "sync" / "store" / "migrations" / "versions").glob("*.sql")
            ).replace("CONSTRAINT TRIGGER", "TRIGGER"),
        )
    ),
}


def test_every_invariant_is_somewhere() -> None:
    """I1 to I34: held by something with a name, or on the list of what is not yet."""
    numbers = {f"I{number}" for number in range(1, 35)}

    assert set(HELD_BY) | set(NOT_YET) == numbers
    assert set(HELD_BY) & set(NOT_YET) == set()
    assert all(HELD_BY.values())
    assert all(NOT_YET.values())


def test_what_holds_an_invariant_exists() -> None:
    """Whoever renames or removes it comes by here."""
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    holders = [one for some in HELD_BY.values() for one in some]
    missing = [one for one in holders if one.startswith("test_") and f"def {one}(" not in tests] + [
        one
        for one in holders
        if not one.startswith("test_") and one.partition(" ")[2] not in NAMES[one.partition(" ")[0]]
    ]

    assert missing == []
