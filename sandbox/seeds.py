"""Company files: a company as JSON, with names in place of ids and days in place of dates, planted
into empty books.

The format is described in `sandbox/companies/README.md`. Everything a client could create is
created the way a client would, so that a company file can say nothing that QuickBooks would refuse.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from sandbox.clock import PACIFIC, FixedClock
from sandbox.company import Company
from sandbox.entities import SPECS
from sandbox.errors import Fault, SeedError
from sandbox.schema import Field, Fields, Kind
from sandbox.values import Document, loads, total

ACTOR = "seed"
DAY_PATTERN = re.compile(r"([+-]\d{1,4})d")
OPENED_DAYS_AGO = 60

#: Sections of a file in the order in which they can be planted, with their entity.
LISTS: Mapping[str, str] = {
    "tax_agencies": "TaxAgency",
    "tax_rates": "TaxRate",
    "tax_codes": "TaxCode",
    "accounts": "Account",
    "terms": "Term",
    "payment_methods": "PaymentMethod",
    "currencies": "CompanyCurrency",
    "exchange_rates": "ExchangeRate",
    "classes": "Class",
    "departments": "Department",
    "items": "Item",
    "customers": "Customer",
    "vendors": "Vendor",
    "employees": "Employee",
}

#: What no client can create, so a file writes it as it is.
FOUNDED = ("TaxRate", "TaxCode")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFile:
    """One company file, read but not yet planted."""

    name: str
    content: Document
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened in the company's past."""

    day: int  #: days from today, 0 or less
    place: int  #: order in the file, for steps of one day
    entity: str
    number: str | None  #: of the document that a later step changes
    content: Document


def shipped_files() -> list[Path]:
    """Return the company files that come with the sandbox, the first company first."""
    folder = Path(str(resources.files("sandbox"))) / "companies"
    return [folder / "countertop.json", folder / "landscaping.json"]


