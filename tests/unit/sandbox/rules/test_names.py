"""Lists: names, nesting, and entries that are no longer in use."""

import pytest


def test_name_is_unique_whatever_its_case(client, refused):
    """6240, for jobs of other customers too."""
    with refused("6240"):
        client.save("Customer", {"DisplayName": "kitchen 2026"})


@pytest.mark.parametrize("name", ["a:b", "a\tb", "a\nb"])
def test_names_have_forbidden_characters(client, refused, name):
    """A colon separates the parts of a full name."""
    with refused("2040"):
        client.save("Customer", {"DisplayName": name})


def test_job_carries_the_path_of_its_parents(client):
    """Level and `Job` follow from the parent; renaming the parent renames the path below."""
    parent = client.save("Customer", {"DisplayName": "Stone"})
    job = client.save("Customer", {"DisplayName": "Bath", "ParentRef": {"value": parent["Id"]}})
    below = client.save("Customer", {"DisplayName": "Tub", "ParentRef": {"value": job["Id"]}})

    client.change("Customer", parent, DisplayName="Rock")

    assert (job["FullyQualifiedName"], job["Job"], job["Level"]) == ("Stone:Bath", True, 1)
    assert below["Level"] == 2
    assert client.again("Customer", below)["FullyQualifiedName"] == "Rock:Bath:Tub"


def test_entry_cannot_be_nested_below_itself(client, refused):
    """Not directly, and not through its own children."""
    parent = client.save("Customer", {"DisplayName": "Stone"})
    job = client.save("Customer", {"DisplayName": "Bath", "ParentRef": {"value": parent["Id"]}})

    with refused("6000"):
        client.change("Customer", parent, ParentRef={"value": parent["Id"]})
    with refused("6000"):
        client.change("Customer", parent, ParentRef={"value": job["Id"]})


def test_inactive_entry_gives_its_name_back_and_refuses_new_documents(client, refused):
    """610 for a form that points to it; it can be made active again."""
    customer = client.save("Customer", {"DisplayName": "Gone, Al"})

    inactive = client.change("Customer", customer, Active=False)

    assert inactive["DisplayName"] == "Gone, Al (deleted)"
    with refused("610"):
        client.invoice(CustomerRef={"value": customer["Id"]})
    assert client.save("Customer", {"DisplayName": "Gone, Al"})
    second = client.save("Customer", {"DisplayName": "Back, Bo"})
    off = client.change("Customer", second, Active=False)
    assert client.change("Customer", off, Active=True)["DisplayName"] == "Back, Bo"


def test_name_is_made_from_its_parts_where_none_is_sent(client, refused):
    """And refused when there are no parts either."""
    made = client.save("Customer", {"GivenName": "Io", "FamilyName": "Marsh"})

    assert made["DisplayName"] == "Io Marsh"
    with refused("2020"):
        client.save("Customer", {"Notes": "nobody"})


def test_item_to_sell_needs_an_income_account(client, refused):
    """A bundle does not: its parts have theirs."""
    with refused("2020"):
        client.save("Item", {"Name": "Air", "Type": "Service"})
    assert client.save("Item", {"Name": "Set", "Type": "Group"})["Type"] == "Group"


def test_project_has_an_id_of_its_own(client, company):
    """It shows as a job that is a project, and as nothing else."""
    made = company.add_project(customer_id="1", name="Loft", actor="bookkeeper")["Customer"]

    assert (made["IsProject"], made["Job"]) == (True, True)
    assert made["FullyQualifiedName"] == "Whitfield, Dana:Loft"
    assert not [name for name in made if name.startswith("_")]
