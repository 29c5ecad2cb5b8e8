"""ROTATE: everything that is sealed, sealed again under the newest key, while the system runs.

One short transaction a company, with its row locked: a token that is renewed meanwhile is stored
before or after, never in between. Running it again changes nothing but the bytes.
"""

from __future__ import annotations

from sqlalchemy import select, update

from sync.bootstrap import App
from sync.store.tables import InboxRow, RealmRow


def rotate_company(app: App, realm_no: int) -> None:
    """Seal a company's id and tokens anew, and let it be found under the newest key."""
    keyring = app.keyring
    with app.database.begin(realm_no) as session:
        row = session.scalars(
            select(RealmRow).where(RealmRow.realm_no == realm_no).with_for_update()
        ).one()
        if not row.realm_id_sealed:
            return  # disconnected: nothing of it can be opened any more
        realm_id = keyring.open(row.realm_id_sealed, purpose="realm_id")
        row.realm_id_sealed = keyring.seal(realm_id, purpose="realm_id")
        row.realm_id_hmac = keyring.realm_hash(realm_id)
        for name in ("access_token", "refresh_token"):
            sealed = getattr(row, f"{name}_sealed")
            if sealed is not None:
                purpose = f"{name}/{realm_no}"
                plain = keyring.open(sealed, purpose=purpose)
                setattr(row, f"{name}_sealed", keyring.seal(plain, purpose=purpose))


def rotate_bodies(app: App) -> int:
    """Seal the bodies of notifications anew that belong to no company; tell how many."""
    with app.database.begin() as session:
        rows = session.execute(
            select(InboxRow.inbox_id, InboxRow.body_sealed)
            .where(InboxRow.realm_no.is_(None), InboxRow.body_sealed.is_not(None))
            .with_for_update()
        ).all()
        for inbox_id, sealed in rows:
            assert sealed is not None
            plain = app.keyring.open(sealed, purpose="inbox")
            session.execute(
                update(InboxRow)
                .where(InboxRow.inbox_id == inbox_id)
                .values(body_sealed=app.keyring.seal(plain, purpose="inbox"))
            )
    return len(rows)