def read_company_file(path: Path) -> CompanyFile:
    """Read one company file.

    Raises:
        SeedError: it is not there, not JSON, or has no name.
    """
    try:
        content = loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise SeedError(f"company file {path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise SeedError(f"company file {path} is not JSON: {exc}") from exc
    if not isinstance(content, dict) or not content.get("name"):
        raise SeedError(f'company file {path} must be an object with a "name"')
    unknown = set(content) - {
        *LISTS,
        "name",
        "company_info",
        "preferences",
        "projects",
        "documents",
    }
    unknown -= {"default_terms", "sales_tax_code"}
    if unknown:
        raise SeedError(f"company file {path} has unknown sections: {', '.join(sorted(unknown))}")
    return CompanyFile(name=content["name"], content=content, source=path.name)


def plant(company: Company, file: CompanyFile, *, clock: FixedClock, today: date) -> None:
    """Write a company file into a company's empty books; the clock is set to each step's own day.

    Raises:
        SeedError: an entry is wrong; the message names it.
    """
    _Planter(company, file, clock, today).plant()


class _Planter:
    def __init__(self, company: Company, file: CompanyFile, clock: FixedClock, today: date) -> None:
        self._company = company
        self._file = file
        self._clock = clock
        self._now = clock.now()
        self._today = today
        self._ids: dict[tuple[str, str], str] = {}

    def plant(self) -> None:
        content = self._file.content
        self._go_to(-OPENED_DAYS_AGO)
        self._company.found("CompanyInfo", _company_info(self._file), actor=ACTOR)
        self._company.found("Preferences", content.get("preferences", {}), actor=ACTOR)
        for section, entity in LISTS.items():
            for entry in content.get(section, ()):
                self._entry(entity, entry)
        for project in content.get("projects", ()):
            self._project(project)
        self._point_preferences()
        for step in sorted(self._steps(), key=lambda step: (step.day, step.place)):
            self._go_to(step.day)
            self._guarded(step.entity, step.content, partial(self._take, step))
        self._go_to(0)

    def _go_to(self, day: int) -> None:
        """Set the clock to nine in the morning of a day, but never past the real now."""
        morning = datetime.combine(self._today + timedelta(days=day), time(9), PACIFIC)
        self._clock.at = min(morning.astimezone(UTC), self._now)

    def _guarded(self, entity: str, entry: Document, write: Any) -> Document:
        try:
            done: Document = write()
        except (Fault, KeyError, ValueError) as exc:
            raise SeedError(f"{self._file.source}: {entity} {_label(entry)}: {exc}") from exc
        return done

    def _entry(self, entity: str, entry: Document) -> None:
        fields = SPECS[entity].fields

        def write() -> Document:
            body = self._resolved(entry, fields)
            if entity in FOUNDED:
                return self._company.found(entity, {"Active": True, **body}, actor=ACTOR)
            id = body.pop("Id", None)
            return self._company.save(entity, body, actor=ACTOR, notify=False, new_id=id)

        made = self._guarded(entity, entry, write)[entity]
        name = made.get("FullyQualifiedName") or made.get(SPECS[entity].name_field)
        if name:
            self._ids[entity, name] = made["Id"]

    def _project(self, project: Document) -> None:
        def write() -> Document:
            customer_id = self._ids["Customer", project["customer"]]
            return self._company.add_project(
                customer_id=customer_id, name=project["name"], actor=ACTOR
            )

        made = self._guarded("Project", project, write)["Customer"]
        self._ids["Customer", made["FullyQualifiedName"]] = made["Id"]

    def _point_preferences(self) -> None:
        """Name the default terms and the sales tax code, now that they are there."""
        content = self._file.content
        wishes: Document = {}
        if "default_terms" in content:
            wishes["SalesFormsPrefs"] = {
                "DefaultTerms": {"value": self._ids["Term", content["default_terms"]]}
            }
        if "sales_tax_code" in content:
            wishes["TaxPrefs"] = {
                "TaxGroupCodeRef": {"value": self._ids["TaxCode", content["sales_tax_code"]]}
            }
        if wishes:
            token = self._company.read("Preferences", "1")["Preferences"]["SyncToken"]
            body = {**wishes, "SyncToken": token, "sparse": True}
            self._company.save("Preferences", body, actor=ACTOR, notify=False)

    def _steps(self) -> list[Step]:
        steps: list[Step] = []
        for document in self._file.content.get("documents", ()):
            entity = document["entity"]
            number = document.get("body", {}).get("DocNumber")
            first = Step(
                day=_day(document), place=len(steps), entity=entity, number=None, content=document
            )
            steps.append(first)
            for later in document.get("then", ()):
                steps.append(
                    Step(
                        day=_day(later),
                        place=len(steps),
                        entity=entity,
                        number=number,
                        content=later,
                    )
                )
        return steps

    def _take(self, step: Step) -> Document:
        if step.number is not None:
            return self._change(step)
        fields = SPECS[step.entity].fields
        body = self._resolved(step.content.get("body", {}), fields)
        body.setdefault("TxnDate", (self._today + timedelta(days=step.day)).isoformat())
        if "from_estimate" in step.content:
            body = {**self._lines_of_estimate(step.content["from_estimate"]), **body}
        if "pays" in step.content:
            body = {**self._payment_of(step.content["pays"]), **body}
        made = self._company.save(step.entity, body, actor=ACTOR, notify=False)
        if body.get("DocNumber"):
            self._ids[step.entity, body["DocNumber"]] = made[step.entity]["Id"]
        return made

    def _change(self, step: Step) -> Document:
        current = self._document(step.entity, str(step.number))
        known = {"Id": current["Id"], "SyncToken": current["SyncToken"]}
        if step.content.get("void"):
            return self._company.void(step.entity, known, actor=ACTOR, notify=False)
        if step.content.get("send"):
            return self._company.send(step.entity, current["Id"], actor=ACTOR, notify=False)
        wishes = self._resolved(step.content["set"], SPECS[step.entity].fields)
        return self._company.save(
            step.entity, {**wishes, **known, "sparse": True}, actor=ACTOR, notify=False
        )

    def _document(self, entity: str, number: str) -> Document:
        found: Document = self._company.read(entity, self._ids[entity, number])[entity]
        return found

    def _lines_of_estimate(self, number: str) -> Document:
        estimate = self._document("Estimate", number)
        lines = [
            {name: value for name, value in line.items() if name not in ("Id", "LineNum")}
            for line in estimate["Line"]
            if line["DetailType"] != "SubTotalLineDetail"
        ]
        link = {"TxnId": estimate["Id"], "TxnType": "Estimate"}
        return {"CustomerRef": estimate["CustomerRef"], "Line": lines, "LinkedTxn": [link]}

    def _payment_of(self, pays: Document) -> Document:
        lines: list[Document] = []
        customer: Document = {}
        for number, amount in pays.items():
            invoice = self._document("Invoice", number)
            paid = invoice["Balance"] if amount == "all" else amount
            lines.append(
                {"Amount": paid, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
            )
            customer = invoice["CustomerRef"]
        return {
            "CustomerRef": customer,
            "TotalAmt": total([line["Amount"] for line in lines]),
            "Line": lines,
        }

    def _resolved(self, entry: Mapping[str, Any], fields: Fields) -> Document:
        """Put ids in the place of names and dates in the place of days."""
        return {name: self._value(value, fields.get(name)) for name, value in entry.items()}

    def _value(self, value: Any, known: Field | None) -> Any:
        if known is None:
            return value
        if known.kind is Kind.REF and isinstance(value, str):
            return {"value": self._ids[known.target, value] if known.target else value}
        if known.kind is Kind.DATE and isinstance(value, str) and DAY_PATTERN.fullmatch(value):
            return (self._today + timedelta(days=int(value[:-1]))).isoformat()
        if known.kind is Kind.OBJECT and isinstance(value, dict):
            return self._resolved(value, known.inside)
        if known.kind is Kind.LIST and isinstance(value, list):
            return [self._resolved(row, known.inside) for row in value]
        return value


def _company_info(file: CompanyFile) -> Document:
    return {
        "CompanyName": file.name,
        "LegalName": file.name,
        "Country": "US",
        **file.content.get("company_info", {}),
    }


def _day(entry: Document) -> int:
    match = DAY_PATTERN.fullmatch(str(entry.get("on", "-0d")))
    if match is None or int(match[1]) > 0:
        raise SeedError(
            f'{_label(entry)}: "on" must be a past day such as -12d, not {entry.get("on")!r}'
        )
    return int(match[1])


def _label(entry: Document) -> str:
    body = entry.get("body", entry)
    names = (body.get(name) for name in ("DocNumber", "DisplayName", "Name", "name"))
    return next((str(name) for name in names if name), "without a name")
