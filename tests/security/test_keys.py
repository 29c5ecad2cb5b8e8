"""S9, S23: the secret key is exchanged while the system runs."""

from __future__ import annotations

import dataclasses
import threading

from sqlalchemy import text

from sync.bootstrap import App, build_app
from sync.keys import Keyring
from sync.notify import portal_token
from sync.rotate import rotate_bodies, rotate_company
from sync.web.portal import find_view
from tests.functional.test_story import LINES
from tests.house import House, NoLimits, connect

OLD, NEW = "k" * 40, "n" * 40


def app_with(house: House, *keys: str) -> App:
    """The same installation, started with other keys."""
    changes = {"secret_key": keys[0], "other_secret_keys": ",".join(keys[1:])}
    settings = type(house.app.settings)(**{**house.app.settings.model_dump(), **changes})
    return build_app(settings, mail=house.mail, limits=NoLimits())


def test_s09_and_s23_keys_are_exchanged_while_tokens_are_renewed(house: House) -> None:
    """Old and new processes work side by side; afterwards the old key opens nothing; a link lives
    as long as its key is accepted, and the next mail carries one that lives longer.
    """
    house.accepted_estimate("S23", LINES)
    house.sync()
    job_id = house.view("S23").job_id

    def link(app: App) -> str:
        with app.database.begin(house.realm_no) as session:
            return portal_token(session, app.keyring, house.realm_no, job_id)

    before = link(house.app)
    both_old, both_new = app_with(house, OLD, NEW), app_with(house, NEW, OLD)
    failures: list[Exception] = []
    stop = threading.Event()

    def renew(app: App) -> None:
        while not stop.is_set():
            try:
                app.tokens.access(house.realm_no, refused=app.tokens.access(house.realm_no))
            except Exception as exc:
                failures.append(exc)

    threads = [threading.Thread(target=renew, args=(app,)) for app in (both_old, both_new)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        rotate_company(both_new, house.realm_no)
    stop.set()
    for thread in threads:
        thread.join()
    rotate_company(both_new, house.realm_no)
    assert rotate_bodies(both_new) == 0
    both_old.close()

    assert failures == []
    alone = app_with(house, NEW)
    assert alone.tokens.access(house.realm_no).realm_id == house.sandbox.realm_id
    assert connect(dataclasses.replace(house, app=alone), house.sandbox.realm_id) == house.realm_no
    with house.owner.begin() as session:
        sealed = session.execute(text("SELECT refresh_token_sealed FROM realm")).scalar_one()
    assert not _opens(Keyring(OLD), sealed, house.realm_no)

    assert link(both_new) == before
    assert find_view(both_new, before) is not None
    assert find_view(alone, before) is None
    after = link(alone)
    assert after != before
    assert find_view(alone, after) is not None
    both_new.close()
    alone.close()


def _opens(keyring: Keyring, sealed: bytes, realm_no: int) -> bool:
    try:
        keyring.open(sealed, purpose=f"refresh_token/{realm_no}")
    except Exception:
        return False
    return True
