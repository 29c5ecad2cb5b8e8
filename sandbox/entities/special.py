"""Objects unlike the others: ExchangeRate has no id, Attachable may carry a file,
RecurringTransaction is a template of another transaction.
"""

from sandbox.entities.spec import COMMON, Family, Spec
from sandbox.schema import (
    anything,
    boolean,
    day,
    listing,
    number,
    queried,
    read_only,
    reference,
    text,
)

EXCHANGE_RATE = Spec(
    name="ExchangeRate",
    family=Family.RATE,
    required=("SourceCurrencyCode", "Rate"),
    is_open=True,
    has_cdc=False,
    fields={
        **COMMON,
        "SourceCurrencyCode": queried(text(3)),
        "TargetCurrencyCode": queried(text(3)),
        "AsOfDate": queried(day()),
        "Rate": number(),
    },
)

ATTACHABLE = Spec(
    name="Attachable",
    family=Family.FILE,
    can_delete=True,
    fields={
        **COMMON,
        "FileName": queried(text(1000)),
        "Note": queried(text(2000)),
        "Category": text(100),
        "ContentType": text(100),
        "Size": read_only(number()),
        "FileAccessUri": read_only(text()),
        "TempDownloadUri": read_only(text()),
        "ThumbnailFileAccessUri": read_only(text()),
        "ThumbnailTempDownloadUri": read_only(text()),
        "AttachableRef": listing(
            EntityRef=queried(reference(is_typed=True)),
            IncludeOnSend=boolean(),
            LineInfo=text(),
            NoRefOnly=boolean(),
            CustomField=anything(),
            Inactive=boolean(),
        ),
        "Lat": text(),
        "Long": text(),
        "PlaceName": text(2000),
        "Tag": text(2000),
    },
)

RECURRING_TRANSACTION = Spec(
    name="RecurringTransaction",
    family=Family.RECURRING,
    can_delete=True,
    is_open=True,
    has_cdc=False,
    fields={**COMMON, "Type": queried(text()), "RecurringInfo": anything()},
)
